#include "ears.h"

#include "madang/calls.h"

/* Features that want to know who listens: few, and asked for each topic that anybody comes to or leaves. */
#define EARS_MAX 8
static struct {
    struct text topics;
    void (*run)(struct text rest, bool here);
} ears[EARS_MAX];
static size_t ear_count;

/* The first listener to a topic is here, or the last one gone. */
static void on_listened(struct text topic, bool here)
{
    for (size_t i = 0; i < ear_count; i++) {
        struct text rest = topic;

        if (text_skip(&rest, ears[i].topics))
            ears[i].run(rest, here);
    }
}

static void on_online(int64_t account, bool here)
{
    for (size_t i = 0; i < feature_count; i++)
        if (features[i]->online)
            features[i]->online(account, here);
}

static void on_closed(uint64_t socket)
{
    for (size_t i = 0; i < feature_count; i++)
        if (features[i]->closed)
            features[i]->closed(socket);
}

static const struct word_def *find_word(struct text feature, struct text name)
{
    for (size_t i = 0; i < feature_count; i++)
        for (size_t k = 0; k < features[i]->words.count; k++)
            if (text_is(text_of(features[i]->name), feature) && text_is(text_of(features[i]->words.at[k].name), name))
                return &features[i]->words.at[k];
    return NULL;
}

const struct hub_ops *ears_open(void)
{
    static const struct hub_ops ops = { on_online, on_closed, on_listened, find_word };

    ear_count = 0;
    for (size_t i = 0; i < feature_count; i++)
        if (features[i]->listened.run) {
            CHECK(ear_count < EARS_MAX);
            ears[ear_count].topics = text_of(features[i]->listened.topics);
            ears[ear_count++].run = features[i]->listened.run;
        }
    return &ops;
}
