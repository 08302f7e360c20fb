/* net: curl_loop — libcurl's multi handle on the event loop. */
#ifndef MADANG_CURL_LOOP_H
#define MADANG_CURL_LOOP_H

#include <curl/curl.h>

void curl_loop_start(void (*done)(CURL *easy, CURLcode result));
void curl_loop_stop(void); /* every easy handle must have been removed */
void curl_loop_add(CURL *easy);
void curl_loop_remove(CURL *easy);

#endif
