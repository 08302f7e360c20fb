/* ops: health — whether this node should get traffic, and the operator's lists.
 *
 * A part (Postgres, Redis, migrations, draining) registers what it says of itself; /readyz is their conjunction. A list
 * prints itself as a JSON array on the admin listener.
 */
#ifndef MADANG_HEALTH_H
#define MADANG_HEALTH_H

#include "madang/buf.h"

struct health_part {
    const char *name;
    const char *(*says)(void); /* NULL: well; else why not, a word or two */
    struct health_part *next;
};
void health_part_add(struct health_part *p);
bool health_is_well(const struct health_part *but); /* every part, or every part but one */
/* {"ready":true,"parts":{"pg":"ok",…}}; returns whether ready. */
bool health_print(struct buf *out);

struct list_view {
    const char *name;
    void (*print)(struct buf *out);
    struct list_view *next;
};
void list_view_add(struct list_view *v);
const struct list_view *list_view_find(struct text name);
void list_views_print(struct buf *out); /* their names */

#endif
