/* loop: lookup — the addresses of a name, asked of the system's resolver on the thread pool.
 *
 * Whoever asks for a name that is being asked for already gets the same answer: a resolver that is silent holds one thread for a
 * name, however many wait. Nobody has to wait for it: lookup_stop() lets go at once.
 */
#ifndef MADANG_LOOKUP_H
#define MADANG_LOOKUP_H

#include "madang/loop.h"
#include "madang/text.h"

#define ADDRESS_TEXT_SIZE 64 /* of an address in text, its zone and NUL among it */

/* Lies in its owner. */
struct lookup {
    struct list node;
    void (*found)(struct lookup *l, const struct addrinfo *all); /* borrowed; NULL: there is none, or nobody could tell */
};

/* `found` is called later, once, unless stopped before. False: no name that could be asked for. */
bool lookup_start(struct lookup *l, const char *host, void (*found)(struct lookup *l, const struct addrinfo *all)) MUST_USE;
void lookup_stop(struct lookup *l); /* harmless when it is over, or never was (zeroed) */
/* The address as text; false: neither IPv4 nor IPv6. */
bool address_text(const struct addrinfo *one, char out[static ADDRESS_TEXT_SIZE]);

#endif
