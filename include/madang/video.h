/* features: video — consultation rooms: who is in them, and the signals by which their browsers find each other. */
#ifndef MADANG_VIDEO_H
#define MADANG_VIDEO_H

#include "madang/calls.h"

extern const struct feature video_feature;

#endif
