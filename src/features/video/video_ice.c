#include "video_ice.h"

#include "madang/codec.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/seal.h"

#define URLS_MAX 16

/* The addresses of a comma-separated setting. */
static size_t split(struct arena *a, struct text rest, struct text **out)
{
    size_t count = 0;

    *out = arena_array(a, struct text, URLS_MAX);
    while (rest.len && count < URLS_MAX) {
        struct text url = text_trim(text_cut(rest, ',', &rest));

        if (url.len)
            (*out)[count++] = url;
    }
    return count;
}

/* Time-limited credentials, "TURN REST API": the user name is the time of their end and a name, the password the base64 of its
 * HMAC-SHA1 under the secret that is shared with the server (coturn's use-auth-secret). */
static void sign(struct arena *a, struct text name, int64_t ends_s, struct ice_server *out)
{
    struct text user = arena_printf(a, "%lld:%.*s", (long long)ends_s, TEXT_ARG(name));
    unsigned char mac[SHA1_SIZE];

    hmac_sha1(config->video_turn_secret, user, mac);
    out->username = (struct opt_text){ PRESENT, user };
    out->credential = (struct opt_text){ PRESENT, base64_encode(a, mac, sizeof mac) };
}

void video_ice_make(struct arena *a, struct text name, int64_t now_s, struct ice_config *out)
{
    struct ice_server *s = arena_array(a, struct ice_server, 2);

    *out = (struct ice_config){ .servers.at = s, .policy = { config->video_relay_only ? ICE_RELAY : ICE_ALL } };
    out->ttl_s = config->video_turn_s;
    if ((s->urls.count = split(a, config->video_stun_urls, &s->urls.at)) > 0)
        s++;
    if ((s->urls.count = split(a, config->video_turn_urls, &s->urls.at)) > 0)
        sign(a, name, now_s + config->video_turn_s, s++);
    out->servers.count = (size_t)(s - out->servers.at);
}

static bool all_begin(struct text setting, const char *one, const char *other)
{
    struct arena a;
    struct text *urls;
    size_t count, i = 0;

    arena_init(&a, 1 << 16);
    count = split(&a, setting, &urls);
    while (i < count && (text_starts(urls[i], text_of(one)) || text_starts(urls[i], text_of(other))))
        i++;
    arena_fini(&a);
    return i == count;
}

bool video_ice_check(void)
{
    const char *wrong = !all_begin(config->video_stun_urls, "stun:", "stuns:")   ? "stun_urls: each begins with stun: or stuns:"
                        : !all_begin(config->video_turn_urls, "turn:", "turns:") ? "turn_urls: each begins with turn: or turns:"
                        : config->video_turn_urls.len && !config->video_turn_secret.len ? "turn_urls needs turn_secret"
                        : config->video_relay_only && !config->video_turn_urls.len      ? "relay_only needs turn_urls"
                                                                                        : NULL;

    if (wrong)
        log_error("video", "[video] %s", wrong);
    return !wrong;
}
