#include "refusal.h"

static const struct refusal ours = { "", PROBLEM_INTERNAL, REMEDY_NONE, LOG_ERROR };

/* SQLSTATE (Postgres manual, appendix A). */
static const struct refusal of_postgres[] = {
    { "08", PROBLEM_STORE_UNAVAILABLE, REMEDY_CONNECT, LOG_WARN },    /* connection */
    { "0A000", PROBLEM_INTERNAL, REMEDY_PREPARE, LOG_ERROR },         /* also: a cached plan's result type has changed */
    { "23505", PROBLEM_CONFLICT, REMEDY_NONE, LOG_DEBUG },            /* unique, without a problem of its own */
    { "25006", PROBLEM_STORE_UNAVAILABLE, REMEDY_MOVE, LOG_WARN },    /* read only: a standby, or told so */
    { "25P03", PROBLEM_STORE_UNAVAILABLE, REMEDY_CONNECT, LOG_WARN }, /* ended for being idle in a transaction */
    { "25P", PROBLEM_STORE_UNAVAILABLE, REMEDY_NONE, LOG_WARN },      /* the transaction had failed before */
    { "26000", PROBLEM_INTERNAL, REMEDY_FORGOTTEN, LOG_ERROR },       /* no such prepared statement: DISCARD ALL, a pooler */
    { "40003", PROBLEM_COMMIT_UNKNOWN, REMEDY_NONE, LOG_WARN },       /* statement_completion_unknown */
    { "40", PROBLEM_CONFLICT, REMEDY_NONE, LOG_DEBUG },               /* serialisation, deadlock */
    { "42501", PROBLEM_STORE_UNAVAILABLE, REMEDY_NONE, LOG_ERROR },   /* no right to it: the operator's to mend */
    { "42P05", PROBLEM_INTERNAL, REMEDY_PREPARE, LOG_ERROR },         /* prepared already, of which we do not know */
    { "53", PROBLEM_STORE_UNAVAILABLE, REMEDY_NONE, LOG_WARN },       /* out of memory, disk, connections */
    { "55P03", PROBLEM_CONFLICT, REMEDY_NONE, LOG_DEBUG },            /* lock_not_available */
    { "55006", PROBLEM_STORE_UNAVAILABLE, REMEDY_NONE, LOG_WARN },    /* the database is being copied or dropped */
    { "57014", PROBLEM_DEADLINE, REMEDY_NONE, LOG_DEBUG },            /* query_canceled: statement_timeout */
    { "57", PROBLEM_STORE_UNAVAILABLE, REMEDY_CONNECT, LOG_WARN },    /* shutting down, starting up, idle for too long */
    { "58", PROBLEM_STORE_UNAVAILABLE, REMEDY_NONE, LOG_ERROR },      /* system error, a file that cannot be read */
    { "XX001", PROBLEM_STORE_UNAVAILABLE, REMEDY_NONE, LOG_ERROR },   /* data_corrupted */
    { "XX002", PROBLEM_STORE_UNAVAILABLE, REMEDY_NONE, LOG_ERROR },   /* index_corrupted */
};

/* The words that Redis 7 begins its errors with (server.c, sharedObjectsStruct; acl.c; script.c). */
static const struct refusal of_redis[] = {
    { "READONLY", PROBLEM_LEASES_UNAVAILABLE, REMEDY_MOVE, LOG_WARN },   /* a replica now */
    { "MASTERDOWN", PROBLEM_LEASES_UNAVAILABLE, REMEDY_MOVE, LOG_WARN }, /* a replica that has lost its master */
    { "LOADING", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_WARN },    /* reads its file */
    { "NOREPLICAS", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_WARN }, /* min-replicas-to-write */
    { "OOM", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_ERROR },       /* maxmemory */
    { "MISCONF", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_ERROR },   /* cannot save, hence does not write */
    { "BUSY", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_WARN },       /* a script does not end */
    { "CLUSTERDOWN", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_ERROR },
    { "MOVED", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_ERROR }, /* a node of a Redis Cluster, which is not spoken here */
    { "ASK", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_ERROR },
    { "TRYAGAIN", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_WARN },
    { "NOPERM", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_ERROR }, /* the user's rights: the operator's to mend */
    { "ERR The user executing the script can't", PROBLEM_LEASES_UNAVAILABLE, REMEDY_NONE, LOG_ERROR }, /* NOPERM in a script */
    { "NOAUTH", PROBLEM_LEASES_UNAVAILABLE, REMEDY_CONNECT, LOG_ERROR }, /* a password was set, or has changed */
    { "WRONGPASS", PROBLEM_LEASES_UNAVAILABLE, REMEDY_CONNECT, LOG_ERROR },
    { "NOSCRIPT", PROBLEM_INTERNAL, REMEDY_FORGOTTEN, LOG_DEBUG },
    { "ERR max number of clients", PROBLEM_LEASES_UNAVAILABLE, REMEDY_CONNECT, LOG_ERROR },
    { "ERR operation not permitted", PROBLEM_LEASES_UNAVAILABLE, REMEDY_CONNECT, LOG_ERROR }, /* NOAUTH before Redis 6 */
};

static const struct refusal *find(const struct refusal *table, size_t count, struct text what)
{
    for (size_t i = 0; i < count; i++)
        if (text_starts(what, text_of(table[i].word)))
            return &table[i];
    return &ours;
}

const struct refusal *pg_refusal(struct text sqlstate)
{
    return find(of_postgres, COUNT_OF(of_postgres), sqlstate);
}

/* Before Redis 7 the error of a command within a script stood behind words about the script: "ERR Error running script (call to
 * f_…): @user_script:4: -READONLY You can't …". */
static struct text within_script(struct text error)
{
    if (!text_starts(error, T("ERR Error running script")))
        return error;
    for (size_t i = 0; i + 3 < error.len; i++)
        if (memcmp(error.at + i, ": -", 3) == 0)
            return text_from(error, i + 3);
    return error;
}

const struct refusal *redis_refusal(struct text error)
{
    return find(of_redis, COUNT_OF(of_redis), within_script(error));
}
