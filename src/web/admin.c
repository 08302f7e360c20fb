#include "admin.h"

#include <dirent.h>
#include <unistd.h>

#include "madang/config.h"
#include "madang/fault.h"
#include "madang/health.h"
#include "madang/metric.h"
#include "madang/worker.h"

#define PAGE_MAX (8u << 20)
#define LOAD_MS 5000

struct page {
    const char *path;
    enum method method;
    const char *type;
    int (*print)(struct exchange *x, struct buf *out);
    void (*load)(void *out); /* instead of it, what may wait for a disk */
};

static int print_health(struct exchange *x, struct buf *out)
{
    (void)x;
    buf_put(out, T("ok\n"));
    return 200;
}

static int print_ready(struct exchange *x, struct buf *out)
{
    (void)x;
    return health_print(out) ? 200 : 503;
}

static int print_metrics(struct exchange *x, struct buf *out)
{
    (void)x;
    metrics_print(out);
    return 200;
}

static int print_config(struct exchange *x, struct buf *out)
{
    (void)x;
    config_print_json(out);
    return 200;
}

static int print_faults(struct exchange *x, struct buf *out)
{
    (void)x;
    faults_print(out);
    return config->debug_faults ? 200 : 404;
}

static int arm_fault(struct exchange *x, struct buf *out)
{
    int64_t after = 0, times = 1;

    if (!config->debug_faults)
        return 404;
    if (exchange_param(x, T("after")).len && !text_to_i64(exchange_param(x, T("after")), &after))
        return 400;
    if (exchange_param(x, T("times")).len && !text_to_i64(exchange_param(x, T("times")), &times))
        return 400;
    if (exchange_param(x, T("name")).len == 0)
        faults_disarm();
    else if (!fault_arm(exchange_param(x, T("name")), after, times))
        return 404;
    faults_print(out);
    return 200;
}

static void put_letter(const char *name, struct buf *out)
{
    char path[900], *room;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", config->mail_outbox.at, name);
    if ((f = fopen(path, "re")) == NULL)
        return;
    buf_put_char(out, out->len ? ',' : '[');
    if ((room = buf_reserve(out, 65536)) != NULL)
        buf_commit(out, fread(room, 1, 65536, f));
    fclose(f);
}

/* On a pool thread: a folder may hold many letters, and lie anywhere. */
static void load_outbox(void *arg)
{
    DIR *folder = config->mail_outbox.len ? opendir(config->mail_outbox.at) : NULL;
    struct buf *out = arg;
    struct dirent *e;

    while (folder && (e = readdir(folder)) != NULL)
        if (text_ends(text_of(e->d_name), T(".json")))
            put_letter(e->d_name, out);
    if (folder)
        closedir(folder);
    buf_put(out, out->len ? T("]\n") : T("[]\n"));
}

static int print_list(struct exchange *x, struct buf *out)
{
    const struct list_view *v = list_view_find(text_from(x->path, sizeof "/lists/" - 1));

    if (!v)
        return 404;
    v->print(out);
    return 200;
}

static int print_lists(struct exchange *x, struct buf *out)
{
    (void)x;
    list_views_print(out);
    return 200;
}

static const struct page pages[] = {
    { "/healthz", METHOD_GET, "text/plain", print_health },
    { "/readyz", METHOD_GET, "application/json", print_ready },
    { "/metrics", METHOD_GET, "text/plain; version=0.0.4", print_metrics },
    { "/config", METHOD_GET, "application/json", print_config },
    { "/faults", METHOD_GET, "application/json", print_faults },
    { "/faults", METHOD_POST, "application/json", arm_fault },
    { "/outbox", METHOD_GET, "application/json", NULL, load_outbox },
    { "/lists", METHOD_GET, "application/json", print_lists },
};
static const struct page list_page = { "/lists/", METHOD_GET, "application/json", print_list };

static problem route(struct exchange *x)
{
    enum method method = x->method == METHOD_HEAD ? METHOD_GET : x->method;
    bool known = false;

    if (text_starts(x->path, text_of(list_page.path))) {
        x->visit = (void *)(uintptr_t)&list_page;
        return method == METHOD_GET ? NULL : PROBLEM(METHOD_NOT_ALLOWED);
    }
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (!text_is(x->path, text_of(pages[i].path)))
            continue;
        known = true;
        if (pages[i].method == method) {
            x->visit = (void *)(uintptr_t)&pages[i];
            return NULL;
        }
    }
    return known ? PROBLEM(METHOD_NOT_ALLOWED) : PROBLEM(NOT_FOUND);
}

static void refuse(struct exchange *x, problem p)
{
    exchange_reply(x, p->status, "text/plain; charset=utf-8", arena_printf(&x->arena, "%s\n", p->en));
    exchange_end(x);
}

static void answer(struct exchange *x, int status, const struct buf *out)
{
    const struct page *page = x->visit;

    exchange_header_add(x, "Cache-Control", T("no-store"));
    exchange_reply(x, out->over ? 503 : status, page->type, out->over ? T("") : buf_text(out));
}

static void load_page(struct task *t, void *arg)
{
    struct exchange *x = arg;
    const struct page *page = x->visit;
    struct buf out;
    problem p;

    buf_init(&out, PAGE_MAX);
    p = worker_run(t, WORKER_FILE, page->load, &out);
    if (x->http) /* who asked is still there */
        answer(x, p ? p->status : 200, &out);
    buf_fini(&out);
    exchange_end(x);
}

static void begin(struct exchange *x)
{
    const struct page *page = x->visit;
    struct buf out;

    if (page->load) {
        x->door = x;
        task_start("admin.page", loop_ms() + LOAD_MS, load_page, x);
        return;
    }
    buf_init(&out, PAGE_MAX);
    answer(x, page->print(x, &out), &out);
    buf_fini(&out);
    exchange_end(x);
}

const struct http_service admin_service = { route, refuse, begin, NULL };

/* The kernel answers for /proc at once: no disk stands behind it. */
static int64_t resident_bytes(void)
{
    long pages_resident = 0, pages_all = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%ld %ld", &pages_all, &pages_resident) != 2)
        pages_resident = 0;
    fclose(f);
    return (int64_t)pages_resident * sysconf(_SC_PAGESIZE);
}

static void before_metrics(void)
{
    struct loop_lag lag = loop_lag_take();

    metric_set(METRIC_LOOP_LAG_MAX, (int64_t)lag.max_us);
    metric_set(METRIC_LOOP_LAG_MEAN, (int64_t)lag.mean_us);
    metric_set(METRIC_TASKS, (int64_t)task_count());
    metric_set(METRIC_MEMORY, resident_bytes());
}

static void print_task(const struct task_info *i, void *arg)
{
    struct buf *out = arg;

    buf_printf(out, "%s{\"id\":%llu,\"name\":\"%s\",\"age_ms\":%llu,\"waits_at\":\"%s:%d\",\"waiting_ms\":%llu}",
               out->len > 1 ? "," : "", (unsigned long long)i->id, i->name, (unsigned long long)i->age_ms, i->file ? i->file : "",
               i->line, (unsigned long long)i->waiting_ms);
}

static void print_tasks(struct buf *out)
{
    buf_put_char(out, '[');
    task_each(print_task, out);
    buf_put(out, T("]\n"));
}

static void print_memory(struct buf *out)
{
    buf_printf(out, "[{\"arenas\":%zu,\"tasks\":%zu,\"resident\":%lld}]\n", arena_live(), task_count(),
               (long long)resident_bytes());
}

void admin_start(void)
{
    static struct metric_source metrics = { .before = before_metrics };
    static struct list_view tasks = { .name = "tasks", .print = print_tasks };
    static struct list_view memory = { .name = "memory", .print = print_memory };

    metric_source_add(&metrics);
    list_view_add(&tasks);
    list_view_add(&memory);
}
