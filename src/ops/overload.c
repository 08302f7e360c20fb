#include "madang/overload.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "madang/config.h"
#include "madang/fault.h"
#include "madang/health.h"
#include "madang/log.h"
#include "madang/loop.h"
#include "madang/metric.h"
#include "madang/task.h"

#define SAMPLE_MS 100
#define SLOW_EVERY 10
#define BUSY_MS 300 /* of the fault switch */

static struct pressure *pressures;
static enum overload level, worst; /* worst: with those of connections */
static struct timer sampler;
static uint64_t samples;
static uint64_t sample_due_ms;
static int64_t lag_ms, descriptors_max, memory_max;

void pressure_add(struct pressure *p)
{
    p->next = pressures;
    pressures = p;
}

/* Tasks are counted when asked, not when sampled: thousands can come within a sample, and each costs two of the kernel's
 * mappings, of which a process has 65,530 (vm.max_map_count). */
enum overload overload_now(void)
{
    return config->overload_tasks_hard && (int64_t)task_count() >= config->overload_tasks_hard ? OVERLOAD_HARD : level;
}

static int64_t measure_tasks(void)
{
    return (int64_t)task_count();
}

static int64_t tasks_soft(void)
{
    return config->overload_tasks_soft;
}

static int64_t tasks_hard(void)
{
    return config->overload_tasks_hard;
}

/* --- loop lag: how late the sampler itself is run, of its last four runs ---------------------------------------------- */
static int64_t measure_lag(void)
{
    return lag_ms;
}

static int64_t lag_soft(void)
{
    return config->overload_lag_soft_ms;
}

static int64_t lag_hard(void)
{
    return config->overload_lag_hard_ms;
}

/* --- memory ----------------------------------------------------------------------------------------------------------- */
/* A number that a file of the kernel's begins with, or the one behind it; 0 when there is none. */
static int64_t number_in(const char *path, int skip)
{
    FILE *f = fopen(path, "re");
    char line[200];
    size_t got = f ? fread(line, 1, sizeof line - 1, f) : 0;
    const char *at = line;
    int64_t n = 0;

    if (f)
        fclose(f);
    line[got] = '\0';
    for (; skip >= 0 && *at; skip--) {
        at += strcspn(at, "0123456789");
        if (!text_to_i64((struct text){ at, strspn(at, "0123456789") }, &n))
            return 0;
        at += strspn(at, "0123456789");
    }
    return n;
}

static int64_t measure_memory(void)
{
    return FAULT(OVERLOAD_MEMORY) ? INT64_MAX : number_in("/proc/self/statm", 1) * sysconf(_SC_PAGESIZE);
}

/* The limit of our control group ("0::/path" in version 2), as a unit's MemoryMax or a container sets it; 0: none. */
static int64_t group_memory_max(void)
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    char path[400], line[300] = "";
    bool found = f && fgets(line, sizeof line, f) && strncmp(line, "0::", 3) == 0;

    if (f)
        fclose(f);
    line[strcspn(line, "\n")] = '\0';
    if (!found || snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3) >= (int)sizeof path)
        return 0;
    return number_in(path, 0);
}

/* What this process may use. A unit with ProcSubset=pid has no /proc/meminfo to ask. */
static int64_t find_memory_max(void)
{
    struct sysinfo info;
    int64_t machine = sysinfo(&info) == 0 ? (int64_t)info.totalram * info.mem_unit : 0, group = group_memory_max();

    return group && (group < machine || !machine) ? group : machine;
}

static int64_t memory_soft(void)
{
    return config->overload_memory_soft_bytes ? config->overload_memory_soft_bytes : memory_max / 4 * 3;
}

static int64_t memory_hard(void)
{
    return config->overload_memory_hard_bytes ? config->overload_memory_hard_bytes : memory_max / 10 * 9;
}

/* --- descriptors, in hundredths of the limit --------------------------------------------------------------------------- */
static int64_t count_descriptors(void)
{
    struct stat st;
    DIR *folder;
    int64_t n = 0;

    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return st.st_size; /* since Linux 6.2 */
    if ((folder = opendir("/proc/self/fd")) == NULL)
        return descriptors_max; /* not even one is left for this */
    while (readdir(folder))
        n++;
    closedir(folder);
    return n - 3; /* two dots, and the folder's own */
}

static int64_t measure_descriptors(void)
{
    return descriptors_max ? count_descriptors() * 100 / descriptors_max : 0;
}

static int64_t descriptors_soft(void)
{
    return config->overload_descriptors_soft;
}

static int64_t descriptors_hard(void)
{
    return config->overload_descriptors_hard;
}

static struct pressure lag = { .name = "lag_ms", .measure = measure_lag, .soft = lag_soft, .hard = lag_hard },
                       memory = { .name = "memory_bytes",
                                  .measure = measure_memory,
                                  .soft = memory_soft,
                                  .hard = memory_hard,
                                  .slow = true },
                       tasks = { .name = "tasks", .measure = measure_tasks, .soft = tasks_soft, .hard = tasks_hard },
                       descriptors = { .name = "descriptors_percent",
                                       .measure = measure_descriptors,
                                       .soft = descriptors_soft,
                                       .hard = descriptors_hard,
                                       .of_connections = true,
                                       .slow = true };

bool overload_of_descriptors(void)
{
    return descriptors.is == OVERLOAD_HARD;
}

/* The kernel gives the lowest that is free: all below are in use. */
bool overload_keeps_free(int fd)
{
    int64_t kept = config->overload_descriptors_kept;

    if (kept > descriptors_max / 4)
        kept = descriptors_max / 4;
    return descriptors_max > 0 && fd >= descriptors_max - kept;
}

/* --- sampling --------------------------------------------------------------------------------------------------------- */
static bool is_past(int64_t value, int64_t mark, bool was)
{
    return mark > 0 && value >= (was ? mark - mark / 10 : mark);
}

static void judge(struct pressure *p)
{
    static const char *const words[] = { "is well again", "is past its soft mark", "is past its hard mark" };
    enum overload was = p->is;

    p->value = p->measure();
    p->is = is_past(p->value, p->hard(), was == OVERLOAD_HARD)   ? OVERLOAD_HARD
            : is_past(p->value, p->soft(), was != OVERLOAD_NONE) ? OVERLOAD_SOFT
                                                                 : OVERLOAD_NONE;
    if (p->is != was)
        log_at(p->is > was ? LOG_WARN : LOG_INFO, "overload", "%s %lld %s", p->name, (long long)p->value, words[p->is]);
}

static void be_busy(void)
{
    uint64_t until = clock_ms() + BUSY_MS;

    while (clock_ms() < until)
        ;
}

static void next_sample(struct timer *t, uint64_t now)
{
    sample_due_ms = now + SAMPLE_MS;
    timer_set(t, sample_due_ms);
}

static void on_sample(struct timer *t)
{
    uint64_t now = clock_ms();

    lag_ms = (lag_ms * 3 + (int64_t)(now - sample_due_ms)) / 4;
    level = worst = OVERLOAD_NONE;
    for (struct pressure *p = pressures; p; p = p->next) {
        if (!p->slow || samples % SLOW_EVERY == 0)
            judge(p);
        level = p->is > level && !p->of_connections ? p->is : level;
        worst = p->is > worst ? p->is : worst;
    }
    samples++;
    metric_set(METRIC_OVERLOAD, (int64_t)worst);
    metric_set(METRIC_MEMORY_MARK, memory_soft()); /* a setting, else of what the machine has: who watches cannot know it */
    next_sample(t, now);
    if (FAULT(LOOP_BUSY))
        be_busy();
}

static const char *says(void)
{
    return worst == OVERLOAD_HARD ? "overloaded" : NULL;
}

static void print(struct buf *out)
{
    static const char *const names[] = { "none", "soft", "hard" };

    for (const struct pressure *p = pressures; p; p = p->next)
        buf_printf(out, "%s{\"name\":\"%s\",\"value\":%lld,\"soft\":%lld,\"hard\":%lld,\"overload\":\"%s\"}",
                   p == pressures ? "[" : ",", p->name, (long long)p->value, (long long)p->soft(), (long long)p->hard(),
                   names[p->is]);
    buf_put(out, T("]\n"));
}

void overload_start(void)
{
    static struct health_part health = { .name = "overload", .says = says };
    static struct list_view view = { .name = "overload", .print = print };
    struct rlimit limit;

    descriptors_max = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int64_t)limit.rlim_cur : 0;
    memory_max = find_memory_max();
    pressure_add(&lag);
    pressure_add(&memory);
    pressure_add(&tasks);
    pressure_add(&descriptors);
    health_part_add(&health);
    list_view_add(&view);
    timer_init(&sampler, on_sample);
    next_sample(&sampler, clock_ms());
}

void overload_stop(void)
{
    timer_clear(&sampler);
}
