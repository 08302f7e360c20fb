#include "peer.h"

#include "madang/config.h"

#define PROXIES_MAX 512 /* more than fit into the setting */

static struct network proxies[PROXIES_MAX];
static size_t proxy_count;
static bool unix_is_trusted;
static struct text read_of; /* the setting they were read from */

struct text peer_print(const struct peer *p, char out[static ADDRESS_TEXT])
{
    return p->is_unix ? T("unix") : address_print(&p->address, out);
}

/* Once a setting: a reload brings another. */
static void read_proxies(void)
{
    struct text list = config->http_trusted_proxies;

    if (list.at == read_of.at && list.len == read_of.len)
        return;
    read_of = list;
    proxy_count = 0;
    unix_is_trusted = false;
    while (list.len) {
        struct text one = text_trim(text_cut(list, ',', &list));

        unix_is_trusted = unix_is_trusted || text_is(one, T("unix"));
        if (proxy_count < PROXIES_MAX && network_parse(one, &proxies[proxy_count]))
            proxy_count++;
    }
}

bool peer_is_trusted(const struct peer *p)
{
    read_proxies();
    if (p->is_unix)
        return unix_is_trusted;
    for (size_t i = 0; i < proxy_count; i++)
        if (network_has(&proxies[i], &p->address))
            return true;
    return false;
}

struct peer peer_behind(const struct peer *p, struct text forwarded)
{
    struct peer found = *p, next = { .is_unix = false };
    bool more = forwarded.len > 0;

    while (more && peer_is_trusted(&found)) {
        ptrdiff_t comma = (ptrdiff_t)forwarded.len - 1;

        while (comma >= 0 && forwarded.at[comma] != ',')
            comma--;
        if (!address_parse_port(text_trim(text_from(forwarded, (size_t)(comma + 1))), &next.address))
            return found;
        found = next;
        more = comma > 0;
        forwarded = text_until(forwarded, more ? (size_t)comma : 0);
    }
    return found;
}
