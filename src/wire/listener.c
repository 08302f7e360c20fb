#include "listener.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "madang/config.h"
#include "madang/log.h"
#include "madang/map.h"
#include "madang/metric.h"
#include "madang/overload.h"
#include "madang/pool.h"

#define BACKLOG 4096
#define SYSTEMD_FIRST_FD 3 /* sd_listen_fds(3) */
#define INHERIT_MAX 16

struct listener {
    struct list node;
    struct listener_group *group;
    union stream_handle uv;
    bool is_unix;
    size_t refs; /* itself until closed, and its connections */
};

/* Connections of one person, as far as addresses tell, while he has any. */
struct from_address {
    struct map_node node;
    struct address person;
    int64_t count;
};

#define TCP_SIZE (offsetof(struct connection, uv) + sizeof(uv_tcp_t))
static struct pool tcp_connections = { .size = TCP_SIZE, .max = 256 };
static struct map addresses;
static int inherited[INHERIT_MAX];
static size_t inherited_count, inherited_used;

void listener_inherit(const int *fds, size_t count)
{
    inherited_count = count < INHERIT_MAX ? count : INHERIT_MAX;
    inherited_used = 0;
    for (size_t i = 0; i < inherited_count; i++)
        inherited[i] = fds[i];
}

static void listener_drop(struct listener *l)
{
    if (--l->refs == 0)
        free(l);
}

static void on_listener_closed(uv_handle_t *h)
{
    listener_drop(CONTAINER_OF(h, struct listener, uv.handle));
}

static struct text person_key(const struct address *person)
{
    return (struct text){ (const char *)person->bytes, sizeof person->bytes };
}

/* False when the person has too many already. */
static bool address_count(struct connection *c)
{
    struct address person = address_person(&c->peer.address);
    struct map_node *n = map_find(&addresses, person_key(&person));
    struct from_address *f;

    if (!c->listener->group->limit_addresses || c->peer.is_unix || peer_is_trusted(&c->peer))
        return true;
    if (!n) {
        f = must_zalloc(sizeof *f);
        f->person = person;
        map_add(&addresses, &f->node, person_key(&f->person));
        n = &f->node;
    }
    f = CONTAINER_OF(n, struct from_address, node);
    if (f->count >= config->http_connections_per_address)
        return false;
    f->count++;
    c->counted = true;
    return true;
}

static void address_release(struct connection *c)
{
    struct address person = address_person(&c->peer.address);
    struct map_node *n = c->counted ? map_find(&addresses, person_key(&person)) : NULL;
    struct from_address *f;

    if (!n)
        return;
    f = CONTAINER_OF(n, struct from_address, node);
    if (--f->count > 0)
        return;
    map_remove(&addresses, n);
    free(f);
    if (addresses.count == 0)
        map_fini(&addresses);
}

void listener_forget(struct connection *c)
{
    struct listener *l = c->listener;

    connection_drop_queue(c);
    list_remove(&c->all);
    l->group->connections--;
    if (l->group->limit_addresses)
        metric_set(METRIC_CONNECTIONS, (int64_t)l->group->connections);
    address_release(c);
    if (l->is_unix)
        free(c);
    else
        pool_give(&tcp_connections, c);
    listener_drop(l);
}

static void read_peer(struct connection *c)
{
    struct sockaddr_storage from;
    int length = (int)sizeof from;

    c->peer.is_unix = c->listener->is_unix;
    if (c->peer.is_unix || uv_tcp_getpeername(&c->uv.tcp, (struct sockaddr *)&from, &length) != 0)
        return;
    if (from.ss_family == AF_INET6) {
        memcpy(c->peer.address.bytes, &((struct sockaddr_in6 *)&from)->sin6_addr, 16);
    } else {
        memset(c->peer.address.bytes + 10, 0xFF, 2);
        memcpy(c->peer.address.bytes + 12, &((struct sockaddr_in *)&from)->sin_addr, 4);
    }
}

static struct connection *connection_new(struct listener *l)
{
    size_t size = l->is_unix ? offsetof(struct connection, uv) + sizeof(uv_pipe_t) : TCP_SIZE;
    struct connection *c = l->is_unix ? must_alloc(size) : pool_take(&tcp_connections);

    memset(c, 0, size);
    c->listener = l;
    l->refs++;
    connection_init(c);
    list_append(&l->group->connections_all, &c->all);
    l->group->connections++;
    if (l->is_unix)
        CHECK(uv_pipe_init(loop_uv(), &c->uv.pipe, 0) == 0);
    else
        CHECK(uv_tcp_init(loop_uv(), &c->uv.tcp) == 0);
    c->uv.handle.data = c;
    return c;
}

/* Once the connection is accepted. */
static void take_in(struct connection *c)
{
    struct listener_group *g = c->listener->group;

    CHECK(uv_fileno(&c->uv.handle, &c->fd) == 0);
    read_peer(c);
    if (g->limit_addresses) {
        metric_add(METRIC_CONNECTIONS_TOTAL, 1);
        metric_set(METRIC_CONNECTIONS, (int64_t)g->connections);
    }
    c->late = g->limit_addresses && overload_of_descriptors();
    if (g->connections > g->connections_max || (g->limit_addresses && overload_keeps_free(c->fd)) || !address_count(c)) {
        metric_add(METRIC_CONNECTIONS_REFUSED, 1);
        connection_abort(c);
        return;
    }
    g->accepted(c);
    if (!c->closing)
        connection_read(c, true);
}

static void on_connection(uv_stream_t *s, int status)
{
    struct listener *l = s->data;
    struct connection *c;

    loop_event();
    if (status < 0) {
        log_warn("listen", "%s: cannot accept: %s", l->group->name, uv_strerror(status));
        return;
    }
    c = connection_new(l);
    if (uv_accept(s, &c->uv.stream) == 0)
        take_in(c);
    else
        connection_abort(c);
}

/* Who is in the queue of a socket when it is closed would be reset. */
static void accept_waiting(struct listener *l)
{
    int listening, fd;

    if (uv_fileno(&l->uv.handle, &listening) != 0)
        return;
    while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = connection_new(l);

        if ((l->is_unix ? uv_pipe_open(&c->uv.pipe, fd) : uv_tcp_open(&c->uv.tcp, fd)) == 0) {
            take_in(c);
        } else {
            close(fd);
            connection_abort(c);
        }
    }
}

static bool listen_now(struct listener *l, const char *what)
{
    int failed = uv_listen(&l->uv.stream, BACKLOG, on_connection);

    if (!failed && !l->is_unix)
        failed = uv_tcp_nodelay(&l->uv.tcp, 1); /* what is accepted has it too: tcp(7), Linux */

    if (failed)
        log_error("listen", "%s: %s", what, uv_strerror(failed));
    else
        log_info("listen", "%s on %s", l->group->name, what);
    return failed == 0;
}

static struct listener *listener_new(struct listener_group *g, bool is_unix)
{
    struct listener *l = must_zalloc(sizeof *l);

    l->group = g;
    l->is_unix = is_unix;
    l->refs = 1;
    list_append(&g->listeners, &l->node);
    if (is_unix)
        CHECK(uv_pipe_init(loop_uv(), &l->uv.pipe, 0) == 0);
    else
        CHECK(uv_tcp_init(loop_uv(), &l->uv.tcp) == 0);
    l->uv.handle.data = l;
    return l;
}

static bool open_fd(struct listener_group *g, int fd)
{
    struct sockaddr_storage name = { 0 };
    socklen_t length = sizeof name;
    struct listener *l;
    int failed;

    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0) {
        log_error("listen", "descriptor %d is no socket", fd);
        return false;
    }
    l = listener_new(g, name.ss_family == AF_UNIX);
    failed = l->is_unix ? uv_pipe_open(&l->uv.pipe, fd) : uv_tcp_open(&l->uv.tcp, fd);
    return failed == 0 && listen_now(l, "a socket handed over");
}

static bool open_systemd(struct listener_group *g)
{
    const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    int64_t n = 0, owner = 0;

    if (!count || !pid || !text_to_i64(text_of(count), &n) || !text_to_i64(text_of(pid), &owner) || owner != getpid() || n < 1) {
        log_error("listen", "systemd handed over no socket");
        return false;
    }
    for (int fd = SYSTEMD_FIRST_FD; fd < SYSTEMD_FIRST_FD + n; fd++)
        if (!open_fd(g, fd))
            return false;
    return true;
}

/* A socket file that nobody listens on is a leftover of a process that was killed. */
static void remove_stale(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    struct stat st;
    int fd;

    if (strlen(path) >= sizeof to.sun_path || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    memcpy(to.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno == ECONNREFUSED)
        unlink(path);
    if (fd >= 0)
        close(fd);
}

static bool open_unix(struct listener_group *g, const char *path)
{
    struct listener *l;
    int failed;

    remove_stale(path);
    l = listener_new(g, true);
    failed = uv_pipe_bind(&l->uv.pipe, path);
    if (failed) {
        log_error("listen", "unix:%s: %s", path, uv_strerror(failed));
        return false;
    }
    uv_pipe_chmod(&l->uv.pipe, UV_READABLE | UV_WRITABLE);
    return listen_now(l, path);
}

static bool parse_tcp(struct arena *a, struct text one, struct sockaddr_storage *out)
{
    struct text port_text, host = text_cut_last(one, ':', &port_text);
    int64_t port;

    if (!text_to_i64(port_text, &port) || port < 0 || port > 65535)
        return false;
    if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        return uv_ip6_addr(arena_cstr(a, (struct text){ host.at + 1, host.len - 2 }), (int)port, (struct sockaddr_in6 *)out) == 0;
    return uv_ip4_addr(arena_cstr(a, host), (int)port, (struct sockaddr_in *)out) == 0;
}

static bool open_tcp(struct listener_group *g, struct arena *a, struct text one)
{
    struct sockaddr_storage to;
    struct listener *l;
    int failed;

    if (!parse_tcp(a, one, &to)) {
        log_error("listen", "%.*s is neither ADDRESS:PORT, [IPv6]:PORT, unix:PATH nor systemd", TEXT_ARG(one));
        return false;
    }
    l = listener_new(g, false);
    failed = uv_tcp_bind(&l->uv.tcp, (struct sockaddr *)&to, 0);
    if (failed)
        log_error("listen", "%.*s: %s", TEXT_ARG(one), uv_strerror(failed));
    return failed == 0 && listen_now(l, arena_cstr(a, one));
}

static bool open_one(struct listener_group *g, struct arena *a, struct text one)
{
    if (inherited_used < inherited_count)
        return open_fd(g, inherited[inherited_used++]);
    if (text_is(one, T("systemd")))
        return open_systemd(g);
    if (text_starts(one, T("unix:")))
        return open_unix(g, arena_cstr(a, text_from(one, 5)));
    return open_tcp(g, a, one);
}

void listener_group_init(struct listener_group *g, const char *name, void (*accepted)(struct connection *c), size_t max)
{
    *g = (struct listener_group){ .name = name, .accepted = accepted, .connections_max = max };
    list_init(&g->listeners);
    list_init(&g->connections_all);
}

bool listener_group_open(struct listener_group *g, struct text list)
{
    struct arena a;
    bool ok = true;

    arena_init(&a, 65536);
    while (list.len && ok) {
        struct text one = text_trim(text_cut(list, ',', &list));

        ok = open_one(g, &a, one);
    }
    arena_fini(&a);
    return ok;
}

size_t listener_group_fds(const struct listener_group *g, int *out, size_t room)
{
    size_t n = 0;

    list_each (node, &g->listeners)
        if (n < room && uv_fileno(&CONTAINER_OF(node, struct listener, node)->uv.handle, &out[n]) == 0)
            n++;
    return n;
}

static void close_all(struct listener_group *g)
{
    struct list *node;

    while ((node = list_take_first(&g->listeners)) != NULL)
        uv_close(&CONTAINER_OF(node, struct listener, node)->uv.handle, on_listener_closed);
}

void listener_group_stop(struct listener_group *g)
{
    list_each (node, &g->listeners)
        accept_waiting(CONTAINER_OF(node, struct listener, node));
    close_all(g);
}

void listener_group_abort(struct listener_group *g)
{
    close_all(g);
    list_each_safe (node, &g->connections_all)
        connection_abort(CONTAINER_OF(node, struct connection, all));
}
