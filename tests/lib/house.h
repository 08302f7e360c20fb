/* The doors within a test's own process, without stores: bytes go in by a real socket, what is written comes back. */
#ifndef MADANG_TEST_HOUSE_H
#define MADANG_TEST_HOUSE_H

#include "madang/text.h"

enum house_door { HOUSE_PUBLIC, HOUSE_ADMIN };

/* Settings are the defaults and the environment's. Ends the process when it cannot. */
void house_open(void);
/* Says `bytes` on a connection of its own. The answer, until the daemon has nothing more to say to them; borrowed until the next
 * call. `closed`: the daemon ended the connection by itself. */
struct text house_say(enum house_door door, struct text bytes, bool *closed);
void house_close(void);

#endif
