/* ops: notify — tells systemd that we are ready, and that we are alive (sd_notify(3), without its library). */
#ifndef MADANG_NOTIFY_H
#define MADANG_NOTIFY_H

void notify(const char *state); /* "STOPPING=1"; does nothing outside systemd */
void notify_start(void);        /* READY=1, then WATCHDOG=1 as often as asked for */
void notify_stop(void);

#endif
