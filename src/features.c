/* The features of the platform itself and those of features.def. */
#include "app.h"
#include "madang/calls.h"
#include "madang/mail.h"
#include "web/audit_list.h"
#include "web/jobs.h"
#include "web/session.h"
#include "web/system.h"

#define X(name, needs) extern const struct feature name##_feature;
#include "features.def"
#undef X

static const struct built_feature built[] = {
    { &session_feature, NULL }, { &jobs_feature, NULL },  { &system_feature, NULL },
    { &mail_feature, NULL },    { &audit_feature, NULL },
#define X(name, needs) { &name##_feature, needs },
#include "features.def"
#undef X
};

bool app_features(struct text off)
{
    return features_select(built, COUNT_OF(built), off);
}
