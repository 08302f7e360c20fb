#include "pg_tool.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "madang/clock.h"
#include "madang/config.h"

#define LOOK_US 100000
#define SAY_MS 2000
#define NOT_THERE 127

/* What the URL says goes by the environment, where nobody else sees the password; a server of several is named by its own. */
static void set_environment(PGconn *pg)
{
    PQconninfoOption *all = PQconninfo(pg);

    for (const PQconninfoOption *o = all; o && o->keyword; o++)
        if (o->envvar && o->val && o->val[0] && strcmp(o->keyword, "application_name") != 0 && strcmp(o->keyword, "options") != 0)
            setenv(o->envvar, o->val, 1);
    PQconninfoFree(all);
    setenv("PGHOST", PQhost(pg), 1);
    setenv("PGPORT", PQport(pg), 1);
    unsetenv("PGHOSTADDR");
    unsetenv("PGOPTIONS");
}

static void begin(PGconn *pg, const char *const *args, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    set_environment(pg);
    execvp(args[0], (char *const *)(uintptr_t)args);
    fprintf(stderr, "%s: %s%s\n", args[0], strerror(errno),
            errno == ENOENT ? " (install postgresql-client, of the server's version or a later one)" : "");
    _exit(NOT_THERE);
}

static void say(const char *tool, const char *grows, uint64_t began_ms)
{
    struct stat st;

    if (grows && stat(grows, &st) == 0)
        fprintf(stderr, "%s: %.1f MiB\n", tool, (double)st.st_size / (1 << 20));
    else
        fprintf(stderr, "%s: %llu s\n", tool, (unsigned long long)(clock_ms() - began_ms) / 1000);
}

bool pg_tool_run(PGconn *pg, const char *const *args, const char *grows)
{
    uint64_t began = clock_ms(), said = began;
    pid_t parent = getpid(), child = fork(), ended = 0;
    int status = -1;

    if (child == 0)
        begin(pg, args, parent);
    if (child < 0) {
        fprintf(stderr, "%s: %s\n", args[0], strerror(errno));
        return false;
    }
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        usleep(LOOK_US);
        if (clock_ms() - said < SAY_MS)
            continue;
        said = clock_ms();
        say(args[0], grows, began);
    }
    if (ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (!(WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE))
        fprintf(stderr, "%s failed\n", args[0]);
    return false;
}
