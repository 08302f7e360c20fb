#include "service_findings.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "madang/config.h"
#include "madang/errand.h"
#include "madang/finding.h"
#include "madang/objects.h"
#include "madang/outbound.h"
#include "madang/random.h"

#define ROOM_WARN_PERCENT 10
#define ROOM_FAIL_BYTES (256ull << 20)

/* --- the folder -------------------------------------------------------------------------------------------------------- */
static void look_at_room(const char *folder)
{
    struct statvfs st;
    unsigned long long room;

    if (statvfs(folder, &st) != 0 || st.f_blocks == 0)
        return;
    room = (unsigned long long)st.f_bavail * st.f_frsize;
    if (room < ROOM_FAIL_BYTES || st.f_favail == 0)
        finding(FOUND_FAIL, "files.room", "make room: uploads are refused", "%llu MiB and %llu files are left in %s", room >> 20,
                (unsigned long long)st.f_favail, folder);
    else if (st.f_bavail * 100 / st.f_blocks < ROOM_WARN_PERCENT)
        finding(FOUND_WARN, "files.room", "make room, or move [files] folder", "%llu MiB are left in %s, %llu %%", room >> 20,
                folder, (unsigned long long)(st.f_bavail * 100 / st.f_blocks));
    else
        finding(FOUND_OK, "files.room", NULL, "%llu MiB are left", room >> 20);
}

/* A file is made and taken away; of a folder that is not there yet, where it would be made. */
static void look_at_folder(struct arena *a)
{
    const char *folder = config->files_folder.at;
    const char *path = arena_printf(a, "%s/.doctor-%s", folder, random_token(a, 9).at).at;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno == ENOENT) {
        finding(FOUND_WARN, "files.folder", "see that [files] folder is the one you mean: a node makes it when it starts",
                "%s is not there", folder);
        return;
    }
    if (fd < 0 || write(fd, "x", 1) != 1)
        finding(FOUND_FAIL, "files.folder", "give it to the user that the daemon runs as", "%s: %s", folder, strerror(errno));
    else
        finding(FOUND_OK, "files.folder", NULL, "%s takes files", folder);
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    look_at_room(folder);
}

/* --- the bucket -------------------------------------------------------------------------------------------------------- */
/* What stands between <Code> and its end. */
static struct text code_of(struct text body)
{
    while (body.len && !text_skip(&body, T("<Code>")))
        body = text_from(body, 1);
    return text_cut(body, '<', &body);
}

static const struct remedy_row {
    const char *code, *todo;
} remedies[] = {
    { "RequestTimeTooSkewed", "set this machine's clock (chrony)" },
    { "SignatureDoesNotMatch", "correct [s3] secret, or region" },
    { "InvalidAccessKeyId", "correct [s3] key_id" },
    { "NoSuchBucket", "make the bucket, or correct [s3] bucket" },
    { "AccessDenied", "give the key the rights to get, put and delete objects of the bucket" },
};

static const char *remedy_of(struct text code)
{
    for (size_t i = 0; i < COUNT_OF(remedies); i++)
        if (text_is(code, text_of(remedies[i].code)))
            return remedies[i].todo;
    return "see what the service says of it";
}

/* An object that is not there is asked for: who may not ask is told so, who may hears that it is not. */
static problem ask_bucket(struct call *c, struct text key, struct outbound_answer *answer)
{
    struct object_place at;
    problem p = object_place(c, key, T("text/plain"), &at);
    struct outbound o = { .upstream = "s3", .method = "GET", .url = at.url };

    return p ? p : outbound_run(c, &o, answer);
}

static problem look_at_bucket(struct call *c, void *unused)
{
    struct text key = arena_printf(c->arena, "doctor-%s", random_token(c->arena, 9).at), code;
    const char *path = arena_printf(c->arena, "%s/.%s", config->files_folder.at, key.at).at;
    struct outbound_answer answer;
    problem p = ask_bucket(c, key, &answer);
    int fd;

    (void)unused;
    if (p) {
        finding(FOUND_FAIL, "s3", "correct [s3] endpoint, or see why the service does not answer", "%s", p->en);
        return NULL;
    }
    code = code_of(answer.body);
    if (answer.status != 404 || text_is(code, T("NoSuchBucket"))) {
        finding(FOUND_FAIL, "s3", remedy_of(code), "the bucket answers %d %.*s", answer.status, TEXT_ARG(code));
        return NULL;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        p = write(fd, "x", 1) == 1 ? NULL : PROBLEM(STORAGE_FULL);
        close(fd);
        p = p ? p : object_put(c, key, path, T("text/plain"));
        p = p ? p : object_delete(c, key);
    }
    if (fd < 0 || p)
        finding(FOUND_FAIL, "s3", remedy_of(T("AccessDenied")), "the bucket is there, but an object cannot be put and deleted");
    else
        finding(FOUND_OK, "s3", NULL, "the bucket takes and deletes objects; its clock agrees with ours");
    return NULL;
}

void files_findings(void)
{
    struct arena a;

    arena_init(&a, 65536);
    look_at_folder(&a);
    arena_fini(&a);
    if (text_is(config->files_provider, T("disk")))
        return;
    if (!text_is(config->files_provider, T("s3")))
        finding(FOUND_FAIL, "files", "set [files] provider", "the provider is neither disk nor s3");
    else if (!config->s3_endpoint.len || !config->s3_bucket.len || !config->s3_key_id.len || !config->s3_secret.len)
        finding(FOUND_FAIL, "s3", "set them", "[s3] endpoint, bucket, key_id or secret is empty");
    else if (errand_run("doctor.s3", ERRAND_ALONE, look_at_bucket, NULL))
        finding(FOUND_FAIL, "s3", "try again", "it could not be asked");
}

/* --- services by name -------------------------------------------------------------------------------------------------- */
/* "https://user@host:port/path" has its host in the middle. */
static const char *host_of(struct arena *a, struct text url)
{
    struct text rest, host;
    ptrdiff_t at = text_find(url, ':');

    if (at >= 0 && text_starts(text_from(url, (size_t)at), T("://")))
        url = text_from(url, (size_t)at + 3);
    host = text_cut(url, '/', &rest);
    text_cut_last(host, '@', &rest);
    if (rest.len)
        host = rest;
    return arena_cstr(a, text_skip(&host, T("[")) ? text_cut(host, ']', &rest) : text_cut(host, ':', &rest));
}

static void look_up(const char *about, const char *setting, struct text url)
{
    struct addrinfo *found = NULL;
    struct arena a;
    const char *host;
    int error;

    arena_init(&a, 4096);
    host = host_of(&a, url);
    error = getaddrinfo(host, NULL, &(struct addrinfo){ .ai_socktype = SOCK_STREAM }, &found);
    if (error)
        finding(FOUND_FAIL, about, setting, "the name %s has no address: %s", host, gai_strerror(error));
    else
        finding(FOUND_OK, about, NULL, "%s has an address", host);
    if (found)
        freeaddrinfo(found);
    arena_fini(&a);
}

static void look_at_login(const char *about, const char *name, struct text id, struct text secret, struct text url)
{
    if (id.len == 0)
        finding(FOUND_OK, about, NULL, "login by %s is off", name);
    else if (secret.len == 0)
        finding(FOUND_WARN, about, "set client_secret beside client_id", "login by %s is on, without a secret", name);
    else
        look_up(about, "correct the name server, or the address in the settings", url);
}

void service_findings(void)
{
    if (text_is(config->mail_provider, T("smtp")))
        look_up("mail", "correct [mail] smtp_url, or the name server", config->mail_smtp_url);
    else
        finding(FOUND_WARN, "mail", "set [mail] provider = smtp and smtp_url: nobody gets a code",
                "letters go to the folder %.*s", TEXT_ARG(config->mail_outbox));
    look_at_login("kakao", "Kakao", config->kakao_client_id, config->kakao_client_secret, config->kakao_token_url);
    look_at_login("google", "Google", config->google_client_id, config->google_client_secret, config->google_token_url);
    if (config->llm_provider.len)
        look_up("llm", "correct [llm] url, or the name server", config->llm_url);
    else
        finding(FOUND_OK, "llm", NULL, "there is no language model: the reader speaks by itself");
}
