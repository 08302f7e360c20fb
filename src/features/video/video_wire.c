#include "video_wire.h"

static const char *const policies[] = { "all", "relay" };
static const char *const types[] = { "offer", "answer" };
static const char *const leavings[] = { "left", "lost", "kicked" };
static const char *const closings[] = { "closed", "host-left", "kicked", "moved", "gone" };
static const struct words policy_words = WORDS(policies), type_words = WORDS(types), leaving_words = WORDS(leavings);
const struct words video_closings = WORDS(closings);

static bool is_code(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!(t.at[i] >= 'a' && t.at[i] <= 'z') && !(t.at[i] >= '2' && t.at[i] <= '9'))
            return false;
    return true;
}

static bool is_word(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (t.at[i] <= ' ' || t.at[i] > '~')
            return false;
    return true;
}

/* clang-format off */
#define ROOM .len_min = ROOM_LEN, .len_max = ROOM_LEN, .check = is_code, .pattern = "^[a-z2-9]*$"
#define PEER .len_min = PEER_LEN, .len_max = PEER_LEN, .check = is_code, .pattern = "^[a-z2-9]*$"
#define PAGE .len_min = 1, .len_max = PAGE_LEN_MAX, .check = is_word, .pattern = "^[!-~]*$"
#define ROOM_TITLE .len_max = 30
#define PASSWORD .len_min = 4, .len_max = 64, .secret = true
/* clang-format on */

static const struct field open_fields[] = {
    FIELD(struct video_open, title, ROOM_TITLE, .prose = TITLE, .says = "What the guest reads at the door."),
    FIELD(struct video_open, password, PASSWORD, .says = "Else one is made."),
};
const struct shape video_open_shape = SHAPE("VideoOpen", struct video_open, open_fields);
static const struct field opened_fields[] = {
    FIELD(struct video_opened, room, ROOM),
    FIELD(struct video_opened, password, PASSWORD, .says = "Told this once; what is kept is a hash."),
    FIELD(struct video_opened, path, .says = "Of the room's page, from the root."),
    FIELD(struct video_opened, expires, .says = "Unless it is used."),
};
const struct shape video_opened_shape = SHAPE("VideoOpened", struct video_opened, opened_fields);

static const struct field try_fields[] = {
    FIELD(struct video_try, room, ROOM),
    FIELD(struct video_try, password, PASSWORD, .says = "Not needed by the host, and by who has a place in the room."),
};
const struct shape video_try_shape = SHAPE("VideoTry", struct video_try, try_fields);
static const struct field checked_fields[] = {
    FIELD(struct video_checked, title, ROOM_TITLE),
    FIELD(struct video_checked, host, .says = "I am."),
    FIELD(struct video_checked, full, .says = "There is no place for me now."),
};
const struct shape video_checked_shape = SHAPE("VideoChecked", struct video_checked, checked_fields);

static const struct field join_fields[] = {
    FIELD(struct video_join, room, ROOM),
    FIELD(struct video_join, password, PASSWORD, .says = "Not needed by the host, and by who has a place in the room."),
    FIELD(struct video_join, page, PAGE,
          .says = "A random name of this page's life: with another one the others begin their connections anew."),
};
const struct shape video_join_shape = SHAPE("VideoJoin", struct video_join, join_fields);
static const struct field peer_fields[] = {
    FIELD(struct video_peer, peer, PEER, .says = "Name in this room."),
    FIELD(struct video_peer, page, PAGE),
    FIELD(struct video_peer, host),
    FIELD(struct video_peer, polite, .says = "When two offers cross, I give way to this peer (perfect negotiation)."),
};
static const struct shape peer_shape = SHAPE("VideoPeer", struct video_peer, peer_fields);
static const struct field server_fields[] = {
    FIELD_LIST(struct ice_server, urls),
    FIELD(struct ice_server, username),
    FIELD(struct ice_server, credential, .secret = true),
};
static const struct shape server_shape = SHAPE("VideoIceServer", struct ice_server, server_fields);
static const struct field ice_fields[] = {
    FIELD_LIST(struct ice_config, servers, .shape = &server_shape),
    FIELD(struct ice_config, policy, .words = &policy_words, .says = "iceTransportPolicy."),
    FIELD(struct ice_config, ttl_s, .says = "Ask again by then (video.ice)."),
};
const struct shape video_ice_config_shape = SHAPE("VideoIceConfig", struct ice_config, ice_fields);
static const struct field joined_fields[] = {
    FIELD(struct video_joined, title, ROOM_TITLE),
    FIELD(struct video_joined, peer, PEER, .says = "My name in this room."),
    FIELD(struct video_joined, host, .says = "I am."),
    FIELD_LIST(struct video_joined, peers, .shape = &peer_shape, .list_max = PEERS_MAX, .says = "The others."),
    FIELD(struct video_joined, ice, .shape = &video_ice_config_shape),
};
const struct shape video_joined_shape = SHAPE("VideoJoined", struct video_joined, joined_fields);

static const struct field room_ref_fields[] = { FIELD(struct video_room_ref, room, ROOM) };
const struct shape video_room_ref_shape = SHAPE("VideoRoomRef", struct video_room_ref, room_ref_fields);
static const struct field peer_ref_fields[] = { FIELD(struct video_peer_ref, room, ROOM),
                                                FIELD(struct video_peer_ref, peer, PEER) };
const struct shape video_peer_ref_shape = SHAPE("VideoPeerRef", struct video_peer_ref, peer_ref_fields);

static const struct field description_fields[] = {
    FIELD(struct session_description, type, .words = &type_words),
    FIELD(struct session_description, sdp, .len_max = SDP_MAX, .raw = true),
};
static const struct shape description_shape = SHAPE("VideoSessionDescription", struct session_description, description_fields);
static const struct field candidate_fields[] = {
    FIELD(struct ice_candidate, candidate, .len_max = CANDIDATE_MAX, .raw = true, .says = "Empty: there are no more."),
    FIELD(struct ice_candidate, mid, .raw = true, .says = "sdpMid."),
    FIELD(struct ice_candidate, fragment, .raw = true, .says = "usernameFragment."),
    FIELD(struct ice_candidate, line, .min = 0, .max = 65535, .says = "sdpMLineIndex."),
};
static const struct shape candidate_shape = SHAPE("VideoIceCandidate", struct ice_candidate, candidate_fields);
static const struct field signal_fields[] = {
    FIELD(struct video_signal, room, ROOM),
    FIELD(struct video_signal, to, PEER),
    FIELD_MAYBE(struct video_signal, description, .shape = &description_shape, .when = ALTERNATIVE, .says = "Either this …"),
    FIELD_MAYBE(struct video_signal, candidate, .shape = &candidate_shape, .when = ALTERNATIVE, .says = "… or this."),
};
const struct shape video_signal_shape = ONE_OF("VideoSignal", struct video_signal, signal_fields);

static const struct field arrival_fields[] = {
    FIELD(struct video_arrival, room, ROOM),
    FIELD(struct video_arrival, peer, .shape = &peer_shape),
    FIELD(struct video_arrival, again, .says = "Its place was kept; with the same page, its connections may still stand."),
};
const struct shape video_arrival_shape = SHAPE("VideoArrival", struct video_arrival, arrival_fields);
static const struct field departure_fields[] = {
    FIELD(struct video_departure, room, ROOM),
    FIELD(struct video_departure, peer, PEER),
    FIELD(struct video_departure, reason, .words = &leaving_words, .says = "lost: it did not come back in time."),
};
const struct shape video_departure_shape = SHAPE("VideoDeparture", struct video_departure, departure_fields);
static const struct field signalled_fields[] = {
    FIELD(struct video_signalled, room, ROOM),
    FIELD(struct video_signalled, from, PEER),
    FIELD(struct video_signalled, page, PAGE, .says = "Of the sender: what a page before it said is of no use."),
    FIELD_MAYBE(struct video_signalled, description, .shape = &description_shape, .when = ALTERNATIVE),
    FIELD_MAYBE(struct video_signalled, candidate, .shape = &candidate_shape, .when = ALTERNATIVE),
};
const struct shape video_signalled_shape = ONE_OF("VideoSignalled", struct video_signalled, signalled_fields);
static const struct field closed_fields[] = {
    FIELD(struct video_closed, room, ROOM),
    FIELD(struct video_closed, reason, .words = &video_closings,
          .says = "closed or host-left: for all; kicked, moved (joined elsewhere), gone (the place was lost): for me."),
};
const struct shape video_closed_shape = SHAPE("VideoClosed", struct video_closed, closed_fields);
