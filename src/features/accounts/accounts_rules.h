/* Pure decisions of the accounts feature. */
#ifndef MADANG_ACCOUNTS_RULES_H
#define MADANG_ACCOUNTS_RULES_H

#include "madang/shape.h"

#define AGE_MIN 14
#define POINTS_ONBOARDING 1000
#define POINTS_NICKNAME (-100)

bool nickname_is_valid(struct text t); /* ^[a-zA-Z가-힣0-9]{2,16}$ */
/* What it is taken for at a glance. In SQL, of names that are valid: NICKNAME_FOLD of the store. */
struct text nickname_fold(struct arena *a, struct text nickname);
bool account_email_is_valid(struct text t); /* one @, a dot in the domain, no blanks or control characters */
bool code_six_digits(struct text t);
bool session_id_is_valid(struct text t);
/* Lower case of ASCII, as addresses are kept. */
struct text account_email_normal(struct arena *a, struct text email);
/* Full years, by the day in Korea, as the law counts; below 0: no birth date. */
int person_age_at(struct date birth, struct instant now);
/* "20s early", "20s middle", "20s late": ten-year bands in thirds (0–3, 4–6, 7–9). */
struct text person_age_band(struct arena *a, struct date birth, struct instant now);
/* Where a provider's login may lead back to: a path of ours and nothing else. */
bool oauth_return_path_is_ours(struct text path);
/* Seconds to wait after so many failures beyond the limit: 30, 60, 120 … 900. */
int64_t login_failure_wait_s(int64_t failures, int64_t limit);

#endif
