/* ops: config — settings as one table (src/ops/config.def).
 *
 * The member, its default, bounds and sentence come from the table's row; so do the example file, the reference page and
 * `madangd config`. Precedence: environment MADANG_SECTION_KEY, systemd credential section.key, file, default.
 * Texts live for the process's life.
 */
#ifndef MADANG_CONFIG_H
#define MADANG_CONFIG_H

#include "madang/buf.h"
#include "madang/problem.h"

#define CONFIG_TEXT_TYPE struct text
#define CONFIG_I64_TYPE int64_t
#define CONFIG_BOOL_TYPE bool

struct config {
#define X_SETTING(section, key, type, ...) CONFIG_##type##_TYPE section##_##key;
#include "madang/rows.h"
};

/* Read only, everywhere: what the process runs with. */
extern const struct config *const config;
/* The number at offsetof(struct config, …): for tables that name a setting. */
static inline int64_t config_i64(size_t offset)
{
    return *(const int64_t *)(const void *)((const char *)config + offset);
}

/* Reads defaults, the file (NULL: none), credentials and environment. Every mistake is written to `mistakes`, a line each
 * with file and line; false when there was one, and then nothing changed. */
bool config_load(const char *path, struct buf *mistakes) MUST_USE;
/* The same at SIGHUP: only rows marked RELOAD take effect; others that changed are named in `notes`. */
bool config_reload(struct buf *mistakes, struct buf *notes) MUST_USE;
void config_free(void);

void config_print_example(struct buf *out);   /* config/madang.ini */
void config_print_reference(struct buf *out); /* a table in Markdown */
void config_print_json(struct buf *out);      /* what is in force; secrets as "***" */

#endif
