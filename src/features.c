/* THE list of features. Delete a feature's folder and its lines here, and the rest still builds. */
#include "features/system/system.h"
#include "web/jobs.h"
#include "web/session.h"

const struct feature *const features[] = {
    &session_feature,
    &jobs_feature,
    &system_feature,
};
const size_t feature_count = COUNT_OF(features);
