/* What is wrong with Redis, asked of itself. */
#include "madang/config.h"
#include "madang/finding.h"
#include "redis_link.h"
#include "store_findings.h"

#define VERSION_MIN 7

/* "name:value" of INFO, in `out`; "" when it is not told. */
static void info_of(struct text info, struct text name, char *out, size_t size)
{
    out[0] = '\0';
    while (info.len) {
        struct text line = text_cut(info, '\n', &info);

        if (text_skip(&line, name) && text_skip(&line, T(":")))
            snprintf(out, size, "%.*s", (int)strcspn(line.at, "\r\n"), line.at);
    }
}

static void look_at_version(struct text info)
{
    char version[40], role[40];
    int64_t major;

    info_of(info, T("redis_version"), version, sizeof version);
    info_of(info, T("role"), role, sizeof role);
    if (!text_to_i64(text_until(text_of(version), strcspn(version, ".")), &major) || major < VERSION_MIN)
        finding(FOUND_FAIL, "redis.version", "upgrade it to 7 or later", "Redis %s", version);
    else
        finding(FOUND_OK, "redis.version", NULL, "Redis %s", version);
    if (strcmp(role, "slave") == 0)
        finding(FOUND_FAIL, "redis.role", "name the primary in [redis] url", "this is a replica, which only reads");
}

static void look_at_memory(struct text info)
{
    char policy[60], most[40];

    info_of(info, T("maxmemory_policy"), policy, sizeof policy);
    info_of(info, T("maxmemory"), most, sizeof most);
    if (strcmp(policy, "noeviction") != 0)
        finding(strcmp(most, "0") == 0 ? FOUND_OK : FOUND_WARN, "redis.memory", "set maxmemory-policy noeviction",
                "maxmemory-policy is %s%s", policy,
                strcmp(most, "0") == 0 ? ", without a limit" : ": leases vanish when the memory is full");
    else
        finding(FOUND_OK, "redis.memory", NULL, "nothing is thrown away when the memory is full");
}

static void look_at_persistence(struct text info)
{
    char aof[8], saved[40];

    info_of(info, T("aof_enabled"), aof, sizeof aof);
    info_of(info, T("rdb_last_bgsave_status"), saved, sizeof saved);
    if (strcmp(saved, "err") == 0)
        finding(FOUND_WARN, "redis.persistence", "see its log and its disk: it refuses writes while stop-writes-on-bgsave-error",
                "the last snapshot failed");
    else
        finding(FOUND_OK, "redis.persistence", NULL,
                strcmp(aof, "1") == 0 ? "keeps an append-only file"
                                      : "none is needed: rooms of video and running readings end with it, all else is refilled");
}

/* Tried with a key that goes by itself. */
static void look_at_writing(redisContext *c, const char *about)
{
    struct text prefix = config->redis_prefix;
    redisReply *r = redisCommand(c, "SET %b%s x PX 1000", prefix.at, prefix.len, "doctor");

    if (r && r->type == REDIS_REPLY_STATUS)
        finding(FOUND_OK, about, NULL, "takes writes");
    else
        finding(FOUND_FAIL, about, "give it memory and disk, and its user the rights", "does not write: %s",
                r ? r->str : c->errstr);
    if (r)
        freeReplyObject(r);
}

static void look_at_relay(struct text url, size_t number)
{
    char why[200] = "";
    redisContext *c = redis_connect_now(url, why, sizeof why);

    if (!c)
        finding(FOUND_FAIL, "redis.relay", "start it, or correct [redis] relay_urls", "number %zu cannot be reached: %s", number,
                why);
    else
        finding(FOUND_OK, "redis.relay", NULL, "number %zu of relay_urls is there", number);
    if (c)
        redisFree(c);
}

static void look(redisContext *c)
{
    redisReply *r = redisCommand(c, "INFO");
    struct text info = r && r->type == REDIS_REPLY_STRING ? (struct text){ r->str, r->len } : T("");

    if (info.len) {
        look_at_version(info);
        look_at_memory(info);
        look_at_persistence(info);
    } else
        finding(FOUND_WARN, "redis.version", "let its user ask INFO", "it does not tell what it is");
    if (r)
        freeReplyObject(r);
    look_at_writing(c, "redis.writing");
}

void redis_findings(void)
{
    struct text why, list = config->redis_relay_urls;
    char refused[200] = "";
    redisContext *c;
    size_t number = 0;

    if (!redis_url_check(&why)) {
        finding(FOUND_FAIL, "redis", "correct [redis] url or relay_urls", "%.*s", TEXT_ARG(why));
        return;
    }
    c = redis_connect_now(config->redis_url, refused, sizeof refused);
    if (c) {
        look(c);
        redisFree(c);
    } else
        finding(FOUND_FAIL, "redis", "start it, or correct [redis] url", "cannot be reached: %s", refused);
    while (list.len)
        look_at_relay(text_trim(text_cut(list, ',', &list)), ++number);
}
