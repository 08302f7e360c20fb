/* THE list of features. */
#include "features/system/system.h"
#include "madang/accounts.h"
#include "madang/files.h"
#include "madang/mail.h"
#include "madang/notices.h"
#include "madang/social.h"
#include "madang/tarot.h"
#include "madang/video.h"
#include "web/jobs.h"
#include "web/session.h"
#ifdef MADANG_BENCH
#include "features/bench/bench.h"
#endif

const struct feature *const features[] = {
    &session_feature, &jobs_feature,  &system_feature,  &mail_feature,  &accounts_feature,
    &social_feature,  &files_feature, &notices_feature, &tarot_feature, &video_feature,
#ifdef MADANG_BENCH
    &bench_feature,
#endif
};
const size_t feature_count = COUNT_OF(features);
