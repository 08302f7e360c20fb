/* data: store_result — what Postgres answered: rows into structs, errors into problems. */
#ifndef MADANG_STORE_RESULT_H
#define MADANG_STORE_RESULT_H

#include <libpq-fe.h>

#include "madang/store.h"

problem result_problem(const struct statement *s, const PGresult *r) MUST_USE;
/* It was refused for how the statement was prepared: run again, it is prepared anew. */
bool result_wants_again(const PGresult *r);
problem row_decode(const struct statement *s, const PGresult *r, int row, struct arena *a, void *out) MUST_USE;
problem rows_decode(const struct statement *s, const PGresult *r, struct arena *a, struct any_list *out) MUST_USE;
/* Whether the result's columns are exactly the shape's fields, with types that fit; logs what is not. */
bool columns_fit(const struct statement *s, const PGresult *described);

#endif
