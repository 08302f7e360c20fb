#include "system.h"

#include "documents.h"
#include "madang/config.h"
#include "madang/store.h"

struct system_time {
    struct instant now;
};
static const struct field time_fields[] = { FIELD(struct system_time, now, .says = "The database's clock.") };
static const struct shape time_shape = SHAPE("SystemTime", struct system_time, time_fields);
static const struct statement time_now = {
    .name = "system_time", .lane = LANE_READ, .row = &time_shape, .sql = "select now() as now"
};

static problem system_time(struct call *c)
{
    return store_one(c, &time_now, NO_VALUES, c->out);
}

struct service {
    struct text name, version;
    bool kakao, google;
};
static const struct field service_fields[] = {
    FIELD(struct service, name),
    FIELD(struct service, version),
    FIELD(struct service, kakao, .says = "Whether login by Kakao is on."),
    FIELD(struct service, google, .says = "Whether login by Google is on."),
};
static const struct shape service_shape = SHAPE("Service", struct service, service_fields);

static problem system_info(struct call *c)
{
    *(struct service *)c->out =
        (struct service){ T("madang"), T(MADANG_VERSION), config->kakao_client_id.len > 0, config->google_client_id.len > 0 };
    return NULL;
}

struct switched_on {
    LIST_OF(struct text) features;
};
static const struct field on_fields[] = { FIELD_LIST(struct switched_on, features, .says = "By name.") };
static const struct shape on_shape = SHAPE("Features", struct switched_on, on_fields);

static problem system_features(struct call *c)
{
    struct switched_on *out = c->out;

    out->features.at = arena_array(c->arena, struct text, feature_count);
    for (out->features.count = 0; out->features.count < feature_count; out->features.count++)
        out->features.at[out->features.count] = text_of(features[out->features.count]->name);
    return NULL;
}

/* Printed when one is first asked for. */
static struct {
    void (*print)(struct buf *out);
    struct constant *body;
} documents[] = { { openapi_print }, { asyncapi_print }, { typescript_print } };

static void documents_free(void)
{
    for (size_t i = 0; i < COUNT_OF(documents); i++)
        constant_free(&documents[i].body);
}

static problem reply_document(struct call *c, size_t which, const char *type)
{
    struct constant **body = &documents[which].body;
    struct buf b;

    if (!*body) {
        buf_init(&b, 8u << 20);
        documents[which].print(&b);
        if (!b.over)
            *body = constant_new(type, buf_text(&b));
        buf_fini(&b);
    }
    if (!*body)
        return PROBLEM(OVERLOADED);
    exchange_reply_constant(c->http, *body);
    return NULL;
}

static problem document_openapi(struct call *c)
{
    return reply_document(c, 0, "application/json");
}

static problem document_asyncapi(struct call *c)
{
    return reply_document(c, 1, "application/json");
}

static problem document_types(struct call *c)
{
    return reply_document(c, 2, "text/plain; charset=utf-8");
}

/* clang-format off */
static const struct call_def calls[] = {
    { .name = "system.time", .rest = GET("/api/v1/time"), .out = &time_shape, .run = system_time,
      .limits = { PER_ADDRESS(100, SECONDS(1)) }, .says = "The time, as the database has it." },
    { .name = "system.info", .rest = GET("/api/v1/info"), .out = &service_shape, .run = system_info,
      .says = "What this service is and which ways of logging in it offers." },
    { .name = "system.features", .rest = GET("/api/v1/features"), .out = &on_shape, .run = system_features,
      .says = "Which families of calls this service has switched on." },
    { .name = "system.openapi", .rest = GET("/api/openapi.json"), .raw = document_openapi, .raw_type = "application/json",
      .doors = REST_ONLY, .says = "These calls as an OpenAPI document." },
    { .name = "system.asyncapi", .rest = GET("/api/asyncapi.json"), .raw = document_asyncapi,
      .raw_type = "application/json", .doors = REST_ONLY, .says = "The WebSocket's messages as an AsyncAPI document." },
    { .name = "system.types", .rest = GET("/api/types.d.ts"), .raw = document_types, .raw_type = "text/plain",
      .doors = REST_ONLY, .says = "TypeScript types of all calls and events." },
};
/* clang-format on */

static STATEMENT_TABLE(statements, &time_now);
const struct feature system_feature = {
    .name = "system",
    .calls = LIST(calls),
    .statements = TABLES(&statements),
    .free = documents_free,
};
