/* net: resolve — the addresses of a host, asked of the system on the thread pool.
 *
 * libcurl's own resolver joins its thread wherever a transfer ends, so a name server that does not answer would hold the loop; it
 * is told the addresses beforehand instead. One look-up a host at a time, shared by all who wait. Addresses are good for a
 * minute; older ones serve when no answer comes. Who stops waiting is let go at once: the look-up goes on without him.
 */
#ifndef MADANG_RESOLVE_H
#define MADANG_RESOLVE_H

#include <curl/curl.h>

#include "madang/call.h"

/* "host:port:address,address…" for CURLOPT_RESOLVE, in `c`'s arena, or NULL when the URL's host is an address itself.
 * UPSTREAM_UNAVAILABLE when the name has no address or none is known by `until_ms`; UPSTREAM_FAILED for what is no URL. */
problem resolve_url(struct call *c, struct text url, uint64_t until_ms, const char **entry) MUST_USE;
/* Tells the handle what resolve_url() found, and that it must not ask by itself, nor go by a proxy of the environment. The list
 * is the handle's until it ends; NULL when there is none. */
struct curl_slist *resolve_apply(CURL *easy, const char *entry);
void resolve_stop(void);

#endif
