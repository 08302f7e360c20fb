/* Stacks of tasks: pooled, each above a guard page. */
#ifndef MADANG_STACK_H
#define MADANG_STACK_H

#include <stddef.h>

struct stack {
    struct stack *next;
    char *memory; /* of the guard page */
    unsigned valgrind_id;
};

struct stack *stack_take(void);
void stack_give(struct stack *s); /* not while running on it */
char *stack_top(const struct stack *s);
char *stack_bottom(const struct stack *s);
size_t stack_size(void);

#endif
