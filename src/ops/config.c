#include "madang/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>

#include "madang/address.h"
#include "madang/list.h"

enum setting_type { TEXT, I64, BOOL };
enum setting_flags { RELOAD = 1, SECRET = 2 };

struct setting {
    const char *section, *key;
    enum setting_type type;
    const char *otherwise;
    int64_t min, max;
    int flags;
    size_t offset;
    const char *says;
};

static const struct setting settings[] = {
#define X_SETTING(section, key, type, otherwise, min, max, flags, says) \
    { #section, #key, type, otherwise, min, max, flags, offsetof(struct config, section##_##key), says },
#include "madang/rows.h"
};

static struct config in_force;
const struct config *const config = &in_force;
static const char *file_path;

/* Texts are kept until config_free(), also those that a reload replaced: somebody may still hold them. */
static struct kept {
    struct kept *next;
    char text[];
} * kept;

static struct text keep(struct text t)
{
    struct kept *k = must_alloc(sizeof *k + t.len + 1);

    memcpy(k->text, t.at, t.len);
    k->text[t.len] = '\0';
    k->next = kept;
    kept = k;
    return (struct text){ k->text, t.len };
}

struct reading {
    FILE *file;
    const char *path;
    int line;
    char raw[2048];
    struct buf *mistakes;
    struct config *to;
    size_t found;
};

static void PRINTF_LIKE(2, 3) mistake(struct reading *r, const char *format, ...)
{
    va_list args;

    if (r->line)
        buf_printf(r->mistakes, "%s:%d: ", r->path, r->line);
    va_start(args, format);
    buf_vprintf(r->mistakes, format, args);
    va_end(args);
    buf_put_char(r->mistakes, '\n');
    r->found++;
}

static const struct setting *setting_find(const char *section, const char *key)
{
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].key, key) == 0)
            return &settings[i];
    return NULL;
}

static const char *set_i64(const struct setting *s, void *at, struct text value)
{
    int64_t number;

    if (!text_to_i64(value, &number))
        return "must be a whole number";
    if (number < s->min || number > s->max)
        return "is out of its bounds";
    *(int64_t *)at = number;
    return NULL;
}

static const char *set_bool(void *at, struct text value)
{
    bool yes = text_is(value, T("true")) || text_is(value, T("on")) || text_is(value, T("yes"));

    if (!yes && !text_is(value, T("false")) && !text_is(value, T("off")) && !text_is(value, T("no")))
        return "must be true or false";
    *(bool *)at = yes;
    return NULL;
}

static const char *set_text(const struct setting *s, void *at, struct text value)
{
    if ((int64_t)value.len < s->min || (int64_t)value.len > s->max)
        return "has a length out of its bounds";
    if (!utf8_is_valid(value))
        return "is not UTF-8";
    *(struct text *)at = keep(value);
    return NULL;
}

static void set(struct reading *r, const struct setting *s, struct text value, const char *source)
{
    void *at = (char *)r->to + s->offset;
    const char *wrong = s->type == TEXT ? set_text(s, at, value) : s->type == I64 ? set_i64(s, at, value) : set_bool(at, value);

    if (!wrong)
        return;
    if (s->type == I64)
        mistake(r, "%s[%s] %s %s (%lld to %lld)", source, s->section, s->key, wrong, (long long)s->min, (long long)s->max);
    else
        mistake(r, "%s[%s] %s %s", source, s->section, s->key, wrong);
}

/* inih's idea of a line: counts it, and refuses what inih would cut or join silently. */
static char *read_line(char *to, int room, void *stream)
{
    struct reading *r = stream;
    size_t length;

    if (!fgets(r->raw, sizeof r->raw, r->file))
        return NULL;
    r->line++;
    length = strlen(r->raw);
    if (length + 2 > (size_t)room || (length == sizeof r->raw - 1 && r->raw[length - 1] != '\n')) {
        mistake(r, "the line is longer than %d bytes", room - 2);
        while (length && r->raw[length - 1] != '\n' && fgets(r->raw, sizeof r->raw, r->file))
            length = strlen(r->raw);
        r->raw[0] = '\n';
        r->raw[1] = '\0';
    } else if ((r->raw[0] == ' ' || r->raw[0] == '\t') && r->raw[strspn(r->raw, " \t\r\n")] != '\0') {
        mistake(r, "a line may not begin with a blank");
        r->raw[0] = '\n';
        r->raw[1] = '\0';
    }
    memcpy(to, r->raw, strlen(r->raw) + 1);
    return to;
}

/* The value as it stands in the line: inih would cut it at " ;". */
static struct text value_in_line(const struct reading *r)
{
    struct text line = text_of(r->raw);
    size_t end = strcspn(r->raw, "=:");

    line = end < line.len ? text_from(line, end + 1) : T("");
    while (line.len && isspace((unsigned char)line.at[line.len - 1]))
        line.len--;
    return text_trim(line);
}

static int on_setting(void *user, const char *section, const char *key, const char *value)
{
    struct reading *r = user;
    const struct setting *s = setting_find(section, key);

    (void)value;
    if (s)
        set(r, s, value_in_line(r), "");
    else
        mistake(r, "unknown setting [%s] %s", section, key);
    return 1;
}

static void read_file(struct reading *r)
{
    int first_bad;

    r->file = fopen(r->path, "re");
    if (!r->file) {
        mistake(r, "%s: %s", r->path, strerror(errno));
        return;
    }
    r->line = 0;
    first_bad = ini_parse_stream(read_line, r, on_setting, r);
    if (first_bad > 0) {
        r->line = first_bad;
        mistake(r, "neither a [section], a key = value, nor a comment");
    }
    fclose(r->file);
    r->line = 0;
}

static void read_credential(struct reading *r, const struct setting *s, const char *folder)
{
    char path[600], value[1200];
    int length = snprintf(path, sizeof path, "%s/%s.%s", folder, s->section, s->key);
    size_t got;
    FILE *f;

    if (length < 0 || (size_t)length >= sizeof path || (f = fopen(path, "re")) == NULL)
        return;
    got = fread(value, 1, sizeof value, f);
    fclose(f);
    while (got && isspace((unsigned char)value[got - 1]))
        got--;
    set(r, s, (struct text){ value, got }, "credential ");
}

static void read_environment(struct reading *r, const struct setting *s)
{
    char name[100];
    int length = snprintf(name, sizeof name, "MADANG_%s_%s", s->section, s->key);
    const char *value;

    CHECK(length > 0 && (size_t)length < sizeof name);
    for (char *c = name; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    value = getenv(name);
    if (value)
        set(r, s, text_of(value), "environment ");
}

/* "127.0.0.1:80, [::1]:80, unix:/path": what nobody from outside reaches. */
static bool is_private(struct text addresses)
{
    while (addresses.len) {
        struct text one = text_trim(text_cut(addresses, ',', &addresses));

        if (!text_starts(one, T("127.")) && !text_starts(one, T("[::1]:")) && !text_starts(one, T("localhost:")) &&
            !text_starts(one, T("unix:")))
            return false;
    }
    return true;
}

/* An entry that is misspelt would trust nobody, and all visitors would count as one. */
static void check_proxies(struct reading *r, struct text list)
{
    struct network n;

    while (list.len) {
        struct text one = text_trim(text_cut(list, ',', &list));

        if (!text_is(one, T("unix")) && !network_parse(one, &n))
            mistake(r, "[http] trusted_proxies: \"%.*s\" is neither an address, a network nor unix", TEXT_ARG(one));
    }
}

static bool load(struct config *to, const char *path, struct buf *mistakes)
{
    struct reading r = { .path = path, .mistakes = mistakes, .to = to };
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");

    for (size_t i = 0; i < COUNT_OF(settings); i++)
        set(&r, &settings[i], text_of(settings[i].otherwise), "default ");
    if (path)
        read_file(&r);
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        if (credentials)
            read_credential(&r, &settings[i], credentials);
        read_environment(&r, &settings[i]);
    }
    if (to->debug_echo && !is_private(to->http_listen))
        mistake(&r, "[debug] echo is only for listeners on the loopback: [http] listen is %.*s", TEXT_ARG(to->http_listen));
    check_proxies(&r, to->http_trusted_proxies);
    return r.found == 0;
}

bool config_load(const char *path, struct buf *mistakes)
{
    struct config fresh = { 0 };

    if (!load(&fresh, path, mistakes))
        return false;
    in_force = fresh;
    file_path = path;
    return true;
}

static bool same(const struct setting *s, const void *a, const void *b)
{
    if (s->type == TEXT)
        return text_is(*(const struct text *)a, *(const struct text *)b);
    return s->type == I64 ? *(const int64_t *)a == *(const int64_t *)b : *(const bool *)a == *(const bool *)b;
}

static size_t setting_size(const struct setting *s)
{
    return s->type == TEXT ? sizeof(struct text) : s->type == I64 ? sizeof(int64_t) : sizeof(bool);
}

bool config_reload(struct buf *mistakes, struct buf *notes)
{
    struct config fresh = { 0 };

    if (!load(&fresh, file_path, mistakes))
        return false;
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        const struct setting *s = &settings[i];
        void *now = (char *)&in_force + s->offset;
        const void *then = (const char *)&fresh + s->offset;

        if (same(s, now, then))
            continue;
        if (s->flags & RELOAD)
            memcpy(now, then, setting_size(s));
        else
            buf_printf(notes, "[%s] %s changes at the next start only\n", s->section, s->key);
    }
    return true;
}

void config_free(void)
{
    struct kept *k;

    while ((k = kept) != NULL) {
        kept = k->next;
        free(k);
    }
    in_force = (struct config){ 0 };
}

static void print_bounds(const struct setting *s, struct buf *out)
{
    if (s->type == I64)
        buf_printf(out, "%lld to %lld", (long long)s->min, (long long)s->max);
    else
        buf_put(out, s->type == BOOL ? T("true or false") : T("text"));
}

static const struct setting *first_of(const char *section)
{
    const struct setting *s = settings;

    while (strcmp(s->section, section) != 0)
        s++;
    return s;
}

/* Each section together, although the platform and a feature may both have rows of it. NULL: the first, and behind the last. */
static const struct setting *next_printed(const struct setting *before)
{
    const struct setting *end = settings + COUNT_OF(settings), *s;

    for (s = before ? before + 1 : end; s < end; s++)
        if (strcmp(s->section, before->section) == 0)
            return s;
    for (s = before ? first_of(before->section) + 1 : settings; s < end; s++)
        if (first_of(s->section) == s)
            return s;
    return NULL;
}

void config_print_example(struct buf *out)
{
    const char *section = "";

    buf_put(out, T("; Settings of madangd with their defaults. Made by `madangd config example`: edit a copy.\n"
                   "; Environment MADANG_SECTION_KEY and systemd credentials section.key go before this file.\n"));
    for (const struct setting *s = next_printed(NULL); s; s = next_printed(s)) {
        if (strcmp(section, s->section) != 0)
            buf_printf(out, "\n[%s]\n", section = s->section);
        buf_printf(out, "; %s (", s->says);
        print_bounds(s, out);
        buf_printf(out, "%s)\n;%s = %s\n", s->flags & RELOAD ? "; reloadable" : "", s->key, s->otherwise);
    }
}

void config_print_reference(struct buf *out)
{
    buf_put(out, T("# Settings\n\nMade by `madangd config reference` from the table that the daemon reads.\n\n"
                   "| setting | default | bounds | reload | what it does |\n|---|---|---|---|---|\n"));
    for (const struct setting *s = next_printed(NULL); s; s = next_printed(s)) {
        buf_printf(out, "| `[%s] %s` | `%s` | ", s->section, s->key, s->otherwise);
        print_bounds(s, out);
        buf_printf(out, " | %s | %s |\n", s->flags & RELOAD ? "yes" : "", s->says);
    }
}

static void print_value(const struct setting *s, struct buf *out)
{
    const void *at = (const char *)&in_force + s->offset;

    if (s->flags & SECRET)
        buf_put(out, T("\"***\""));
    else if (s->type == TEXT)
        buf_put_json_string(out, *(const struct text *)at);
    else if (s->type == I64)
        buf_put_i64(out, *(const int64_t *)at);
    else
        buf_put(out, *(const bool *)at ? T("true") : T("false"));
}

void config_print_json(struct buf *out)
{
    for (const struct setting *s = next_printed(NULL); s; s = next_printed(s)) {
        buf_printf(out, "%s\n  \"%s.%s\": ", s == settings ? "{" : ",", s->section, s->key);
        print_value(s, out);
    }
    buf_put(out, T("\n}\n"));
}
