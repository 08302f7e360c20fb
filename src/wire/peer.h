/* wire: peer — who is at the other end of a connection, and whose word about that is believed. */
#ifndef MADANG_PEER_H
#define MADANG_PEER_H

#include "madang/address.h"

struct peer {
    struct address address;
    bool is_unix;
};
struct text peer_print(const struct peer *p, char out[static ADDRESS_TEXT]); /* borrows `out`, or a constant */
/* A proxy of [http] trusted_proxies, whose X-Forwarded-For is believed. */
bool peer_is_trusted(const struct peer *p);
/* Whom a trusted peer speaks for, by the lines of X-Forwarded-For in their order: read from the right, what is trusted is passed
 * over and the next one counts; what is no address ends the search, since nobody who is believed wrote what is left of it. */
struct peer peer_behind(const struct peer *p, struct text forwarded);

#endif
