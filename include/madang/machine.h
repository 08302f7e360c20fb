/* data: machine — a thing with a life of its own: its states, and the moves that there are.
 *
 *     static const struct move moves[] = { FROM(PENDING, PAID, EXPIRED), FROM(PAID, REFUNDED) };
 *     const struct machine order_machine = MACHINE("orders", &order_states, moves, &order_move, "An order.");
 *
 * It is kept in its table's column `state`, which begins in the first state. The table has the same states as a CHECK and the
 * same moves as a trigger (moves_only(), migrations/platform/0005_machines.sql), so that nothing moves it otherwise, whoever
 * writes; a node does not start when they differ. docs/machines.md draws it.
 */
#ifndef MADANG_MACHINE_H
#define MADANG_MACHINE_H

#include "madang/buf.h"
#include "madang/store.h"

#define MOVES_MAX 64 /* of one machine */

struct move {
    int from;
    const int *to;
    size_t count;
};
struct machine {
    const char *table;
    const struct words *states;
    struct {
        const struct move *at;
        size_t count;
    } moves;
    const struct statement *move; /* of machine_move(): $1 the id, $2 from, $3 to; NULL: its moves say more than that */
    const char *says;
};
/* clang-format off */
#define FROM(state, ...) { (state), (const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int) }
#define MACHINE(table, states, moves, move, says) { (table), (states), { (moves), COUNT_OF(moves) }, (move), (says) }
#define MACHINES(...) (const struct machine *const[]){ __VA_ARGS__, NULL }
/* clang-format on */

void machine_add(const struct machine *m);   /* aborts on a description that cannot be right; at start-up */
const struct machine *const *machines(void); /* all, NULL behind the last */
bool machine_allows(const struct machine *m, int from, int to);
/* The one door for moves that change nothing else. Aborts when the machine has no such move; CONFLICT: it is not in `from`. */
problem machine_move(struct tx *tx, const struct machine *m, int64_t id, int from, int to) MUST_USE;
void machines_print(struct buf *out); /* docs/machines.md */

#endif
