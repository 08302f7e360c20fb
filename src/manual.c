#include "manual.h"

#include <ctype.h>

#define HEAD                                                                                                                  \
    ".\\\" Made by `madangd man`.\n"                                                                                          \
    ".TH MADANGD 8 \"\" \"madang " MADANG_VERSION "\" \"madang\"\n"                                                           \
    ".SH NAME\n"                                                                                                              \
    "madangd \\- the back end of a family of social services, in one daemon\n"                                                \
    ".SH SYNOPSIS\n"                                                                                                          \
    ".B madangd\n"                                                                                                            \
    ".RB [ \\-c\n"                                                                                                            \
    ".IR FILE ]\n"                                                                                                            \
    ".RI [ COMMAND\n"                                                                                                         \
    ".RI [ ARGUMENT ...]]\n"                                                                                                  \
    ".SH DESCRIPTION\n"                                                                                                       \
    "Serves HTTP and WebSocket on one event loop, with Postgres for what must never be lost and Redis for what may be\n"      \
    "rebuilt. Every node on the same stores is equal. Without a command it serves, in the foreground, and logs to standard\n" \
    "error.\n"                                                                                                                \
    ".SH OPTIONS\n"                                                                                                           \
    ".TP\n"                                                                                                                   \
    ".BI \\-c \" FILE\"\n"                                                                                                    \
    "The settings, an ini file; else that of\n"                                                                               \
    ".BR MADANG_CONFIG .\n"                                                                                                   \
    ".TP\n"                                                                                                                   \
    ".B \\-h\n"                                                                                                               \
    "The commands, in short.\n"                                                                                               \
    ".SH COMMANDS\n"

#define TAIL                                                                                               \
    ".SH ENVIRONMENT\n"                                                                                    \
    ".TP\n"                                                                                                \
    ".B MADANG_CONFIG\n"                                                                                   \
    "The file of settings when there is no\n"                                                              \
    ".BR \\-c .\n"                                                                                         \
    ".TP\n"                                                                                                \
    ".BI MADANG_ SECTION _ KEY\n"                                                                          \
    "One setting, before systemd credentials named\n"                                                      \
    ".IR section . key ,\n"                                                                                \
    "which go before the file.\n"                                                                          \
    ".SH FILES\n"                                                                                          \
    ".TP\n"                                                                                                \
    ".I /etc/madang/madang.ini\n"                                                                          \
    "The settings that the units name;\n"                                                                  \
    ".I /etc/madang/credentials\n"                                                                         \
    "has their secrets.\n"                                                                                 \
    ".TP\n"                                                                                                \
    ".I /usr/share/madang/madang.ini\n"                                                                    \
    "Every setting with its default.\n"                                                                    \
    ".SH SIGNALS\n"                                                                                        \
    ".TP\n"                                                                                                \
    ".BR SIGTERM \", \" SIGINT\n"                                                                          \
    "Drain: calls finish, sockets are told when to come back, and the daemon ends.\n"                      \
    ".TP\n"                                                                                                \
    ".B SIGHUP\n"                                                                                          \
    "Read the settings again, and apply those that need no restart.\n"                                     \
    ".SH EXIT STATUS\n"                                                                                    \
    "0: well; 1: not, and standard error tells why; 2: no such command, or not what it needs behind it.\n" \
    ".SH SEE ALSO\n"                                                                                       \
    ".I /usr/share/doc/madang/operating.md\n"                                                              \
    "and\n"                                                                                                \
    ".IR settings.md ,\n"                                                                                  \
    ".BR systemctl (1),\n"                                                                                 \
    ".BR nginx (8)\n"

/* What stands behind the name in "NAME ARGUMENT …: what it does"; empty when it takes none. */
static struct text arguments_of(const struct manual_row *r, struct text *does)
{
    struct text head = text_cut(text_of(r->says), ':', does);

    if (does->len && text_skip(&head, text_of(r->name)) && text_skip(&head, T(" "))) {
        *does = text_trim(*does);
        return head;
    }
    *does = text_of(r->says);
    return T("");
}

/* What is typed as it stands; else it stands for something: E-MAIL, FOLDER. */
static bool is_word(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!islower((unsigned char)t.at[i]) && !isdigit((unsigned char)t.at[i]) && t.at[i] != '-' && t.at[i] != '_')
            return false;
    return t.len > 0;
}

/* --- the page ---------------------------------------------------------------------------------------------------------- */
static void put_roff(struct buf *out, struct text t)
{
    if (t.len && (t.at[0] == '.' || t.at[0] == '\''))
        buf_put(out, T("\\&"));
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] == '-')
            buf_put_char(out, '\\');
        buf_put_char(out, t.at[i]);
        if (t.at[i] == '\\')
            buf_put_char(out, 'e');
    }
}

static void put_command(struct buf *out, const struct manual_row *r)
{
    struct text does, arguments = arguments_of(r, &does);

    buf_put(out, T(".TP\n\\fB"));
    put_roff(out, text_of(r->name));
    while (arguments.len) {
        struct text one = text_cut(arguments, ' ', &arguments);

        buf_put(out, is_word(one) ? T("\\fR \\fB") : T("\\fR \\fI"));
        put_roff(out, one);
    }
    buf_put(out, T("\\fR"));
    buf_put_char(out, '\n');
    put_roff(out, does);
    buf_put(out, T(".\n"));
}

void manual_page(manual_table *table, struct buf *out)
{
    struct manual_row r;

    buf_put(out, T(HEAD));
    for (size_t i = 0; table(i, &r); i++)
        put_command(out, &r);
    buf_put(out, T(TAIL));
}

/* --- the completion ---------------------------------------------------------------------------------------------------- */
#define BEFORE_COMMANDS                                        \
    "# Made by `madangd completion bash`.\n"                   \
    "_madangd()\n"                                             \
    "{\n"                                                      \
    "    local word=${COMP_WORDS[COMP_CWORD]} command= at i\n" \
    "    COMPREPLY=()\n"                                       \
    "    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -c ]]; then\n" \
    "        _madangd_files -f\n"                              \
    "        return\n"                                         \
    "    fi\n"                                                 \
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"             \
    "        case ${COMP_WORDS[i]} in\n"                       \
    "        -c) ((i++)) ;;\n"                                 \
    "        -*) ;;\n"                                         \
    "        *) command=${COMP_WORDS[i]} at=$i && break ;;\n"  \
    "        esac\n"                                           \
    "    done\n"                                               \
    "    if [[ -z $command ]]; then\n"                         \
    "        COMPREPLY=($(compgen -W '-c -h"

#define BEFORE_ARGUMENTS                         \
    "' -- \"$word\"))\n"                         \
    "        return\n"                           \
    "    fi\n"                                   \
    "    ((COMP_CWORD == at + 1)) || return 0\n" \
    "    case $command in\n"

#define AFTER_ARGUMENTS                                           \
    "    esac\n"                                                  \
    "}\n"                                                         \
    "_madangd_files()\n"                                          \
    "{\n"                                                         \
    "    compopt -o filenames 2>/dev/null\n"                      \
    "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$word\")\n" \
    "}\n"                                                         \
    "complete -F _madangd madangd\n"

static void put_word(struct buf *out, struct text word)
{
    if (is_word(word)) {
        buf_put_char(out, ' ');
        buf_put(out, word);
    }
}

/* Of "…; NAME word, NAME word". */
static void put_words(struct buf *out, const struct manual_row *r, struct text first)
{
    struct text rest, none;

    put_word(out, first);
    text_cut(text_of(r->says), ';', &rest);
    while (rest.len) {
        struct text one = text_trim(text_cut(rest, ',', &rest));

        if (text_skip(&one, text_of(r->name)) && text_skip(&one, T(" ")))
            put_word(out, text_cut(one, ' ', &none));
    }
}

static void put_arguments(struct buf *out, const struct manual_row *r)
{
    struct text rest, first = text_cut(arguments_of(r, &rest), ' ', &rest);
    char memory[400];
    struct buf words;

    buf_borrow(&words, memory, sizeof memory);
    put_words(&words, r, first);
    if (text_is(first, T("FOLDER")) || text_is(first, T("FILE")))
        buf_printf(out, "    %s) _madangd_files -%c ;;\n", r->name, first.at[1] == 'O' ? 'd' : 'f');
    else if (words.len)
        buf_printf(out, "    %s) COMPREPLY=($(compgen -W '%.*s' -- \"$word\")) ;;\n", r->name, (int)words.len, words.at);
}

void manual_completion(manual_table *table, struct buf *out)
{
    struct manual_row r;

    buf_put(out, T(BEFORE_COMMANDS));
    for (size_t i = 0; table(i, &r); i++)
        put_word(out, text_of(r.name));
    buf_put(out, T(BEFORE_ARGUMENTS));
    for (size_t i = 0; table(i, &r); i++)
        put_arguments(out, &r);
    buf_put(out, T(AFTER_ARGUMENTS));
}
