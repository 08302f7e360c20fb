/* The command line. */
#include <unistd.h>

#include "app.h"
#include "backup.h"
#include "doctor.h"
#include "madang/calls.h"
#include "madang/config.h"
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

static int command_run(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return USAGE;
    return app_run();
}

static int command_check(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return USAGE;
    return app_check();
}

static int command_migrate(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return USAGE;
    return app_migrate();
}

static int command_calls(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return USAGE;
    return print_with(calls_print);
}

static int command_openapi(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return USAGE;
    return print_with(openapi_print);
}

static int command_asyncapi(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return USAGE;
    return print_with(asyncapi_print);
}

static int command_types(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return USAGE;
    return print_with(typescript_print);
}

static int command_machines(int count, char **arguments)
{
    (void)arguments;
    return count == 1 ? print_with(machines_print) : USAGE;
}

static int command_client(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return USAGE;
    return print_with(client_print);
}

static int command_config(int count, char **arguments)
{
    if (count == 1)
        return print_with(config_print_json);
    if (count == 2 && strcmp(arguments[1], "example") == 0)
        return print_with(config_print_example);
    if (count == 2 && strcmp(arguments[1], "reference") == 0)
        return print_with(config_print_reference);
    return USAGE;
}

static manual_table row_of_manual;
static void man_print(struct buf *out)
{
    manual_page(row_of_manual, out);
}

static int command_man(int count, char **arguments)
{
    (void)arguments;
    return count == 1 ? print_with(man_print) : USAGE;
}

static void completion_print(struct buf *out)
{
    manual_completion(row_of_manual, out);
}

static int command_completion(int count, char **arguments)
{
    return count == 2 && strcmp(arguments[1], "bash") == 0 ? print_with(completion_print) : USAGE;
}

static const struct command commands[] = {
    { .name = "run", .run = command_run, .says = "serve until SIGTERM (the default)" },
    { .name = "check", .run = command_check, .says = "check configuration, migrations and every statement" },
    { .name = "doctor",
      .run = doctor_command,
      .takes = "[--json]",
      .says = "what is wrong with this installation, and what to do about it; fails when something does not work",
      .bare = true },
    { .name = "backup",
      .run = backup_command,
      .takes = "FOLDER",
      .says =
          "the database and the files of one moment into a folder, while nodes serve; one that is there is brought up to date,"
          " one that was cut off is gone on with" },
    { .name = "restore",
      .run = restore_command,
      .takes = "FOLDER [--check | --replace]",
      .says = "a backup into an empty database and the store of files, while no node runs; only check that it is whole; throw"
              " away what the database has" },
    { .name = "migrate", .run = command_migrate, .says = "apply the migrations" },
    { .name = "calls", .run = command_calls, .says = "list the calls" },
    { .name = "openapi", .run = command_openapi, .says = "print the OpenAPI document" },
    { .name = "asyncapi", .run = command_asyncapi, .says = "print the AsyncAPI document" },
    { .name = "types", .run = command_types, .says = "print the TypeScript types" },
    { .name = "machines", .run = command_machines, .says = "print docs/machines.md" },
    { .name = "client", .run = command_client, .says = "print web/calls.js" },
    { .name = "config",
      .run = command_config,
      .takes = "[example | reference]",
      .says = "print what is in force, an example to edit, a page about every setting" },
    { .name = "completion", .run = command_completion, .takes = "bash", .says = "print what that shell completes", .bare = true },
    { .name = "man", .run = command_man, .says = "print the manual page", .bare = true },
};

/* The platform's, then each feature's; NULL behind the last. */
static const struct command *command_at(size_t i)
{
    if (i < COUNT_OF(commands))
        return &commands[i];
    i -= COUNT_OF(commands);
    for (size_t f = 0; f < feature_count; i -= features[f++]->commands.count)
        if (i < features[f]->commands.count)
            return &features[f]->commands.at[i];
    return NULL;
}

static bool row_of_manual(size_t i, struct manual_row *out)
{
    const struct command *c = command_at(i);

    if (c)
        *out = (struct manual_row){ c->name, c->takes, c->says };
    return c != NULL;
}

static int usage(void)
{
    struct manual_row r;

    fputs("madangd [-c FILE] [COMMAND …]\n", stderr);
    for (size_t i = 0; row_of_manual(i, &r); i++)
        fprintf(stderr, "  %s%s%s\n      %s\n", r.name, r.takes ? " " : "", r.takes ? r.takes : "", r.says);
    return USAGE;
}

static int run_command(int count, char **arguments)
{
    const struct command *c;
    int status = USAGE;

    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (strcmp(c->name, arguments[0]) == 0)
            status = c->bare || app_prepare() ? c->run(count, arguments) : FAILED;
    return status == USAGE ? usage() : status;
}

int main(int argc, char **argv)
{
    const char *path = getenv("MADANG_CONFIG");
    struct buf mistakes;
    int option, status;

    while ((option = getopt(argc, argv, "+c:h")) != -1) {
        if (option != 'c')
            return app_features(T("")) ? usage() : FAILED;
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
    if (!app_features(config->features_off))
        status = FAILED;
    else
        status = optind < argc ? run_command(argc - optind, argv + optind) : run_command(1, (char *[]){ "run", NULL });
    config_free();
    return status;
}
