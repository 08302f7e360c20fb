/* app: the composition root — everything is started here in order, and stopped in the other. */
#ifndef MADANG_APP_H
#define MADANG_APP_H

#include "madang/text.h"

bool app_features(struct text off); /* selects: features_select() of madang/calls.h */
bool app_prepare(void);             /* of the features that are on: tables, secret: what every command needs */
int app_run(void);                  /* serves until SIGTERM; the exit status */
bool app_open(void);                /* what app_run() does before the loop runs, and … */
bool app_close(void);               /* … after it: whether it served and stopped in order. For tests within the process */
int app_check(void);                /* configuration is read already: statements, connections */
int app_migrate(void);

#endif
