/* Where browsers find a way to each other: STUN and TURN servers of the settings, with credentials for an hour. */
#ifndef MADANG_VIDEO_ICE_H
#define MADANG_VIDEO_ICE_H

#include "video_wire.h"

/* `name`: of no meaning outside the room, since the TURN server logs it. now_s: of the wall clock. */
void video_ice_make(struct arena *a, struct text name, int64_t now_s, struct ice_config *out);
bool video_ice_check(void); /* the settings make sense; else false, and logged */

#endif
