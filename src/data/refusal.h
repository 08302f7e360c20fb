/* data: refusal — what a store means when it refuses: one table for Postgres, one for Redis. */
#ifndef MADANG_REFUSAL_H
#define MADANG_REFUSAL_H

#include "madang/log.h"
#include "madang/problem.h"

enum remedy {
    REMEDY_NONE,      /* the connection is as good as before; what was asked may be asked again where the problem says so */
    REMEDY_PREPARE,   /* the statement as it is prepared here is no good any more: deallocated, prepared and run again, once */
    REMEDY_FORGOTTEN, /* it is not prepared here any more: prepared and run again, once */
    REMEDY_CONNECT,   /* this connection is at its end: another one, by name */
    REMEDY_MOVE       /* this server cannot do it, another one of the same name might: the next place */
};

struct refusal {
    const char *word; /* what it begins with: SQLSTATE or its class; the first word of Redis */
    enum problem_id problem;
    enum remedy remedy;
    enum log_level level;
};

/* The first row that fits; of what no table knows, a row that says it is our fault. Never NULL. */
const struct refusal *pg_refusal(struct text sqlstate);
const struct refusal *redis_refusal(struct text error);

#endif
