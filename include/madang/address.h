/* base: address — IP addresses by value, however they are spelt: an IPv4 address is ::ffff:a.b.c.d. Pure. */
#ifndef MADANG_ADDRESS_H
#define MADANG_ADDRESS_H

#include "madang/text.h"

struct arena;

#define ADDRESS_TEXT 46

struct address {
    unsigned char bytes[16];
};
/* The addresses whose first `bits` bits are these. */
struct network {
    struct address first;
    int bits;
};

/* "192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7", and nothing else. */
bool address_parse(struct text t, struct address *out) MUST_USE;
/* The same, perhaps in brackets, perhaps with a port: "192.0.2.7:80", "[2001:db8::1]:80". */
bool address_parse_port(struct text t, struct address *out) MUST_USE;
/* An address, or "192.0.2.0/24", "2001:db8::/32". */
bool network_parse(struct text t, struct network *out) MUST_USE;
bool network_has(const struct network *n, const struct address *a);
bool address_is_ipv4(const struct address *a);
struct text address_print(const struct address *a, char out[static ADDRESS_TEXT]); /* its one spelling; borrows `out` */
/* Whom it counts as: an IPv6 address as its /64, which one person has for himself, any other as itself. */
struct address address_person(const struct address *a);

/* What to count by: an IPv6 address stands for its /64, which one person has for himself; any other for itself. What is no
 * address is answered as it is. */
struct text address_network(struct arena *a, struct text address);

#endif
