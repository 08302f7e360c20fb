/* Which of the features that were built in are switched on. */
#include "madang/calls.h"
#include "madang/check.h"
#include "madang/log.h"

static const struct feature *on[FEATURES_MAX];
const struct feature *const *features = on;
size_t feature_count;

static bool has_word(struct text list, const char *name)
{
    while (list.len)
        if (text_is(text_trim(text_cut(list, ',', &list)), text_of(name)))
            return true;
    return false;
}

static bool is_on(struct text name)
{
    for (size_t i = 0; i < feature_count; i++)
        if (text_is(text_of(on[i]->name), name))
            return true;
    return false;
}

static bool is_known(const struct built_feature *built, size_t count, struct text name)
{
    bool known = name.len == 0;

    for (size_t i = 0; i < count && !known; i++)
        known = built[i].needs && text_is(text_of(built[i].feature->name), name);
    if (!known)
        log_error("config", "[features] off: there is no feature %.*s", TEXT_ARG(name));
    return known;
}

static bool has_its_needs(const struct built_feature *b)
{
    struct text needs = text_of(b->needs);

    while (needs.len) {
        struct text one = text_cut(needs, ' ', &needs);

        if (!is_on(one)) {
            log_error("config", "[features] off: %s needs %.*s", b->feature->name, TEXT_ARG(one));
            return false;
        }
    }
    return true;
}

bool features_select(const struct built_feature *built, size_t count, struct text off)
{
    bool ok = true;

    CHECK(count <= FEATURES_MAX);
    feature_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!built[i].needs || !has_word(off, built[i].feature->name))
            on[feature_count++] = built[i].feature;
    for (size_t i = 0; i < count; i++)
        if (built[i].needs && is_on(text_of(built[i].feature->name)))
            ok = has_its_needs(&built[i]) && ok;
    while (off.len)
        ok = is_known(built, count, text_trim(text_cut(off, ',', &off))) && ok;
    return ok;
}
