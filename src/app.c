#include "app.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "data/redis_link.h"
#include "hub/hub_parts.h"
#include "madang/calls.h"
#include "madang/config.h"
#include "madang/health.h"
#include "madang/log.h"
#include "madang/map.h"
#include "madang/outbound.h"
#include "madang/overload.h"
#include "madang/pg.h"
#include "madang/random.h"
#include "madang/redis.h"
#include "madang/seal.h"
#include "ops/log_writer.h"
#include "ops/notify.h"
#include "web/admin.h"
#include "web/documents.h"
#include "web/door.h"
#include "web/door_http.h"
#include "web/door_ws.h"
#include "web/ears.h"
#include "web/jobs.h"
#include "web/limits.h"
#include "web/static_files.h"
#include "wire/handover.h"
#include "wire/listener.h"

#define DRAIN_LOOK_MS 50
#define CANCEL_MS 2000 /* what is left of the tasks after the drain limit gets this long to let go */
#define ABANDON_MS 500 /* and then, when Postgres is abandoned that owes them an answer */

#define START_LOOK_MS 10
#define START_MS 5000 /* stores that are not reached by then: the public is let in, and told so with 503 */

enum phase { STARTING, RUNNING, DRAINING, CANCELLING, ABANDONING, STOPPED };

static struct listener_group public_group, admin_group;
static uv_signal_t on_term, on_int, on_hup;
static struct timer start_timer, drain_timer;
static uint64_t start_until_ms, drain_until_ms;
static enum phase phase;
static bool opened;

static void accept_public(struct connection *c)
{
    http_accept(c, &public_service);
}

static void accept_admin(struct connection *c)
{
    http_accept(c, &admin_service);
}

bool app_prepare(void)
{
    unsigned char seed[16];
    struct text why;

    random_bytes(seed, sizeof seed);
    map_seed(seed);
    if (!secret_load(&why) || !pg_url_check(&why) || !redis_url_check(&why)) {
        log_error("config", "%.*s", TEXT_ARG(why));
        return false;
    }
    if (!app_features(config->features_off))
        return false;
    store_start();
    calls_start();
    documents_check();
    return true;
}

int app_migrate(void)
{
    return migrate_run(false) ? 0 : 1;
}

static bool features_check(void)
{
    bool ok = true;

    for (size_t i = 0; i < feature_count; i++)
        ok = (!features[i]->check || features[i]->check()) && ok;
    return ok;
}

int app_check(void)
{
    bool ok = features_check();

    ok = migrate_run(true) && ok;
    ok = statements_check() && ok;
    return ok ? 0 : 1;
}

static void features_start(void)
{
    for (size_t i = 0; i < feature_count; i++)
        if (features[i]->start)
            features[i]->start();
}

static void features_stop(void)
{
    for (size_t i = feature_count; i-- > 0;)
        if (features[i]->stop)
            features[i]->stop();
}

static void end_loop(void)
{
    uv_close((uv_handle_t *)&on_term, NULL);
    uv_close((uv_handle_t *)&on_int, NULL);
    uv_close((uv_handle_t *)&on_hup, NULL);
    timer_clear(&start_timer);
    timer_clear(&drain_timer);
    hub_stop();
    redis_stop();
    pg_stop();
    outbound_stop();
    notify_stop();
    overload_stop();
    loop_rest();
}

static void cancel_all(void)
{
    relay_stop();
    pg_rest();
    listener_group_abort(&public_group);
    listener_group_abort(&admin_group);
    task_cancel_all();
}

static bool all_ended(bool in_time)
{
    return public_group.connections == 0 && admin_group.connections == 0 && (task_count() == 0 || !in_time);
}

/* Drain step by step: calls end, sockets close, then what is left is cancelled and the other nodes hear a farewell (not
 * before: what the last calls commit is published to them), then who waits for a commit that is not answered hears that it is
 * lost, then everything is closed. */
static void on_drain(struct timer *t)
{
    uint64_t now = clock_ms();
    bool in_time = now < drain_until_ms;

    if (phase == DRAINING && (!in_time || (public_group.connections == 0 && task_count() <= relay_tasks()))) {
        phase = CANCELLING;
        cancel_all();
        drain_until_ms = now + CANCEL_MS;
    } else if (phase == CANCELLING && !in_time && task_count()) {
        phase = ABANDONING;
        log_warn("app", "%zu tasks do not end: Postgres is abandoned", task_count());
        pg_abandon();
        drain_until_ms = now + ABANDON_MS;
    } else if (phase >= CANCELLING && all_ended(in_time)) {
        if (task_count())
            log_error("app", "%zu tasks did not end", task_count());
        phase = STOPPED;
        end_loop();
        return;
    }
    timer_set_after(t, DRAIN_LOOK_MS);
}

static void say_restart(struct socket *s, void *arg)
{
    char reason[40];

    (void)arg;
    snprintf(reason, sizeof reason, "reconnect in %u ms", 200 + random_below(1800));
    socket_close(s, WS_CODE_RESTART, reason);
}

static void drain(uv_signal_t *handle, int signal)
{
    (void)handle;
    if (phase > RUNNING)
        return;
    log_info("app", "signal %d: draining", signal);
    phase = DRAINING;
    timer_clear(&start_timer);
    notify("STOPPING=1");
    drain_until_ms = clock_ms() + (uint64_t)config->http_drain_ms;
    handover_stop();
    listener_group_stop(&public_group);
    http_drain();
    sockets_each(say_restart, NULL);
    jobs_stop();
    features_stop();
    timer_set_after(&drain_timer, DRAIN_LOOK_MS);
}

static void apply_log_settings(void)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_is(config->log_level, text_of(names[i])))
            log_set_level((enum log_level)i);
    log_set_json(config->log_json);
}

/* The file is read on the loop: a small one of the operator's, read when he says so. */
static void reload(uv_signal_t *handle, int signal)
{
    struct buf mistakes, notes;

    (void)handle;
    (void)signal;
    notify("RELOADING=1");
    buf_init(&mistakes, 65536);
    buf_init(&notes, 65536);
    if (config_reload(&mistakes, &notes))
        log_info("config", "reloaded%s%.*s", notes.len ? "; " : "", TEXT_ARG(buf_text(&notes)));
    else
        log_error("config", "not reloaded: %.*s", TEXT_ARG(buf_text(&mistakes)));
    apply_log_settings();
    buf_fini(&mistakes);
    buf_fini(&notes);
    notify("READY=1");
}

static void watch_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    CHECK(uv_signal_init(loop_uv(), &on_term) == 0 && uv_signal_start(&on_term, drain, SIGTERM) == 0);
    CHECK(uv_signal_init(loop_uv(), &on_int) == 0 && uv_signal_start(&on_int, drain, SIGINT) == 0);
    CHECK(uv_signal_init(loop_uv(), &on_hup) == 0 && uv_signal_start(&on_hup, reload, SIGHUP) == 0);
}

/* From an instance that is about to end, if there is one. */
static void take_sockets(void)
{
    int fds[16];
    size_t count = config->http_handover.len ? handover_take(config->http_handover.at, fds, COUNT_OF(fds)) : 0;

    if (count)
        log_info("app", "took %zu listening sockets over", count);
    listener_inherit(fds, count);
}

static bool open_public(void)
{
    take_sockets();
    if (!listener_group_open(&public_group, config->http_listen))
        return false;
    handover_offer(config->http_handover.at, &public_group);
    return true;
}

static const char *says_phase(void)
{
    return phase == STARTING ? "starting" : phase == RUNNING ? NULL : "draining";
}
static struct health_part node_part = { .name = "node", .says = says_phase };

/* Whoever comes before the stores are reached would be refused, and a predecessor could still have served him. */
static void on_start(struct timer *t)
{
    if (!health_is_well(&node_part) && clock_ms() < start_until_ms) {
        timer_set_after(t, START_LOOK_MS);
        return;
    }
    opened = open_public();
    if (!opened) {
        drain(NULL, 0);
        return;
    }
    phase = RUNNING;
    notify_start();
}

static void start(void)
{
    listener_group_init(&public_group, "public", accept_public, (size_t)config->http_connections_max);
    listener_group_init(&admin_group, "admin", accept_admin, 100);
    public_group.limit_addresses = true;
    if (!listener_group_open(&admin_group, config->admin_listen)) {
        drain(NULL, 0);
        return;
    }
    start_until_ms = clock_ms() + START_MS;
    on_start(&start_timer);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void start_parts(void)
{
    health_part_add(&node_part);
    timer_init(&start_timer, on_start);
    timer_init(&drain_timer, on_drain);
    static_files_start(); /* before anything that waits for an answer in time */
    overload_start();
    tokens_start();
    door_start();
    ws_start(&door_ws);
    admin_start();
    hub_start(ears_open());
    relay_start();
    pg_start();
    redis_start();
    outbound_start();
    features_start();
    jobs_start();
    watch_signals();
}

/* After the loop has nothing left. */
static void stop_parts(void)
{
    ws_stop();
    limits_stop();
    static_files_stop();
    tokens_stop();
    calls_stop();
    for (size_t i = 0; i < feature_count; i++)
        if (features[i]->free)
            features[i]->free();
}

bool app_open(void)
{
    apply_log_settings();
    if (!features_check())
        return false;
    log_writer_start();
    loop_start();
    start_parts();
    start();
    return true;
}

bool app_close(void)
{
    loop_close();
    stop_parts();
    CHECK(arena_live() == 0);
    log_info("app", "stopped");
    log_writer_stop();
    return opened && phase == STOPPED;
}

int app_run(void)
{
    raise_descriptor_limit();
    if (config->pg_migrate_at_start && !migrate_run(false))
        return 1;
    if (!statements_check() || !app_open())
        return 1;
    loop_run();
    return app_close() ? 0 : 1;
}
