#include "resolve.h"

#include <arpa/inet.h>

#include "madang/log.h"
#include "madang/lookup.h"

#define HOSTS_MAX 32 /* they stand in settings */
#define ADDRESSES_MAX 16
#define FRESH_MS 60000
#define OLD_MS 500 /* so long is waited for news when older addresses are known */

struct host {
    char *name;
    char addresses[ADDRESSES_MAX * (ADDRESS_TEXT_SIZE)]; /* as CURLOPT_RESOLVE wants them; empty: none known */
    uint64_t known_ms;
    struct lookup lookup;
    bool asking;
    struct list waiting; /* struct asker */
};
struct asker {
    struct list node;
    struct wait wait;
};

static struct host hosts[HOSTS_MAX];

static struct host *host_of(struct text name)
{
    struct host *h = hosts;

    while (h->name && !text_is_nocase(text_of(h->name), name))
        CHECK(++h < hosts + HOSTS_MAX);
    if (!h->name) {
        h->name = must_alloc(name.len + 1);
        memcpy(h->name, name.at, name.len);
        h->name[name.len] = '\0';
        list_init(&h->waiting);
    }
    return h;
}

static void put_address(struct buf *out, const struct addrinfo *a)
{
    char text[ADDRESS_TEXT_SIZE];

    if (address_text(a, text))
        buf_printf(out, a->ai_family == AF_INET6 ? "%s[%s]" : "%s%s", out->len ? "," : "", text);
}

/* All of them, in the system's order: curl tries one after the other, both families at once. */
static void learn(struct host *h, const struct addrinfo *found)
{
    struct buf out;
    size_t count = 0;

    buf_borrow(&out, h->addresses, sizeof h->addresses - 1);
    for (; found && count < ADDRESSES_MAX; found = found->ai_next, count++)
        put_address(&out, found);
    h->addresses[out.len] = '\0';
    h->known_ms = clock_ms();
}

static void on_answer(struct lookup *l, const struct addrinfo *found)
{
    struct host *h = CONTAINER_OF(l, struct host, lookup);
    struct list *node;

    h->asking = false;
    if (found)
        learn(h, found);
    while ((node = list_take_first(&h->waiting)) != NULL)
        wait_done(&CONTAINER_OF(node, struct asker, node)->wait, NULL);
}

static void cancel_asker(struct wait *w)
{
    list_remove(&CONTAINER_OF(w, struct asker, wait)->node);
    wait_done(w, NULL);
}

/* NULL when an answer came, whatever it says, or `until_ms` is over. */
static problem await_answer(struct task *t, struct host *h, uint64_t until_ms)
{
    struct asker a;
    problem p;

    if (!h->asking)
        h->asking = lookup_start(&h->lookup, h->name, on_answer);
    if (!h->asking)
        return NULL;
    list_append(&h->waiting, &a.node);
    wait_init(&a.wait, cancel_asker);
    p = task_wait(t, &a.wait, until_ms);
    return p == PROBLEM(DEADLINE) && clock_ms() >= until_ms ? NULL : p;
}

static problem addresses_of(struct task *t, struct text name, uint64_t until_ms, struct host **out)
{
    struct host *h = host_of(name);
    uint64_t now = clock_ms(), patience = now + OLD_MS;
    problem p;

    *out = h;
    if (h->addresses[0] && now < h->known_ms + FRESH_MS)
        return NULL;
    if ((p = await_answer(t, h, h->addresses[0] && patience < until_ms ? patience : until_ms)))
        return p;
    if (h->addresses[0])
        return NULL;
    log_warn("resolve", "%s: %s", h->name, h->asking ? "the name server does not answer" : "no address");
    return PROBLEM(UPSTREAM_UNAVAILABLE);
}

static bool is_address(const char *host)
{
    struct in6_addr ignored;

    return host[0] == '[' || inet_pton(AF_INET, host, &ignored) == 1;
}

static problem resolve_parts(struct call *c, const char *name, const char *port, uint64_t until_ms, const char **entry)
{
    struct host *h;
    problem p;

    *entry = NULL;
    if (is_address(name))
        return NULL;
    if ((p = addresses_of(c->task, text_of(name), until_ms, &h)))
        return p;
    *entry = arena_printf(c->arena, "%s:%s:%s", name, port, h->addresses).at;
    return NULL;
}

problem resolve_url(struct call *c, struct text url, uint64_t until_ms, const char **entry)
{
    CURLU *u = curl_url();
    char *name = NULL, *port = NULL;
    problem p = PROBLEM(UPSTREAM_FAILED);

    CHECK(u != NULL);
    if (!curl_url_set(u, CURLUPART_URL, arena_cstr(c->arena, url), CURLU_NON_SUPPORT_SCHEME) &&
        !curl_url_get(u, CURLUPART_HOST, &name, CURLU_PUNYCODE) && !curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
        p = resolve_parts(c, name, port, until_ms, entry);
    curl_free(name);
    curl_free(port);
    curl_url_cleanup(u);
    return p;
}

static int forbid(void *resolver, void *reserved, void *unused)
{
    (void)resolver;
    (void)reserved;
    (void)unused;
    return 1;
}

struct curl_slist *resolve_apply(CURL *easy, const char *entry)
{
    struct curl_slist *list = entry ? curl_slist_append(NULL, entry) : NULL;

    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (!list)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_RESOLVE, list);
    curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, forbid);
    return list;
}

void resolve_stop(void)
{
    for (struct host *h = hosts; h < hosts + HOSTS_MAX && h->name; h++) {
        CHECK(list_is_empty(&h->waiting));
        lookup_stop(&h->lookup);
        free(h->name);
        *h = (struct host){ .name = NULL };
    }
}
