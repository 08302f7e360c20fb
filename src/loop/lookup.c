#include "madang/lookup.h"

#include <net/if.h>

#include "madang/check.h"

/* One question to the resolver. */
struct question {
    struct list node;
    struct list asked_by;
    uv_getaddrinfo_t uv;
    char host[];
};

static struct list questions = { &questions, &questions };

static void on_answer(uv_getaddrinfo_t *uv, int status, struct addrinfo *all)
{
    struct question *q = CONTAINER_OF(uv, struct question, uv);
    struct list *node;

    loop_event();
    list_remove(&q->node); /* who asks from now on asks anew */
    while ((node = list_take_first(&q->asked_by)) != NULL) {
        struct lookup *l = CONTAINER_OF(node, struct lookup, node);

        l->found(l, status == 0 ? all : NULL);
    }
    uv_freeaddrinfo(all);
    free(q);
}

static struct question *question_find(const char *host)
{
    list_each (node, &questions) {
        struct question *q = CONTAINER_OF(node, struct question, node);

        if (strcmp(q->host, host) == 0)
            return q;
    }
    return NULL;
}

static struct question *question_new(const char *host)
{
    static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    size_t size = strlen(host) + 1;
    struct question *q = must_zalloc(sizeof *q + size);

    memcpy(q->host, host, size);
    list_init(&q->asked_by);
    if (uv_getaddrinfo(loop_uv(), &q->uv, on_answer, host, NULL, &hints) != 0) { /* no name that could be asked for */
        free(q);
        return NULL;
    }
    list_append(&questions, &q->node);
    return q;
}

bool lookup_start(struct lookup *l, const char *host, void (*found)(struct lookup *l, const struct addrinfo *all))
{
    struct question *q = question_find(host);

    if (!q)
        q = question_new(host);
    if (!q)
        return false;
    l->found = found;
    list_append(&q->asked_by, &l->node);
    return true;
}

/* The last one to ask also takes the question back, if no thread has it yet. */
static void question_leave(struct list *asked_by)
{
    struct question *q = CONTAINER_OF(asked_by, struct question, asked_by);

    if (list_is_empty(asked_by) && uv_cancel((uv_req_t *)&q->uv) == 0)
        list_remove(&q->node);
}

void lookup_stop(struct lookup *l)
{
    struct list *before = l->node.prev;
    bool was_last = before && before == l->node.next && before != &l->node;

    if (!before)
        return;
    list_remove(&l->node);
    if (was_last)
        question_leave(before);
}

bool address_text(const struct addrinfo *one, char out[static ADDRESS_TEXT_SIZE])
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)one->ai_addr;
    char zone[IF_NAMESIZE] = "";
    size_t len;

    out[0] = '\0';
    if (one->ai_family == AF_INET)
        return uv_ip4_name((const struct sockaddr_in *)(const void *)one->ai_addr, out, ADDRESS_TEXT_SIZE) == 0;
    if (one->ai_family != AF_INET6 || uv_ip6_name(six, out, ADDRESS_TEXT_SIZE) != 0)
        return false;
    len = strlen(out);
    if (six->sin6_scope_id && if_indextoname(six->sin6_scope_id, zone)) /* fe80::… means nothing without */
        snprintf(out + len, ADDRESS_TEXT_SIZE - len, "%%%s", zone);
    return true;
}
