#include "curl_loop.h"

#include "madang/loop.h"

struct watch {
    uv_poll_t poll;
    curl_socket_t socket;
};

static CURLM *multi;
static uv_timer_t timer;
static void (*on_done)(CURL *easy, CURLcode result);

/* Callbacks may end other transfers, so messages are taken one at a time until none is left. */
static void take_messages(void)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(multi, &left)) != NULL)
        if (m->msg == CURLMSG_DONE)
            on_done(m->easy_handle, m->data.result);
}

static void act(curl_socket_t socket, int flags)
{
    int running;

    CHECK(curl_multi_socket_action(multi, socket, flags, &running) == CURLM_OK);
    take_messages();
}

static void on_timer(uv_timer_t *t)
{
    (void)t;
    act(CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *m, long timeout_ms, void *unused)
{
    (void)m;
    (void)unused;
    if (timeout_ms < 0)
        uv_timer_stop(&timer);
    else
        uv_timer_start(&timer, on_timer, (uint64_t)timeout_ms, 0); /* 0 fires on the next turn, never inside this call */
    return 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = CONTAINER_OF(poll, struct watch, poll);
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    loop_event();
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(w->socket, flags);
}

static void on_closed(uv_handle_t *h)
{
    free(CONTAINER_OF(h, struct watch, poll));
}

static int set_socket(CURL *easy, curl_socket_t socket, int what, void *unused, void *watch)
{
    struct watch *w = watch;

    (void)easy;
    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_closed);
            curl_multi_assign(multi, socket, NULL);
        }
        return 0;
    }
    if (!w) {
        w = must_zalloc(sizeof *w);
        w->socket = socket;
        CHECK(uv_poll_init_socket(loop_uv(), &w->poll, socket) == 0);
        curl_multi_assign(multi, socket, w);
    }
    uv_poll_start(&w->poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0), on_ready);
    return 0;
}

void curl_loop_start(void (*done)(CURL *easy, CURLcode result))
{
    on_done = done;
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
    multi = curl_multi_init();
    CHECK(multi && uv_timer_init(loop_uv(), &timer) == 0);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
}

void curl_loop_stop(void)
{
    curl_multi_cleanup(multi);
    multi = NULL;
    uv_close((uv_handle_t *)&timer, NULL);
    curl_global_cleanup();
}

void curl_loop_add(CURL *easy)
{
    CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK);
}

void curl_loop_remove(CURL *easy)
{
    curl_multi_remove_handle(multi, easy);
}
