/* data: topics — the numbered events kept for resuming (tables topics and topic_log). */
#ifndef MADANG_TOPICS_H
#define MADANG_TOPICS_H

void topics_start(void); /* adds its statements */

#endif
