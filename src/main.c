/* The command line. */
#include <unistd.h>

#include "app.h"
#include "madang/calls.h"
#include "madang/config.h"
#include "madang/tarot.h"
#include "manual.h"
#include "web/documents.h"

static int print_with(void (*print)(struct buf *out))
{
    struct buf out;
    bool ok;

    buf_init(&out, 16u << 20);
    print(&out);
    ok = fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    buf_fini(&out);
    return ok ? 0 : 1;
}

static void calls_print(struct buf *out)
{
    for (size_t i = 0; i < calls_count(); i++) {
        const struct call_def *d = call_at(i);

        buf_printf(out, "%-28s %-7s %-45s %s\n", d->name, d->rest.path ? method_names[d->rest.method] : "WS",
                   d->rest.path ? d->rest.path : "", d->says);
    }
}

static int command_run(const char *argument)
{
    (void)argument;
    return app_run();
}

static int command_check(const char *argument)
{
    (void)argument;
    return app_check();
}

static int command_migrate(const char *argument)
{
    (void)argument;
    return app_migrate();
}

static int command_calls(const char *argument)
{
    (void)argument;
    return print_with(calls_print);
}

static int command_openapi(const char *argument)
{
    (void)argument;
    return print_with(openapi_print);
}

static int command_asyncapi(const char *argument)
{
    (void)argument;
    return print_with(asyncapi_print);
}

static int command_types(const char *argument)
{
    (void)argument;
    return print_with(typescript_print);
}

static int command_client(const char *argument)
{
    (void)argument;
    return print_with(client_print);
}

static int command_config(const char *argument)
{
    if (argument && strcmp(argument, "example") == 0)
        return print_with(config_print_example);
    if (argument && strcmp(argument, "reference") == 0)
        return print_with(config_print_reference);
    return print_with(config_print_json);
}

static int command_promote(const char *argument)
{
    return argument ? app_promote(argument) : 2;
}

static int command_pictures(const char *argument)
{
    return argument && tarot_draw_pictures(argument) ? 0 : 1;
}

static manual_table row_of_manual;
static void man_print(struct buf *out)
{
    manual_page(row_of_manual, out);
}

static int command_man(const char *argument)
{
    (void)argument;
    return print_with(man_print);
}

static void completion_print(struct buf *out)
{
    manual_completion(row_of_manual, out);
}

static int command_completion(const char *argument)
{
    return argument && strcmp(argument, "bash") == 0 ? print_with(completion_print) : 2;
}

static const struct {
    const char *name;
    int (*run)(const char *argument);
    const char *says, *takes;
    bool bare; /* needs no secret and no table of calls */
} commands[] = {
    { "run", command_run, "serve until SIGTERM (the default)" },
    { "check", command_check, "check configuration, migrations and every statement" },
    { "migrate", command_migrate, "apply the migrations" },
    { "calls", command_calls, "list the calls" },
    { "openapi", command_openapi, "print the OpenAPI document" },
    { "asyncapi", command_asyncapi, "print the AsyncAPI document" },
    { "types", command_types, "print the TypeScript types" },
    { "client", command_client, "print web/calls.js" },
    { "config", command_config, "print what is in force, an example to edit, a page about every setting",
      "[example | reference]" },
    { "pictures", command_pictures, "draw the PNGs that messengers show of the cards in it", "FOLDER", true },
    { "promote", command_promote, "make this account an admin", "E-MAIL" },
    { "completion", command_completion, "print what that shell completes", "bash", true },
    { "man", command_man, "print the manual page", .bare = true },
};

static bool row_of_manual(size_t i, struct manual_row *out)
{
    if (i < COUNT_OF(commands))
        *out = (struct manual_row){ commands[i].name, commands[i].takes, commands[i].says };
    return i < COUNT_OF(commands);
}

static int usage(void)
{
    struct manual_row r;

    fputs("madangd [-c FILE] [COMMAND [ARGUMENT]]\n", stderr);
    for (size_t i = 0; row_of_manual(i, &r); i++)
        fprintf(stderr, "  %s%s%s\n      %s\n", r.name, r.takes ? " " : "", r.takes ? r.takes : "", r.says);
    return 2;
}

static int run_command(const char *name, const char *argument)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].bare || app_prepare() ? commands[i].run(argument) : 1;
    return usage();
}

int main(int argc, char **argv)
{
    const char *path = getenv("MADANG_CONFIG");
    struct buf mistakes;
    int option, status;

    while ((option = getopt(argc, argv, "c:h")) != -1) {
        if (option != 'c')
            return usage();
        path = optarg;
    }
    buf_init(&mistakes, 65536);
    if (!config_load(path, &mistakes)) {
        fwrite(mistakes.at, 1, mistakes.len, stderr);
        buf_fini(&mistakes);
        config_free();
        return 1;
    }
    buf_fini(&mistakes);
    if (optind + 1 < argc && strcmp(argv[optind], "account") == 0) /* "account promote E-MAIL" */
        optind++;
    status = run_command(optind < argc ? argv[optind] : "run", optind + 1 < argc ? argv[optind + 1] : NULL);
    config_free();
    return status;
}
