#include "doctor.h"

#include <inttypes.h>
#include <sys/resource.h>
#include <unistd.h>

#include "data/store_findings.h"
#include "madang/calls.h"
#include "madang/config.h"
#include "madang/finding.h"
#include "madang/log.h"
#include "madang/map.h"
#include "madang/random.h"
#include "providers/service_findings.h"

#define SECRET_MIN 32
#define DESCRIPTORS_BESIDE 128 /* stores, files, outside services, the log */

static void look_at_key(const char *about, struct text key, bool needed)
{
    if (key.len == 0 && needed)
        finding(FOUND_WARN, about, "set [session] key: 32 random characters and more, the same for every node",
                "the key is made by the node itself, in %.*s", TEXT_ARG(config->session_key_file));
    else if (key.len && key.len < SECRET_MIN)
        finding(FOUND_FAIL, about, "make a new one of 32 random characters and more", "the key has %zu characters", key.len);
    else if (key.len)
        finding(FOUND_OK, about, NULL, "is there, and long enough");
}

static bool is_here(struct text address)
{
    return text_starts(address, T("localhost")) || text_starts(address, T("127.")) || text_starts(address, T("[::1]")) ||
           text_starts(address, T("unix:"));
}

static void look_at_address(void)
{
    struct text url = config->http_public_url, host = url;
    bool tls = text_skip(&host, T("https://")), here = !tls && text_skip(&host, T("http://")) && is_here(host);

    if (!tls && !here)
        finding(FOUND_FAIL, "http.public_url", "put TLS in front (nginx), and https:// into [http] public_url",
                "%.*s is not https: browsers keep no session, and offer no camera", TEXT_ARG(url));
    else
        finding(FOUND_OK, "http.public_url", NULL, "%.*s", TEXT_ARG(url));
    if (tls && config->http_trusted_proxies.len == 0)
        finding(FOUND_WARN, "http.trusted_proxies", "name the proxy's address in [http] trusted_proxies",
                "none: everybody seems to come from the proxy's own address, and shares its limits");
    if (config->admin_listen.len && !is_here(config->admin_listen))
        finding(FOUND_WARN, "admin.listen", "let it listen at 127.0.0.1, or see that nobody else can reach it",
                "%.*s is not this machine's alone", TEXT_ARG(config->admin_listen));
}

static void look_at_switches(void)
{
    if (config->debug_faults || config->debug_echo)
        finding(FOUND_WARN, "debug", "set [debug] faults and echo to false", "switches for tests are on");
    if (config->limits_scale > 1)
        finding(FOUND_WARN, "limits.scale", "set [limits] scale = 1", "every rate limit is multiplied by %" PRId64,
                config->limits_scale);
    for (size_t i = 0; i < feature_count; i++)
        if (features[i]->check && !features[i]->check())
            finding(FOUND_FAIL, features[i]->name, "correct what standard error tells", "its settings make no sense");
}

static void look_at_descriptors(void)
{
    struct rlimit limit;
    uint64_t wants = (uint64_t)config->http_connections_max + DESCRIPTORS_BESIDE;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_max < wants)
        finding(FOUND_WARN, "descriptors", "raise LimitNOFILE of the unit (ulimit -n), or lower [http] connections_max",
                "%" PRIu64 " may be open here, [http] connections_max wants %" PRIu64, (uint64_t)limit.rlim_max, wants);
    else
        finding(FOUND_OK, "descriptors", NULL, "%" PRIu64 " may be open, %" PRIu64 " are wanted", (uint64_t)limit.rlim_max,
                wants);
}

int doctor_command(int count, char **arguments)
{
    bool json = count == 2 && strcmp(arguments[1], "--json") == 0;
    unsigned char seed[16];

    if (count > 1 && !json)
        return USAGE;
    log_set_level(LOG_ERROR);
    random_bytes(seed, sizeof seed);
    map_seed(seed);
    findings_begin(json);
    look_at_key("session.key", config->session_key, true);
    look_at_key("session.key_before", config->session_key_before, false);
    look_at_address();
    look_at_switches();
    look_at_descriptors();
    pg_findings();
    redis_findings();
    files_findings();
    service_findings();
    return findings_end() ? DONE : FAILED;
}
