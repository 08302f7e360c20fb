#include "documents.h"

#include <ctype.h>

#include "door.h"
#include "madang/config.h"

/* Schemas already written, by name: a shape may be used by many. */
struct seen {
    const struct shape **at;
    size_t count, room;
    struct buf *out;
    const char *before;
};

static bool see(struct seen *s, const struct shape *shape)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->at[i]->name, shape->name) == 0) {
            CHECK(s->at[i] == shape); /* two shapes of one name would hide each other */
            return false;
        }
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 256;
        s->at = must_realloc(s->at, s->room * sizeof(void *));
    }
    s->at[s->count++] = shape;
    return true;
}

static void put_schema(const struct shape *shape, void *arg)
{
    struct seen *s = arg;

    if (!see(s, shape))
        return;
    buf_printf(s->out, "%s\n      \"%s\": ", s->before, shape->name);
    shape_schema(shape, s->out);
    s->before = ",";
}

static void each_shape(void (*visit)(const struct shape *shape, void *arg), void *arg)
{
    shape_visit(&problem_shape, visit, arg);
    for (size_t i = 0; i < calls_count(); i++) {
        if (call_at(i)->in)
            shape_visit(call_at(i)->in, visit, arg);
        if (call_at(i)->out)
            shape_visit(call_at(i)->out, visit, arg);
    }
    for (size_t f = 0; f < feature_count; f++)
        for (size_t i = 0; i < features[f]->events.count; i++)
            shape_visit(features[f]->events.at[i]->data, visit, arg);
}

static void put_schemas(struct buf *out)
{
    struct seen s = { .out = out, .before = "" };

    buf_put(out, T("\"schemas\": {"));
    each_shape(put_schema, &s);
    buf_put_char(out, '}');
    free(s.at);
}

static void look_at(const struct shape *shape, void *arg)
{
    (void)see(arg, shape);
}

void documents_check(void)
{
    struct seen s = { .out = NULL };

    each_shape(look_at, &s);
    free(s.at);
}

static bool in_path(const struct call_def *d, const char *field)
{
    char name[64];
    int length = snprintf(name, sizeof name, "{%s}", field);

    return length > 0 && (size_t)length < sizeof name && strstr(d->rest.path, name) != NULL;
}

static bool has_body(const struct call_def *d)
{
    return d->rest.method == METHOD_POST || d->rest.method == METHOD_PUT || d->rest.method == METHOD_PATCH;
}

/* The schema of one field, cut out of its shape's. */
static void put_field_schema(const struct field *f, struct buf *out)
{
    const struct field one[] = { *f };
    const struct shape shape = { .name = "", .size = 0, .fields = one, .count = 1 };
    struct buf whole;
    struct text t, before = T("\"properties\":{");
    const char *found;
    size_t from;

    buf_init(&whole, 65536);
    shape_schema(&shape, &whole);
    t = buf_text(&whole);
    found = memmem(t.at, t.len, before.at, before.len);
    CHECK(found != NULL);
    from = (size_t)(found - t.at) + before.len + strlen(f->name) + 3;
    buf_put(out, text_from(text_until(t, t.len - 2), from));
    buf_fini(&whole);
}

static void put_parameter(const struct call_def *d, const struct field *f, const char **before, struct buf *out)
{
    bool path = in_path(d, f->name);

    if (!path && has_body(d))
        return;
    buf_printf(out, "%s{\"name\":\"%s\",\"in\":\"%s\",\"required\":%s,\"style\":\"%s\",\"explode\":false,\"schema\":", *before,
               f->name, path ? "path" : "query", path || !(f->optional || field_may_be_null(f)) ? "true" : "false",
               path ? "simple" : "form");
    put_field_schema(f, out);
    buf_put_char(out, '}');
    *before = ",";
}

/* Raw calls describe their path parameters by name alone. */
static void put_raw_parameters(const struct call_def *d, struct buf *out)
{
    struct text rest = text_of(d->rest.path);
    const char *before = "";

    while (rest.len) {
        struct text segment = text_cut(rest, '/', &rest);

        if (segment.len < 3 || segment.at[0] != '{')
            continue;
        buf_printf(out, "%s{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}", before,
                   (int)segment.len - 2, segment.at + 1);
        before = ",";
    }
}

static void put_parameters(const struct call_def *d, struct buf *out)
{
    const char *before = "";

    buf_put(out, T("\"parameters\":["));
    if (!d->in)
        put_raw_parameters(d, out);
    for (size_t i = 0; d->in && i < d->in->count; i++)
        put_parameter(d, &d->in->fields[i], &before, out);
    buf_put_char(out, ']');
}

/* The input without what stands in the path. */
static void put_body(const struct call_def *d, struct buf *out)
{
    struct field fields[16];
    struct shape body = { .name = d->in->name, .fields = fields, .choice = d->in->choice };
    bool required = false; /* no body at all is taken for {} */

    for (size_t i = 0; i < d->in->count; i++)
        if (!in_path(d, d->in->fields[i].name) && body.count < COUNT_OF(fields))
            fields[body.count++] = d->in->fields[i];
    if (body.count == 0)
        return;
    for (size_t i = 0; i < body.count; i++)
        required = required || !(fields[i].optional || field_may_be_null(&fields[i]));
    buf_printf(out,
               ",\"requestBody\":{\"required\":%s,\"content\":{\"application/json\":{\"schema\":", required ? "true" : "false");
    shape_schema(&body, out);
    buf_put(out, T("}}}"));
}

static bool may_answer(const struct call_def *d, int status)
{
    static const int always[] = { 400, 405, 408, 413, 414, 415, 417, 431, 500, 501, 503, 504, 505 };

    for (size_t i = 0; i < COUNT_OF(always); i++)
        if (always[i] == status)
            return true;
    if ((status == 401 || status == 403) && (d->who != ANYONE || d->cookie))
        return true;
    if ((status == 422 && (d->in || d->raw || d->once == BY_KEY)) || status == 409 || (status == 429 && d->limits[0].by))
        return true;
    for (size_t i = 0; i < CALL_PROBLEMS_MAX && d->problems[i]; i++)
        if (d->problems[i]->status == status)
            return true;
    return false;
}

static void put_codes(const struct call_def *d, int status, struct buf *out)
{
    const char *before = ": ";

    buf_printf(out, "\"description\":\"Problem");
    for (size_t i = 0; i < CALL_PROBLEMS_MAX && d->problems[i]; i++)
        if (d->problems[i]->status == status) {
            buf_printf(out, "%s%s", before, d->problems[i]->code);
            before = ", ";
        }
    buf_put_char(out, '"');
}

static void put_success(const struct call_def *d, struct buf *out)
{
    int status = d->status ? d->status : d->out || (d->raw && d->raw_type && d->raw_type[0]) ? 200 : 204;

    buf_printf(out, "\"%d\":{\"description\":\"Done.\"", status);
    if (d->out)
        buf_printf(out, ",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}", d->out->name);
    else if (d->raw && d->raw_type && d->raw_type[0])
        buf_printf(out, ",\"content\":{\"%s\":{}}", d->raw_type);
    if (d->cache)
        buf_printf(out, ",\"headers\":{\"Cache-Control\":{\"schema\":{\"type\":\"string\",\"const\":\"%s\"}}}", d->cache);
    buf_put_char(out, '}');
    if (d->raw && status == 200) /* of a raw exchange that honours ranges and conditions */
        buf_put(out, T(",\"206\":{\"description\":\"A part.\"},\"302\":{\"description\":\"Elsewhere.\"},"
                       "\"304\":{\"description\":\"Not modified.\"}"));
}

static void put_responses(const struct call_def *d, struct buf *out)
{
    buf_put(out, T("\"responses\":{"));
    put_success(d, out);
    for (int status = 400; status < 600; status++) {
        if (!may_answer(d, status))
            continue;
        buf_printf(out, ",\"%d\":{", status);
        put_codes(d, status, out);
        buf_put(out, T(",\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}"));
    }
    buf_put_char(out, '}');
}

static void put_operation(const struct call_def *d, struct buf *out)
{
    static const char *const lower[] = { "get", "head", "post", "put", "patch", "delete", "options" };
    const char *dot = strchr(d->name, '.');

    buf_printf(out, "\"%s\":{\"operationId\":\"%s\",\"tags\":[\"%.*s\"],\"summary\":", lower[d->rest.method], d->name,
               (int)(dot - d->name), d->name);
    buf_put_json_string(out, text_of(d->says));
    buf_printf(out, ",\"x-who\":\"%s\"", role_names[d->who]); /* at least this: both are in the same order */
    buf_put(out, d->who == ANYONE ? T(",\"security\":[],") : T(",\"security\":[{\"bearer\":[]}],"));
    put_parameters(d, out);
    if (d->in && has_body(d))
        put_body(d, out);
    if (d->raw_takes)
        buf_printf(out, ",\"requestBody\":{\"required\":true,\"content\":{\"%s\":{}}}", d->raw_takes);
    buf_put_char(out, ',');
    put_responses(d, out);
    buf_put_char(out, '}');
}

/* All methods of one path together, at its first appearance. */
static void put_paths(struct buf *out)
{
    const char *before = "";

    for (size_t i = 0; i < calls_count(); i++) {
        const char *path = call_at(i)->rest.path, *inner = "";
        bool first = path != NULL;

        for (size_t k = 0; first && k < i; k++)
            first = !call_at(k)->rest.path || strcmp(call_at(k)->rest.path, path) != 0;
        if (!first)
            continue;
        buf_printf(out, "%s\n    \"%s\": {", before, path);
        before = ",";
        for (size_t k = i; k < calls_count(); k++)
            if (call_at(k)->rest.path && strcmp(call_at(k)->rest.path, path) == 0) {
                buf_put(out, text_of(inner));
                put_operation(call_at(k), out);
                inner = ",";
            }
        buf_put_char(out, '}');
    }
}

void openapi_print(struct buf *out)
{
    buf_put(
        out,
        T("{\n  \"openapi\": \"3.1.0\",\n  \"info\": {\"title\": \"madang\", \"version\": \"" MADANG_VERSION
          "\", \"description\": \"Accounts, friends, presence and messages.\","
          " \"license\": {\"name\": \"MIT\", \"identifier\": \"MIT\"}},\n  \"servers\": [{\"url\": \"/\"}],\n  \"paths\": {"));
    put_paths(out);
    buf_put(out, T("\n  },\n  \"components\": {\"securitySchemes\": {\"bearer\": {\"type\": \"http\", \"scheme\": \"bearer\","
                   " \"bearerFormat\": \"JWT\"}},\n    "));
    put_schemas(out);
    buf_put(out, T("}\n}\n"));
}

/* --- AsyncAPI: one channel; what is called the daemon receives and replies to, what happens it sends -------------------- */
static void each_socket_call(void (*put)(const struct call_def *d, const char *before, struct buf *out), struct buf *out)
{
    const char *before = "";

    for (size_t i = 0; i < calls_count(); i++) {
        if (call_at(i)->doors == REST_ONLY)
            continue;
        put(call_at(i), before, out);
        before = ",";
    }
}

static void each_event(void (*put)(const struct event_def *e, struct buf *out), struct buf *out)
{
    for (size_t f = 0; f < feature_count; f++)
        for (size_t i = 0; i < features[f]->events.count; i++)
            put(features[f]->events.at[i], out);
}

static void put_call_message(const struct call_def *d, const char *before, struct buf *out)
{
    buf_printf(out, "%s\n      \"%s\": {\"summary\":", before, d->name);
    buf_put_json_string(out, text_of(d->says));
    buf_printf(out,
               ",\"payload\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"op\"],"
               "\"properties\":{\"op\":{\"const\":\"%s\"},\"id\":{\"type\":\"integer\",\"minimum\":0},"
               "\"key\":{\"type\":\"string\"},\"in\":",
               d->name);
    if (d->in)
        buf_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}}}", d->in->name);
    else
        buf_put(out, T("{\"type\":\"object\"}}}"));
    if (d->out)
        buf_printf(out, ",\"x-out\":{\"$ref\":\"#/components/schemas/%s\"}", d->out->name);
    buf_printf(out,
               "},\n      \"%s.reply\": {\"payload\":{\"type\":\"object\",\"additionalProperties\":false,"
               "\"required\":[\"id\",\"out\"],\"properties\":{\"id\":{\"type\":\"integer\",\"minimum\":0},\"out\":",
               d->name);
    if (d->out)
        buf_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}}}}", d->out->name);
    else
        buf_put(out, T("{\"type\":\"object\",\"additionalProperties\":false}}}}"));
}

static void put_event_message(const struct event_def *e, struct buf *out)
{
    buf_printf(out, ",\n      \"event.%s\": {\"summary\":", e->name);
    buf_put_json_string(out, text_of(e->says));
    buf_printf(out,
               ",\"x-topic\":\"%s\",\"payload\":{\"type\":\"object\",\"additionalProperties\":false,"
               "\"required\":[\"ev\",\"on\"%s,\"data\"],\"properties\":{\"ev\":{\"const\":\"%s\"},"
               "\"on\":{\"type\":\"string\"},%s\"data\":{\"$ref\":\"#/components/schemas/%s\"}}}}",
               e->on, e->numbered ? ",\"seq\"" : "", e->name, e->numbered ? "\"seq\":{\"type\":\"integer\",\"minimum\":1}," : "",
               e->data->name);
}

static void put_call_reference(const struct call_def *d, const char *before, struct buf *out)
{
    buf_printf(
        out,
        "%s\n    \"%s\": {\"$ref\":\"#/components/messages/%s\"},\"%s.reply\": {\"$ref\":\"#/components/messages/%s.reply\"}",
        before, d->name, d->name, d->name, d->name);
}

static void put_event_reference(const struct event_def *e, struct buf *out)
{
    buf_printf(out, ",\n    \"event.%s\": {\"$ref\":\"#/components/messages/event.%s\"}", e->name, e->name);
}

#define CHANNEL "\"channel\":{\"$ref\":\"#/channels/ws\"}"

static void put_call_operation(const struct call_def *d, const char *before, struct buf *out)
{
    buf_printf(out, "%s\n    \"%s\": {\"action\":\"receive\"," CHANNEL ",\"summary\":", before, d->name);
    buf_put_json_string(out, text_of(d->says));
    buf_printf(out,
               ",\"x-who\":\"%s\",\"messages\":[{\"$ref\":\"#/channels/ws/messages/%s\"}],\"reply\":{" CHANNEL
               ",\"messages\":[{\"$ref\":\"#/channels/ws/messages/%s.reply\"},{\"$ref\":\"#/channels/ws/messages/problem\"}]}}",
               role_names[d->who], d->name, d->name);
}

static void put_event_operation(const struct event_def *e, struct buf *out)
{
    buf_printf(out,
               ",\n    \"event.%s\": {\"action\":\"send\"," CHANNEL
               ",\"messages\":[{\"$ref\":\"#/channels/ws/messages/event.%s\"}]}",
               e->name, e->name);
}

/* Where [http] public_url is, seen from a WebSocket. */
static void put_server(struct buf *out)
{
    struct text path, host = config->http_public_url;
    bool tls = text_skip(&host, T("https://"));

    if (!tls && !text_skip(&host, T("http://")))
        host = T("localhost");
    host = text_cut(host, '/', &path);
    buf_printf(out, "\"servers\": {\"public\": {\"protocol\":\"%s\",\"host\":", tls ? "wss" : "ws");
    buf_put_json_string(out, host);
    buf_put(out, T("}}"));
}

void asyncapi_print(struct buf *out)
{
    buf_put(out, T("{\n  \"asyncapi\": \"3.0.0\",\n  \"info\": {\"title\": \"madang\", \"version\": \"" MADANG_VERSION
                   "\"},\n  \"defaultContentType\": \"application/json\",\n  "));
    put_server(out);
    buf_put(out, T(",\n  \"channels\": {\"ws\": {\"address\": \"/ws\",\"servers\":[{\"$ref\":\"#/servers/public\"}],"
                   "\"bindings\":{\"ws\":{\"method\":\"GET\"}},\"messages\": {"));
    each_socket_call(put_call_reference, out);
    each_event(put_event_reference, out);
    buf_put(out, T(",\n    \"problem\": {\"$ref\":\"#/components/messages/problem\"},"
                   "\"resync\": {\"$ref\":\"#/components/messages/resync\"}}}},\n  \"operations\": {"));
    each_socket_call(put_call_operation, out);
    each_event(put_event_operation, out);
    buf_put(out,
            T(",\n    \"resync\": {\"action\":\"send\"," CHANNEL ",\"messages\":[{\"$ref\":\"#/channels/ws/messages/resync\"}]}"
              "},\n  \"components\": {\"messages\": {"));
    each_socket_call(put_call_message, out);
    each_event(put_event_message, out);
    buf_put(out,
            T(",\n      \"problem\": {\"summary\":\"A call was refused; of one without an id, the id is 0.\",\"payload\":"
              "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\",\"problem\"],\"properties\":"
              "{\"id\":{\"type\":\"integer\",\"minimum\":0},\"problem\":{\"$ref\":\"#/components/schemas/Problem\"}}}},"
              "\n      \"resync\": {\"summary\":\"Something of this topic, or of all (*), may have been missed.\",\"payload\":"
              "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"ev\",\"on\"],\"properties\":"
              "{\"ev\":{\"const\":\"resync\"},\"on\":{\"type\":\"string\"}}}}},\n    "));
    put_schemas(out);
    buf_put(out, T("}\n}\n"));
}

static const char *ts_scalar(const struct field *f, enum field_kind kind)
{
    switch ((int)kind) {
    case KIND_BOOL:
    case KIND_OPT_BOOL:
        return "boolean";
    case KIND_I64:
    case KIND_F64:
    case KIND_OPT_I64:
    case KIND_OPT_F64:
        return "number";
    case KIND_JSON:
        return "unknown";
    case KIND_COUNTS:
        return "Record<string, number>";
    case KIND_STRUCT:
    case KIND_MAYBE:
        return f->shape->name;
    default:
        return "string";
    }
}

static void ts_words(const struct words *w, struct buf *out)
{
    const char *before = "";

    for (size_t i = 0; i < w->count; i++) {
        if (!w->names[i])
            continue;
        buf_printf(out, "%s\"%s\"", before, w->names[i]);
        before = " | ";
    }
}

static void ts_says(const struct field *f, struct buf *out)
{
    if (f->says)
        buf_printf(out, "  /** %s */\n", f->says);
}

static void ts_member(const struct field *f, struct buf *out)
{
    bool list = f->kind == KIND_LIST, null = field_may_be_null(f) && (f->kind != KIND_MAYBE || f->when <= 0);

    ts_says(f, out);
    buf_printf(out, "  %s%s: ", f->name, null || f->optional ? "?" : "");
    if (f->words && !list)
        ts_words(f->words, out);
    else
        buf_put(out, text_of(ts_scalar(f, list ? f->item : f->kind)));
    buf_printf(out, "%s%s;\n", list ? "[]" : "", null ? " | null" : "");
}

/* The members of one word of a tagged union. */
static void ts_case(const struct shape *shape, const struct field *tag, size_t word, struct buf *out)
{
    buf_put(out, T(" | {\n"));
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];

        if (f == tag)
            buf_printf(out, "  %s: \"%s\";\n", f->name, tag->words->names[word]);
        else if (!f->when || f->when == IS((int)word))
            ts_member(f, out);
    }
    buf_put_char(out, '}');
}

/* One of the alternatives; the others are not there. */
static void ts_alternative(const struct shape *shape, const struct field *one, struct buf *out)
{
    buf_put(out, T(" | {\n"));
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];

        if (!f->when) {
            ts_member(f, out);
            continue;
        }
        ts_says(f, out);
        buf_printf(out, "  %s%s: %s;\n", f->name, f == one ? "" : "?", f == one ? f->shape->name : "null");
    }
    buf_put_char(out, '}');
}

static void ts_choice(const struct shape *shape, struct buf *out)
{
    const struct field *tag = NULL;

    for (size_t i = 0; i < shape->count && !tag; i++)
        tag = shape->fields[i].tag ? &shape->fields[i] : NULL;
    buf_printf(out, "export type %s =", shape->name);
    for (size_t i = 0; tag && i < tag->words->count; i++)
        if (tag->words->names[i])
            ts_case(shape, tag, i, out);
    for (size_t i = 0; !tag && i < shape->count; i++)
        if (shape->fields[i].when)
            ts_alternative(shape, &shape->fields[i], out);
    buf_put(out, T(";\n"));
}

static void put_ts(const struct shape *shape, void *arg)
{
    struct seen *s = arg;

    if (!see(s, shape))
        return;
    if (shape->choice) {
        ts_choice(shape, s->out);
        return;
    }
    buf_printf(s->out, "export interface %s {\n", shape->name);
    for (size_t i = 0; i < shape->count; i++)
        ts_member(&shape->fields[i], s->out);
    buf_put(s->out, T("}\n"));
}

void typescript_print(struct buf *out)
{
    struct seen s = { .out = out };

    buf_put(out, T("// Made from the table of calls: madangd types.\n"));
    each_shape(put_ts, &s);
    free(s.at);
    buf_put(out, T("export interface Calls {\n"));
    for (size_t i = 0; i < calls_count(); i++) {
        const struct call_def *d = call_at(i);

        if (!d->raw)
            buf_printf(out, "  /** %s */\n  \"%s\": { in: %s; out: %s };\n", d->says, d->name,
                       d->in ? d->in->name : "Record<string, never>", d->out ? d->out->name : "Record<string, never>");
    }
    buf_put(out, T("}\nexport interface Events {\n"));
    for (size_t f = 0; f < feature_count; f++)
        for (size_t i = 0; i < features[f]->events.count; i++)
            buf_printf(out, "  /** %s */\n  \"%s\": %s;\n", features[f]->events.at[i]->says, features[f]->events.at[i]->name,
                       features[f]->events.at[i]->data->name);
    buf_put(out, T("}\n"));
}

/* What web/madang.js needs to know of each call: [method, path, whether it is REST alone, whether a key makes it happen once]. */
void client_print(struct buf *out)
{
    buf_put(out, T("// Made from the table of calls: madangd client.\nexport default {\n"));
    for (size_t i = 0; i < calls_count(); i++) {
        const struct call_def *d = call_at(i);

        if (d->rest.path && !d->raw)
            buf_printf(out, "  '%s': ['%s', '%s', %s, %s],\n", d->name, method_names[d->rest.method], d->rest.path,
                       d->doors == REST_ONLY ? "true" : "false", d->once == BY_KEY ? "true" : "false");
        else if (!d->raw)
            buf_printf(out, "  '%s': [null, null, false, %s],\n", d->name, d->once == BY_KEY ? "true" : "false");
    }
    buf_put(out, T("};\n"));
}
