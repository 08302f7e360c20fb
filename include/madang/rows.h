/* base: rows — every row of the tables of problems, settings, metrics and faults: the platform's, then each feature's in
 * the order of features.def. Define the X_… that is wanted and include this; the others say nothing, and all are undefined
 * behind it. */
#ifndef X_PROBLEM
#define X_PROBLEM(...)
#endif
#ifndef X_SETTING
#define X_SETTING(...)
#endif
#ifndef X_METRIC
#define X_METRIC(...)
#endif
#ifndef X_FAULT
#define X_FAULT(...)
#endif

/* clang-format off */
#include "../../src/base/faults.def"
#include "../../src/base/problems.def"
#include "../../src/ops/config.def"
#include "../../src/ops/metrics.def"
#include "feature_rows.def" /* made by CMake from features.def */
/* clang-format on */

#undef X_PROBLEM
#undef X_SETTING
#undef X_METRIC
#undef X_FAULT
