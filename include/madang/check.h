/* base: check — assertions that stay on in production.
 *
 * A failed CHECK is a bug in madang, never bad input and never an outside failure: it prints where and
 * aborts, and the supervisor starts the process again. Advantage: a broken invariant cannot go on to
 * break data. Disadvantage: one bug ends every connection of the process, so never CHECK what a peer sends.
 */
#ifndef MADANG_CHECK_H
#define MADANG_CHECK_H

_Noreturn void check_failed(const char *file, int line, const char *expression);

#define CHECK(expression) (__builtin_expect(!!(expression), 1) ? (void)0 : check_failed(__FILE__, __LINE__, #expression))

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Allocates or aborts. Memory is bounded where work is admitted, not at every allocation. */
void *must_alloc(unsigned long size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *must_zalloc(unsigned long size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *must_realloc(void *old, unsigned long size) __attribute__((returns_nonnull, alloc_size(2)));
char *must_strdup(const char *string) __attribute__((malloc, returns_nonnull));

#endif
