/* web: audit — the call that shows what madang/audit.h has kept. */
#ifndef MADANG_AUDIT_LIST_H
#define MADANG_AUDIT_LIST_H

#include "madang/calls.h"

extern const struct feature audit_feature;

#endif
