#include "madang/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "madang/arena.h"
#include "madang/codec.h"

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };

bool address_parse(struct text t, struct address *out)
{
    char text[ADDRESS_TEXT];

    if (t.len == 0 || t.len >= sizeof text || memchr(t.at, '\0', t.len))
        return false;
    memcpy(text, t.at, t.len);
    text[t.len] = '\0';
    memcpy(out->bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, out->bytes + sizeof mapped) == 1 || inet_pton(AF_INET6, text, out->bytes) == 1;
}

static bool is_port(struct text t)
{
    int64_t port;

    return text_to_i64(t, &port) && port >= 0 && port <= 65535;
}

bool address_parse_port(struct text t, struct address *out)
{
    struct text port, host = text_cut_last(t, ':', &port);

    if (address_parse(t, out))
        return true;
    if (text_starts(t, T("[")) && text_ends(t, T("]")))
        return t.len > 2 && address_parse((struct text){ t.at + 1, t.len - 2 }, out) && !address_is_ipv4(out);
    if (!is_port(port))
        return false;
    return text_starts(host, T("[")) ? address_parse_port(host, out) : text_find(host, ':') < 0 && address_parse(host, out);
}

bool network_parse(struct text t, struct network *out)
{
    struct text length, first = text_cut(t, '/', &length);
    int64_t bits = 128;

    if (!address_parse(first, &out->first))
        return false;
    if (first.len < t.len) {
        int64_t before = address_is_ipv4(&out->first) && text_find(first, ':') < 0 ? 96 : 0;

        if (!text_to_i64(length, &bits) || bits < 0 || (bits += before) > 128)
            return false;
    }
    out->bits = (int)bits;
    return true;
}

bool network_has(const struct network *n, const struct address *a)
{
    size_t whole = (size_t)n->bits / 8;
    int left = 8 - n->bits % 8;

    return memcmp(n->first.bytes, a->bytes, whole) == 0 && (left == 8 || (n->first.bytes[whole] ^ a->bytes[whole]) >> left == 0);
}

bool address_is_ipv4(const struct address *a)
{
    return memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

struct text address_print(const struct address *a, char out[static ADDRESS_TEXT])
{
    size_t len = 0;
    char digits[24];

    if (!address_is_ipv4(a)) {
        CHECK(inet_ntop(AF_INET6, a->bytes, out, ADDRESS_TEXT));
        return text_of(out);
    }
    for (size_t i = sizeof mapped; i < sizeof a->bytes; i++) { /* each connection has one: inet_ntop() goes through sprintf() */
        struct text number = text_i64(a->bytes[i], digits);

        memcpy(out + len, number.at, number.len);
        len += number.len;
        out[len++] = '.';
    }
    out[--len] = '\0';
    return (struct text){ out, len };
}

struct address address_person(const struct address *a)
{
    struct address person = *a;

    if (!address_is_ipv4(a))
        memset(person.bytes + 8, 0, 8);
    return person;
}

struct text address_network(struct arena *a, struct text address)
{
    struct address person;

    if (!address_parse(address, &person))
        return address;
    if (address_is_ipv4(&person) && text_find(address, ':') < 0)
        return address; /* these have one spelling */
    if (address_is_ipv4(&person))
        return address_print(&person, arena_alloc(a, ADDRESS_TEXT));
    person = address_person(&person);
    return hex_encode(a, person.bytes, 8);
}
