/* data: topics — the numbered events kept for resuming (tables topics and topic_log). */
#ifndef MADANG_TOPICS_PARTS_H
#define MADANG_TOPICS_PARTS_H

#include "madang/topics.h"

void topics_start(void); /* adds its statements */
extern struct statement_table forget_statements;

#endif
