/* Sessions that have ended, as the database knows them. The nodes tell each other at once, but what is told can be lost, and a
 * node that was restarted has forgotten it: an access token would be good again for the rest of its quarter of an hour. */
#include "accounts_parts.h"
#include "madang/config.h"
#include "madang/health.h"
#include "madang/hub.h"
#include "madang/keeper.h"
#include "madang/token.h"

#define LOOK_MS 3000
#define LOOK_SOON_MS 200
#define OVERLAP_MS 10000

static struct instant seen; /* up to here they are known */
static bool known;

static void end_here(const struct ended_lately_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct ended_lately *e = &list->at[i];

        if (!token_session_is_revoked(e->id)) /* most were told by who ended them */
            hub_end_session_here(e->id, e->suspended ? CLOSE_SUSPENDED : CLOSE_LOGIN);
    }
}

/* What commits later may have begun, and so be dated, some seconds earlier. */
static uint64_t look(struct call *c)
{
    struct ended_lately from = { .at = { seen.us ? seen.us - OVERLAP_MS * 1000 : 0 }, .id = T("") };
    struct ended_lately_list list;

    do {
        if (sessions_ended_lately(c, &from, config->session_access_s, &list))
            return LOOK_SOON_MS;
        end_here(&list);
        if (list.count)
            from = list.at[list.count - 1];
    } while (list.count == ENDED_LATELY_MAX);
    if (from.at.us > seen.us)
        seen = from.at;
    known = true;
    return LOOK_MS;
}

static struct keeper keeper = { .name = "sessions.ended", .round = look };

static const char *says(void)
{
    return known ? NULL : "not read yet";
}

void accounts_ended_start(void)
{
    static struct health_part health = { .name = "sessions", .says = says };

    seen = (struct instant){ 0 };
    known = false;
    health_part_add(&health);
    keeper_start(&keeper);
}

void accounts_ended_stop(void)
{
    keeper_stop(&keeper);
}
