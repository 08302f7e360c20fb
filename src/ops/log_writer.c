#include "log_writer.h"

#include <pthread.h>
#include <unistd.h>

#include "madang/log.h"
#include "madang/metric.h"

#define RING_SIZE (1u << 20)

static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    char bytes[RING_SIZE];
    size_t read, used;
    uint64_t dropped;
    bool stopping, done;
} ring = { .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .emptied = PTHREAD_COND_INITIALIZER };

static void put(struct text t)
{
    size_t at = (ring.read + ring.used) % RING_SIZE, first = RING_SIZE - at < t.len ? RING_SIZE - at : t.len;

    memcpy(ring.bytes + at, t.at, first);
    memcpy(ring.bytes, t.at + first, t.len - first);
    ring.used += t.len;
}

static void sink(struct text line)
{
    char note[80];
    int length;

    pthread_mutex_lock(&ring.lock);
    if (ring.used + line.len + sizeof note > RING_SIZE) {
        ring.dropped++;
        metric_add(METRIC_LOG_DROPPED, 1);
    } else {
        if (ring.dropped) {
            length = snprintf(note, sizeof note, "(%llu log lines were dropped here)\n", (unsigned long long)ring.dropped);
            put((struct text){ note, (size_t)length });
            ring.dropped = 0;
        }
        put(line);
        pthread_cond_signal(&ring.filled);
    }
    pthread_mutex_unlock(&ring.lock);
}

/* With the lock held: writes the first run of bytes, unlocked meanwhile. */
static void write_some(void)
{
    size_t run = RING_SIZE - ring.read < ring.used ? RING_SIZE - ring.read : ring.used;
    const char *from = ring.bytes + ring.read;
    ssize_t written;

    pthread_mutex_unlock(&ring.lock);
    written = write(STDERR_FILENO, from, run > 65536 ? 65536 : run);
    pthread_mutex_lock(&ring.lock);
    if (written <= 0)
        written = (ssize_t)run; /* a reader that is gone (or a full disk) must not make us spin */
    ring.read = (ring.read + (size_t)written) % RING_SIZE;
    ring.used -= (size_t)written;
}

static void *write_all(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&ring.lock);
    while (ring.used || !ring.stopping) {
        if (ring.used)
            write_some();
        else
            pthread_cond_wait(&ring.filled, &ring.lock);
    }
    ring.done = true;
    pthread_cond_signal(&ring.emptied);
    pthread_mutex_unlock(&ring.lock);
    return NULL;
}

void log_writer_start(void)
{
    ring.stopping = ring.done = false;
    CHECK(pthread_create(&ring.thread, NULL, write_all, NULL) == 0);
    log_set_sink(sink);
}

void log_writer_stop(void)
{
    struct timespec until;
    int waited = 0;

    log_set_sink(NULL);
    CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
    until.tv_sec += 1;
    pthread_mutex_lock(&ring.lock);
    ring.stopping = true;
    pthread_cond_signal(&ring.filled);
    while (!ring.done && waited == 0)
        waited = pthread_cond_timedwait(&ring.emptied, &ring.lock, &until);
    pthread_mutex_unlock(&ring.lock);
    if (waited == 0)
        pthread_join(ring.thread, NULL);
    else
        pthread_detach(ring.thread);
}
