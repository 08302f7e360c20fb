/* ops: log_writer — a bounded ring of log lines and the thread that writes them to stderr. */
#ifndef MADANG_LOG_WRITER_H
#define MADANG_LOG_WRITER_H

void log_writer_start(void); /* becomes the sink of madang/log.h */
void log_writer_stop(void);  /* waits at most a second for a stalled reader */

#endif
