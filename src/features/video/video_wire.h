/* Structs of the video feature that cross the wire, and their shapes. */
#ifndef MADANG_VIDEO_WIRE_H
#define MADANG_VIDEO_WIRE_H

#include "madang/calls.h"

#define ROOM_LEN 10
#define PEER_LEN 8
#define PAGE_LEN_MAX 40
#define PEERS_MAX 4 /* as [video] max_peers at the most */
#define SDP_MAX 40000
#define CANDIDATE_MAX 2000

struct video_open {
    struct opt_text title, password;
};
struct video_opened {
    struct text room, password, path;
    struct instant expires;
};
struct video_try {
    struct text room;
    struct opt_text password;
};
struct video_checked {
    struct text title;
    bool host, full;
};
struct video_join {
    struct text room;
    struct opt_text password;
    struct text page;
};
struct video_peer {
    struct text peer, page;
    bool host, polite;
};
struct ice_server {
    LIST_OF(struct text) urls;
    struct opt_text username, credential;
};
enum ice_policy { ICE_ALL, ICE_RELAY };
struct ice_config {
    LIST_OF(struct ice_server) servers;
    struct word policy;
    int64_t ttl_s;
};
struct video_joined {
    struct text title, peer;
    bool host;
    LIST_OF(struct video_peer) peers;
    struct ice_config ice;
};
struct video_room_ref {
    struct text room;
};
struct video_peer_ref {
    struct text room, peer;
};
struct session_description {
    struct word type;
    struct text sdp;
};
struct ice_candidate {
    struct text candidate;
    struct opt_text mid, fragment;
    struct opt_i64 line;
};
struct video_signal {
    struct text room, to;
    struct session_description *description;
    struct ice_candidate *candidate;
};

/* Events. */
struct video_arrival {
    struct text room;
    struct video_peer peer;
    bool again;
};
enum leaving { LEAVING_LEFT, LEAVING_LOST, LEAVING_KICKED };
struct video_departure {
    struct text room, peer;
    struct word reason;
};
struct video_signalled {
    struct text room, from, page;
    struct session_description *description;
    struct ice_candidate *candidate;
};
enum closing { CLOSING_CLOSED, CLOSING_HOST_LEFT, CLOSING_KICKED, CLOSING_MOVED, CLOSING_GONE };
struct video_closed {
    struct text room;
    struct word reason;
};

extern const struct words video_closings;
extern const struct shape video_open_shape, video_opened_shape, video_try_shape, video_checked_shape, video_join_shape,
    video_joined_shape, video_room_ref_shape, video_peer_ref_shape, video_signal_shape, video_ice_config_shape,
    video_arrival_shape, video_departure_shape, video_signalled_shape, video_closed_shape;

#endif
