/* data: value — the parameters of a statement: VALUES(id, text, instant, ALL_OF(list)), whose kinds come from their C types.
 *
 * Texts and lists are borrowed until the statement is sent, which is before the call that takes them waits.
 */
#ifndef MADANG_VALUE_H
#define MADANG_VALUE_H

#include "madang/shape.h"

/* One parameter. */
struct value {
    enum { VALUE_NULL, VALUE_I64, VALUE_BOOL, VALUE_TEXT, VALUE_INSTANT, VALUE_DATE, VALUE_F64, VALUE_I64S, VALUE_TEXTS } kind;
    union {
        int64_t i64;
        bool flag;
        struct text text;
        struct instant instant;
        struct date date;
        double f64;
        struct {
            const void *at;
            size_t count;
        } list;
    };
};
struct values {
    const struct value *at;
    size_t count;
};
struct value value_i64(int64_t v);
struct value value_int(int v);
struct value value_bool(bool v);
struct value value_text(struct text v);
struct value value_json(struct json v);
struct value value_instant(struct instant v);
struct value value_date(struct date v);
struct value value_f64(double v);
struct value value_i64s(const int64_t *at, size_t count);      /* bigint[] */
struct value value_texts(const struct text *at, size_t count); /* text[] */
struct value value_same(struct value v);
struct value value_opt_i64(struct opt_i64 v);
struct value value_opt_text(struct opt_text v);
struct value value_opt_date(struct opt_date v);
struct value value_opt_instant(struct opt_instant v);
struct value value_opt_f64(struct opt_f64 v);
/* clang-format off */
#define VALUE(v) \
    _Generic((v), int64_t: value_i64, int: value_int, bool: value_bool, struct text: value_text, struct json: value_json, \
        struct instant: value_instant, struct date: value_date, double: value_f64, struct opt_i64: value_opt_i64, \
        struct opt_text: value_opt_text, struct opt_date: value_opt_date, struct opt_instant: value_opt_instant, \
        struct opt_f64: value_opt_f64, struct value: value_same)(v),
/* A list as one parameter: VALUES(room, ALL_OF(in->images)). */
#define ALL_OF(list) \
    _Generic((list).at, int64_t *: value_i64s, const int64_t *: value_i64s, struct text *: value_texts, \
        const struct text *: value_texts)((list).at, (list).count)
/* clang-format on */
#define VALUE_1(v) VALUE(v)
#define VALUE_2(v, ...) VALUE(v) VALUE_1(__VA_ARGS__)
#define VALUE_3(v, ...) VALUE(v) VALUE_2(__VA_ARGS__)
#define VALUE_4(v, ...) VALUE(v) VALUE_3(__VA_ARGS__)
#define VALUE_5(v, ...) VALUE(v) VALUE_4(__VA_ARGS__)
#define VALUE_6(v, ...) VALUE(v) VALUE_5(__VA_ARGS__)
#define VALUE_7(v, ...) VALUE(v) VALUE_6(__VA_ARGS__)
#define VALUE_8(v, ...) VALUE(v) VALUE_7(__VA_ARGS__)
#define VALUE_9(v, ...) VALUE(v) VALUE_8(__VA_ARGS__)
#define VALUE_10(v, ...) VALUE(v) VALUE_9(__VA_ARGS__)
#define VALUE_11(v, ...) VALUE(v) VALUE_10(__VA_ARGS__)
#define VALUE_12(v, ...) VALUE(v) VALUE_11(__VA_ARGS__)
#define VALUE_13(v, ...) VALUE(v) VALUE_12(__VA_ARGS__)
#define VALUE_14(v, ...) VALUE(v) VALUE_13(__VA_ARGS__)
#define VALUE_15(v, ...) VALUE(v) VALUE_14(__VA_ARGS__)
#define VALUE_16(v, ...) VALUE(v) VALUE_15(__VA_ARGS__)
#define VALUE_17(v, ...) VALUE(v) VALUE_16(__VA_ARGS__)
#define VALUE_18(v, ...) VALUE(v) VALUE_17(__VA_ARGS__)
#define VALUE_19(v, ...) VALUE(v) VALUE_18(__VA_ARGS__)
#define VALUE_20(v, ...) VALUE(v) VALUE_19(__VA_ARGS__)
#define VALUES_MAX 20
/* clang-format off */
#define VALUES_PICK(v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, \
                    v11, v12, v13, v14, v15, v16, v17, v18, v19, v20, \
                    name, ...) name
#define VALUES_LIST(...) \
    VALUES_PICK(__VA_ARGS__, VALUE_20, VALUE_19, VALUE_18, VALUE_17, VALUE_16, VALUE_15, VALUE_14, VALUE_13, VALUE_12, VALUE_11, \
                VALUE_10, VALUE_9, VALUE_8, VALUE_7, VALUE_6, VALUE_5, VALUE_4, VALUE_3, VALUE_2, VALUE_1, )(__VA_ARGS__)
#define VALUES(...) \
    ((struct values){ (const struct value[]){ VALUES_LIST(__VA_ARGS__) }, \
                      sizeof((const struct value[]){ VALUES_LIST(__VA_ARGS__) }) / sizeof(struct value) })
/* clang-format on */
#define NO_VALUES ((struct values){ NULL, 0 })

#endif
