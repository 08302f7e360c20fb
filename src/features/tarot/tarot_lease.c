#include "tarot_lease.h"

#define TEXT_MS ((int64_t)600000)

const struct lease tarot_turn_lease = { "tarot:turns", "tarot:kept", 10000 };

static struct script heard_script = SCRIPT("tarot_heard.lua");

static const struct field ages_fields[] = { FIELD_LIST(struct ages, ages) };
static const struct shape ages_shape = SHAPE("TarotAges", struct ages, ages_fields);

problem tarot_chats_heard(struct call *c, const struct tarot_ids *listened, const struct tarot_ids *asked, struct ages *out)
{
    struct redis_value got = { 0 };
    problem p = script_run(c, &heard_script, VALUES(redis_key(c->arena, "tarot:heard")),
                           VALUES((int64_t)listened->count, ALL_OF(*listened), ALL_OF(*asked)), &got);

    return p ? p : redis_decode(&ages_shape, c->arena, &got, out);
}

static struct text text_key(struct arena *a, int64_t turn)
{
    return redis_key(a, "tarot:text:%lld", (long long)turn);
}

void tarot_turn_lease_end(struct arena *a, int64_t turn)
{
    lease_drop(a, &tarot_turn_lease, value_i64(turn));
    (void)redis_send(VALUES(T("DEL"), text_key(a, turn)));
}

bool tarot_turn_text_append(struct arena *a, int64_t turn, struct text more)
{
    return redis_send(VALUES(T("APPEND"), text_key(a, turn), more)) &&
           redis_send(VALUES(T("PEXPIRE"), text_key(a, turn), TEXT_MS));
}

problem tarot_turn_text_kept(struct call *c, int64_t turn, struct text *out)
{
    struct redis_value got = { 0 };
    problem p = redis_do(c, &got, T("GET"), text_key(c->arena, turn));

    *out = got.kind == REDIS_TEXT ? got.text : T("");
    return p;
}
