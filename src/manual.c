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

static bool is_of_word(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

static size_t word_length(struct text t)
{
    size_t n = 0;

    while (n < t.len && is_of_word(t.at[n]))
        n++;
    return n;
}

/* Typed as it stands. */
static bool is_literal(struct text word)
{
    return word.len && word_length(word) == word.len && !isupper((unsigned char)word.at[0]);
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

static void put_takes(struct buf *out, struct text t)
{
    while (t.len) {
        size_t n = word_length(t);
        struct text one = text_until(t, n ? n : 1);

        if (n)
            buf_put(out, is_literal(one) ? T("\\fB") : T("\\fI"));
        put_roff(out, one);
        if (n)
            buf_put(out, T("\\fR"));
        t = text_from(t, one.len);
    }
}

static void put_command(struct buf *out, const struct manual_row *r)
{
    buf_put(out, T(".TP\n\\fB"));
    put_roff(out, text_of(r->name));
    buf_put(out, T("\\fR"));
    if (r->takes)
        buf_put_char(out, ' ');
    put_takes(out, text_of(r->takes));
    buf_put_char(out, '\n');
    put_roff(out, text_of(r->says));
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

#define BEFORE_ARGUMENTS                             \
    "' -- \"$word\"))\n"                             \
    "        return\n"                               \
    "    fi\n"                                       \
    "    i=$((COMP_CWORD - at))\n"                   \
    "    ((i == 1)) || i=${COMP_WORDS[at + 1]}.$i\n" \
    "    case $command.$i in\n"

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
    if (is_literal(word)) {
        buf_put_char(out, ' ');
        buf_put(out, word);
    }
}

/* The first of "a | b | c". */
static struct text cut_way(struct text t, struct text *rest)
{
    for (size_t i = 0; i < t.len; i++)
        if (text_starts(text_from(t, i), T(" | "))) {
            *rest = text_from(t, i + 3);
            return text_until(t, i);
        }
    *rest = T("");
    return t;
}

static struct text without_brackets(struct text t)
{
    while (text_skip(&t, T("[")))
        ;
    while (text_ends(t, T("]")))
        t = text_until(t, t.len - 1);
    return t;
}

/* What may stand at one place, "a|b c": places are named COMMAND.1, then COMMAND.WORD.2 and so on. */
static void put_place(struct buf *out, const char *place, struct text these)
{
    char memory[400], files = 0;
    struct buf words;

    buf_borrow(&words, memory, sizeof memory);
    while (these.len) {
        struct text one = without_brackets(text_cut(these, ' ', &these));

        files = text_is(one, T("FOLDER")) ? 'd' : text_is(one, T("FILE")) ? 'f' : files;
        while (one.len)
            put_word(&words, text_cut(one, '|', &one));
    }
    if (files)
        buf_printf(out, "    %s) _madangd_files -%c ;;\n", place, files);
    else if (words.len)
        buf_printf(out, "    %s) COMPREPLY=($(compgen -W '%.*s' -- \"$word\")) ;;\n", place, (int)words.len, words.at);
}

/* Behind the first word of a way. */
static void put_rest(struct buf *out, const char *name, struct text way)
{
    struct text first = without_brackets(text_cut(way, ' ', &way));
    char place[100];

    for (size_t i = 2; way.len && is_literal(first); i++) {
        snprintf(place, sizeof place, "%s.%.*s.%zu", name, TEXT_ARG(first), i);
        put_place(out, place, text_cut(way, ' ', &way));
    }
}

static void put_arguments(struct buf *out, const struct manual_row *r)
{
    char place[100], memory[400];
    struct text rest, unused;
    struct buf firsts;

    buf_borrow(&firsts, memory, sizeof memory);
    for (struct text t = text_of(r->takes); t.len; t = rest) {
        buf_put(&firsts, text_cut(cut_way(t, &rest), ' ', &unused));
        buf_put_char(&firsts, ' ');
    }
    snprintf(place, sizeof place, "%s.1", r->name);
    put_place(out, place, (struct text){ firsts.at, firsts.len });
    for (struct text t = text_of(r->takes); t.len; t = rest)
        put_rest(out, r->name, cut_way(t, &rest));
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
