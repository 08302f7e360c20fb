/* data: places — everywhere that the URL of a store may lead: every address of every host it names, in their order.
 *
 * A place that refuses, is silent, or only reads makes way for the next one. When all were tried the names are looked up anew, so
 * that a store that moved behind its name is found. Lies in its owner, a connection; asks one name after the other.
 */
#ifndef MADANG_PLACES_H
#define MADANG_PLACES_H

#include "madang/lookup.h"

#define PLACE_NAMES_MAX 16 /* hosts of a URL */
#define PLACES_MAX 64      /* addresses of all of them; more are not tried */

struct place_name {
    char *host; /* a name, an address, or a Unix socket's path or folder */
    char *port;
    char *address; /* NULL: to be looked up; else where it is, "" for what has no address */
};

struct place {
    const struct place_name *name;
    char address[ADDRESS_TEXT_SIZE]; /* "": the host has none */
};

struct places {
    struct place_name names[PLACE_NAMES_MAX];
    size_t name_count, name_next; /* next: the one to look up */
    struct place *at;             /* of the last round, while there is one */
    size_t count, next;
    struct lookup lookup;
    void (*found)(struct places *p, const struct place *one); /* NULL: none of the names has an address */
};

/* `address` as in struct place_name; all are copied. False: more names than are kept, or an address that is none. */
bool places_add(struct places *p, struct text host, struct text port, const char *address) MUST_USE;
/* Calls `found` with the next place, at once or when its name was looked up. Not while a lookup of it is on its way. */
void places_next(struct places *p);
bool places_all_tried(const struct places *p); /* the next one begins a new round: time to wait */
void places_stop(struct places *p);            /* no lookup is on its way any more; the next place begins a round */
void places_free(struct places *p);

#endif
