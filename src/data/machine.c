#include "madang/machine.h"

#include "madang/log.h"

#define MACHINES_MAX 64

static const struct machine *all[MACHINES_MAX + 1];
static size_t count;

static const struct move *moves_from(const struct machine *m, int state)
{
    for (size_t i = 0; i < m->moves.count; i++)
        if (m->moves.at[i].from == state)
            return &m->moves.at[i];
    return NULL;
}

bool machine_allows(const struct machine *m, int from, int to)
{
    const struct move *moves = moves_from(m, from);

    for (size_t i = 0; moves && i < moves->count; i++)
        if (moves->to[i] == to)
            return true;
    return false;
}

/* How many states can be come to from the first. */
static size_t reached(const struct machine *m)
{
    uint64_t seen = 1, before = 0;

    while (seen != before) {
        before = seen;
        for (size_t i = 0; i < m->moves.count; i++)
            for (size_t k = 0; seen >> m->moves.at[i].from & 1 && k < m->moves.at[i].count; k++)
                seen |= UINT64_C(1) << m->moves.at[i].to[k];
    }
    return (size_t)__builtin_popcountll(seen);
}

void machine_add(const struct machine *m)
{
    size_t moves = 0, states = m->states->count;

    CHECK(count < MACHINES_MAX && states <= 64);
    for (size_t i = 0; i < m->moves.count; i++) {
        const struct move *from = &m->moves.at[i];

        CHECK((size_t)from->from < states && moves_from(m, from->from) == from); /* one row a state */
        moves += from->count;
        for (size_t k = 0; k < from->count; k++)
            CHECK((size_t)from->to[k] < states && from->to[k] != from->from);
    }
    CHECK(moves <= MOVES_MAX && reached(m) == states);
    all[count++] = m;
}

const struct machine *const *machines(void)
{
    return all;
}

problem machine_move(struct tx *tx, const struct machine *m, int64_t id, int from, int to)
{
    struct text is = text_of(m->states->names[from]), becomes = text_of(m->states->names[to]);
    int64_t moved = 0;
    problem p;

    CHECK(machine_allows(m, from, to));
    if ((p = store_exec(tx, m->move, VALUES(id, is, becomes), &moved)))
        return p;
    log_debug("machine", "%s %lld: %s > %s%s", m->table, (long long)id, is.at, becomes.at, moved ? "" : ": it is elsewhere");
    return moved ? NULL : PROBLEM(CONFLICT);
}

static void draw(const struct machine *m, struct buf *out)
{
    const char *const *names = m->states->names;

    buf_printf(out, "\n## %s\n\n%s\n\n```mermaid\nstateDiagram-v2\n    [*] --> %s\n", m->table, m->says, names[0]);
    for (size_t i = 0; i < m->moves.count; i++)
        for (size_t k = 0; k < m->moves.at[i].count; k++)
            buf_printf(out, "    %s --> %s\n", names[m->moves.at[i].from], names[m->moves.at[i].to[k]]);
    for (size_t i = 0; i < m->states->count; i++)
        if (!moves_from(m, (int)i))
            buf_printf(out, "    %s --> [*]\n", names[i]);
    buf_put(out, T("```\n"));
}

void machines_print(struct buf *out)
{
    buf_put(out, T("# Machines\n\nThings with a life of their own, and the moves that there are: the program's tables, which the "
                   "CHECK and "
                   "the trigger of each table repeat. Printed by `madangd machines`.\n"));
    for (size_t i = 0; i < count; i++)
        draw(all[i], out);
}
