/* web: calls — the table of what the daemon can do, open through two doors: REST and WebSocket.
 *
 * A feature is one struct feature with its calls, events, statements and jobs; src/features.c lists them all. From the rows come
 * routing, authorisation, decoding, limits, deadlines, metrics, the served documents and the client's types.
 */
#ifndef MADANG_CALLS_H
#define MADANG_CALLS_H

#include "madang/http.h"
#include "madang/hub.h"
#include "madang/jobs.h"
#include "madang/machine.h"
#include "madang/store.h"

enum who { ANYONE, WHO_GUEST, WHO_NEWCOMER, WHO_MEMBER, WHO_MANAGER, WHO_ADMIN }; /* at least this */
enum once {
    ONCE_NOT,      /* reading, or harmless to repeat */
    BY_KEY,        /* Idempotency-Key is honoured: the handler uses tx_begin() */
    BY_NATURAL_KEY /* the input itself names the effect */
};
enum doors { BOTH_DOORS, REST_ONLY, SOCKET_ONLY };

/* When a call is refused for overload (madang/overload.h). */
enum shed { SHED_AT_HARD, SHED_AT_SOFT, SHED_NEVER };

struct limit {
    enum { NO_LIMIT, BY_ACCOUNT, BY_ADDRESS } by; /* by account: of nobody's calls nothing is counted */
    int64_t count, per_ms;
    bool cluster;
    size_t setting; /* not 0: where in struct config the count stands */
};
/* clang-format off */
#define PER_ACCOUNT(n, ms) { .by = BY_ACCOUNT, .count = (n), .per_ms = (ms) }
#define PER_ADDRESS(n, ms) { .by = BY_ADDRESS, .count = (n), .per_ms = (ms) }
/* Counted for the whole cluster in Redis; by this process alone while Redis is gone. */
#define CLUSTER_PER_ACCOUNT(n, ms) { .by = BY_ACCOUNT, .count = (n), .per_ms = (ms), .cluster = true }
#define CLUSTER_PER_ADDRESS(n, ms) { .by = BY_ADDRESS, .count = (n), .per_ms = (ms), .cluster = true }
/* clang-format on */
/* The same with a setting of the operator's for a count: madang/config.h. */
/* clang-format off */
#define PER_ACCOUNT_BY(key, ms) { .by = BY_ACCOUNT, .setting = offsetof(struct config, key), .per_ms = (ms) }
#define PER_ADDRESS_BY(key, ms) { .by = BY_ADDRESS, .setting = offsetof(struct config, key), .per_ms = (ms) }
#define CLUSTER_PER_ACCOUNT_BY(key, ms) \
    { .by = BY_ACCOUNT, .setting = offsetof(struct config, key), .per_ms = (ms), .cluster = true }
#define CLUSTER_PER_ADDRESS_BY(key, ms) \
    { .by = BY_ADDRESS, .setting = offsetof(struct config, key), .per_ms = (ms), .cluster = true }
/* clang-format on */
/* How long what a call answers well may be kept by browsers, and by whoever is between. A refusal is never kept. */
/* clang-format off */
#define NO_STORE "no-store"
#define REVALIDATE "no-cache"
#define PRIVATE(seconds) "private, max-age=" #seconds
#define PUBLIC(seconds) "public, max-age=" #seconds
#define BODY_BY(key) offsetof(struct config, key)
/* clang-format on */
#define CALL_LIMITS_MAX 2
#define CALL_PROBLEMS_MAX 10

struct rest {
    enum method method;
    const char *path;
};
/* clang-format off */
#define GET(path) { METHOD_GET, path }
#define POST(path) { METHOD_POST, path }
#define PUT(path) { METHOD_PUT, path }
#define PATCH(path) { METHOD_PATCH, path }
#define DELETE(path) { METHOD_DELETE, path }
/* clang-format on */

struct call_def {
    const char *name; /* "dm.send" */
    struct rest rest; /* path NULL: SOCKET_ONLY */
    enum who who;
    const struct shape *in, *out;   /* NULL: none */
    problem (*run)(struct call *c); /* a typed call … */
    problem (*raw)(struct call *c); /* … or a raw exchange: it begins the answer itself, or returns a problem */
    bool streams;                   /* raw: the body is read with exchange_body_next() */
    bool progress;                  /* raw: bytes that come or leave take the time they take, as long as they come or leave
                                     * ([http] body_bytes_per_s); the deadline is for what it does between them */
    size_t body_limit;              /* BODY_BY(files_image_bytes); 0: [http] body_bytes */
    const char *cache;              /* PRIVATE(600), PUBLIC(60), REVALIDATE, NO_STORE; NULL: NO_STORE, and raw: says it itself */
    const char *raw_takes;          /* raw: media type of its body, for the documents; NULL: it has none */
    const char *raw_type;           /* raw: media type of its answer, for the documents; "" when it has no body */
    enum doors doors;
    enum once once;
    enum shed shed;
    bool audit;          /* a manager's act: it notes what it changes (madang/audit.h) */
    bool cookie;         /* reads the refresh cookie: only from our own origin */
    int64_t deadline_ms; /* 0: [http] call_ms */
    int status;          /* of success; 0: 200, or 204 without an output */
    struct limit limits[CALL_LIMITS_MAX];
    problem problems[CALL_PROBLEMS_MAX];
    const char *says;
};

/* Rooms, accounts …: topics that resume by number. */
struct topic_list {
    struct text *at;
    size_t count;
};
#define TOPIC_LIST_MAX 256

/* clang-format off */
#define LIST(array) { (array), COUNT_OF(array) }
#define TABLES(...) (struct statement_table *const[]){ __VA_ARGS__, NULL }
/* clang-format on */

/* What `madangd NAME …` does; arguments[0] is the name. Exit status; USAGE: it was not understood. It may wait as it likes. */
struct command {
    const char *name;
    int (*run)(int count, char **arguments);
    const char *takes; /* its arguments, for the list of commands */
    const char *says;
    bool bare; /* needs neither the secret nor the table of calls */
};
enum { DONE, FAILED, USAGE };

struct feature {
    const char *name;
    struct {
        const struct call_def *at;
        size_t count;
    } calls;
    struct {
        const struct event_def *const *at;
        size_t count;
    } events;
    struct {
        const struct job_def *at;
        size_t count;
    } jobs;
    struct statement_table *const *statements; /* TABLES(&a, &b) */
    struct {
        const struct command *at;
        size_t count;
    } commands;
    struct constraint_table *constraints;
    const struct machine *const *machines; /* MACHINES(&a, &b) */
    const struct statement *objects; /* struct object_row of the objects that its rows name, in a lasting order: for backups */
    bool (*check)(void);             /* before a node starts: settings and files; false, and logged, when they make no sense */
    void (*start)(void);
    void (*stop)(void); /* the node drains: end what goes on */
    void (*free)(void); /* nothing runs any more */
    struct {
        const struct word_def *at;
        size_t count;
    } words; /* that this feature says to itself on other nodes */
    /* The first listener to a topic that begins so came to this node, or the last one left; `rest` is the topic behind that. */
    struct {
        const char *topics;
        void (*run)(struct text rest, bool here);
    } listened;
    /* A socket of this account opens: which topics it joins (append to the list). */
    problem (*topics)(struct call *c, struct topic_list *out);
    /* The account's first socket on this node opened, its last one closed (10 s ago and more); a socket opened, and closed. */
    void (*online)(int64_t account, bool here);
    void (*opened)(uint64_t socket, int64_t account);
    void (*closed)(uint64_t socket);
};

/* Those that are switched on, each behind what it needs. */
extern const struct feature *const *features;
extern size_t feature_count;
/* What was built in, in the order of src/features.def. */
struct built_feature {
    const struct feature *feature;
    const char *needs; /* names, a blank between; NULL: the platform's own, always on */
};
#define FEATURES_MAX 64
/* Leaves out those of [features] off. False, and logged: one is not known, or another needs it. */
bool features_select(const struct built_feature *built, size_t count, struct text off) MUST_USE;

/* Of the call at work. */
struct text call_address(struct call *c); /* of the client, as text; "-" when its socket is gone */
struct text call_network(struct call *c); /* what to count by: address_network() */

/* Index of all rows, made at start-up. */
void calls_start(void);
void calls_stop(void);
const struct call_def *call_by_name(struct text name);
size_t calls_count(void);
const struct call_def *call_at(size_t i);

#endif
