/* options.c -- the command line: words to options of the table
 * (option_table.c). */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

const char *volley_called(char out[VOLLEY_CALLED], const volley_verb *verb)
{
    const bool same = strcmp(verb->name, volley_program) == 0;

    snprintf(out, VOLLEY_CALLED, "%s%s%s", volley_program, same ? "" : " ",
             same ? "" : verb->name);
    return out;
}

/* Whether a list of words, with spaces between them, has this one. */
static bool opt_listed(const char *list, const char *word)
{
    const size_t n = strlen(word);

    for (const char *at = list; at != NULL; at = strchr(at, ' ')) {
        at += at[0] == ' ';
        if (strncmp(at, word, n) == 0 && (at[n] == ' ' || at[n] == '\0'))
            return true;
    }
    return false;
}

static bool opt_taken(const volley_verb *verb, int o)
{
    return o < OPT_BITS_END
               ? (verb->options & OPT_BIT(o)) != 0
               : opt_listed(volley_option_verbs[o], verb->name);
}

void volley_print_options(FILE *f, const volley_verb *verb)
{
    for (int o = VOLLEY_OPTIONS - 1; o >= 0; o--) {
        const volley_option_row *row = &volley_option_table[o];
        char text[48];

        if (!opt_taken(verb, o))
            continue;
        snprintf(text, sizeof text, "%c%c%s--%s%s%s",
                 row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
                 row->letter ? ", " : "  ", row->name,
                 row->value != NULL ? " " : "",
                 row->value != NULL ? row->value : "");
        fprintf(f, "  %-26s %s\n", text, row->help);
    }
}

/* The option of this verb that a word names, -1 if none; *value: behind '=', or
 * NULL. */
static int opt_find(const char *word, const volley_verb *verb,
                    const char **value)
{
    size_t n = strcspn(word, "=");

    *value = word[n] == '=' ? word + n + 1 : NULL;
    for (int o = 0; o < VOLLEY_OPTIONS; o++) {
        const volley_option_row *row = &volley_option_table[o];

        if (!opt_taken(verb, o))
            continue;
        if (word[1] == '-' && strlen(row->name) == n - 2
            && strncmp(word + 2, row->name, n - 2) == 0)
            return o;
        if (word[1] != '-' && n == 2 && row->letter != 0
            && row->letter == word[1])
            return o;
    }
    return -1;
}

/* All words from argv[*i] up to an option. */
static int opt_list(volley_list *out, const volley_verb *verb, int o,
                    const char *value, int *i, int argc, char **argv)
{
    if (value != argv[*i])
        return volley_usage("%s: --%s %s, without '='", verb->name,
                            volley_option_table[o].name, volley_option_table[o].value);
    out->word = (const char *const *)argv + *i;
    out->words = 1;
    while (*i + 1 < argc && argv[*i + 1][0] != '-') {
        out->words++;
        ++*i;
    }
    return VOLLEY_DONE;
}

/* The value of option o, which stands at argv[*i]; *i moves to its last
 * word. */
static int opt_value(volley_args *out, const volley_verb *verb, int o,
                     const char *value, int *i, int argc, char **argv)
{
    const volley_option_row *row = &volley_option_table[o];

    if (out->value[o] != NULL && o != OPT_ORIGIN)
        return volley_usage("%s: --%s stands twice", verb->name, row->name);
    if (row->value == NULL) {
        if (value != NULL)
            return volley_usage("%s: --%s takes no value", verb->name,
                                row->name);
        out->value[o] = "";
        return VOLLEY_DONE;
    }
    if (value == NULL && *i + 1 < argc)
        value = argv[++*i];
    if (value == NULL || value[0] == '\0')
        return volley_usage("%s: --%s needs a value: %s", verb->name,
                            row->name, row->value);
    out->value[o] = value;
    if (o == OPT_ORIGIN && out->origins == VOLLEY_ORIGINS)
        return volley_usage("%s: more than %d times --%s", verb->name,
                            VOLLEY_ORIGINS, row->name);
    if (o == OPT_ORIGIN)
        out->origin[out->origins++] = value;
    if (o == OPT_OVERLAY || o == OPT_GIVEN || o == OPT_TRUTH)
        return opt_list(o == OPT_OVERLAY ? &out->overlay
                        : o == OPT_GIVEN ? &out->given : &out->truth, verb, o,
                        value, i, argc, argv);
    return VOLLEY_DONE;
}

static int opt_check_count(const volley_args *a, const volley_verb *verb)
{
    char called[VOLLEY_CALLED];

    volley_called(called, verb);
    for (int o = 0; o < OPT_BITS_END; o++)
        if ((verb->required & OPT_BIT(o)) && a->value[o] == NULL)
            return volley_usage("%s: --%s %s is missing; usage: %s %s",
                                verb->name, volley_option_table[o].name,
                                volley_option_table[o].value, called, verb->usage);
    if (a->words < verb->least)
        return volley_usage("%s: a file is missing; usage: %s %s",
                            verb->name, called, verb->usage);
    if (verb->most >= 0 && a->words > verb->most)
        return volley_usage("%s: '%s' is one too many; usage: %s %s",
                            verb->name, a->word[verb->most], called,
                            verb->usage);
    return VOLLEY_DONE;
}

int volley_parse(volley_args *out, const char **word, const volley_verb *verb,
                 int argc, char **argv)
{
    bool plain = false;                     /* behind "--"                   */

    memset(out, 0, sizeof *out);
    out->word = word;
    for (int i = 0; i < argc; i++) {
        char called[VOLLEY_CALLED];
        const char *value;
        int o;

        if (plain || argv[i][0] != '-' || argv[i][1] == '\0') {
            word[out->words++] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            plain = true;
            continue;
        }
        o = opt_find(argv[i], verb, &value);
        if (o < 0)
            return volley_usage("%s: unknown option '%s'; see %s --help",
                                verb->name, argv[i],
                                volley_called(called, verb));
        if (opt_value(out, verb, o, value, &i, argc, argv) != VOLLEY_DONE)
            return VOLLEY_USAGE;
    }
    if (out->value[OPT_HELP] != NULL)
        return VOLLEY_DONE;
    if (opt_check_count(out, verb) != VOLLEY_DONE)
        return VOLLEY_USAGE;
    return volley_int(&out->threads, out, OPT_THREADS, 1, 1024, 0);
}

/* A whole number in low..high that ends where `end` says; -1 if it is none. */
static long opt_number(const char *text, const char **end, int low, int high)
{
    char *stop;
    long x;

    if (text[0] < '0' || text[0] > '9' || strspn(text, "0123456789") > 9)
        return -1;
    x = strtol(text, &stop, 10);
    *end = stop;
    return x >= low && x <= high ? x : -1;
}

int volley_int(int *out, const volley_args *a, volley_option o, int low,
               int high, int otherwise)
{
    const char *text = a->value[o], *end = "";
    long x;

    *out = otherwise;
    if (text == NULL)
        return VOLLEY_DONE;
    x = opt_number(text, &end, low, high);
    if (x < 0 || *end != '\0')
        return volley_usage("--%s '%s' is not a whole number of %d..%d",
                            volley_option_table[o].name, text, low, high);
    *out = (int)x;
    return VOLLEY_DONE;
}

int volley_security(int *out, const volley_args *a)
{
    int code = volley_int(out, a, OPT_SECURITY, 1, 256, 0);

    if (code == VOLLEY_DONE && *out != 0 && *out != 128 && *out != 192
        && *out != 256)
        code = volley_usage("--security %d: 128, 192 or 256", *out);
    return code;
}

int volley_slots(nn_slots *out, const volley_args *a)
{
    const char *kind = a->value[OPT_SLOTS];

    *out = kind == NULL                     ? NN_SLOTS_ANY
           : strcmp(kind, "real") == 0      ? NN_SLOTS_REAL
           : strcmp(kind, "complex") == 0   ? NN_SLOTS_COMPLEX
                                            : NN_SLOTS_ANY;
    if (kind != NULL && *out == NN_SLOTS_ANY)
        return volley_usage("--slots '%s' is not real or complex", kind);
    return VOLLEY_DONE;
}

int volley_pair(int *y, int *x, const volley_args *a, volley_option o,
                int high)
{
    const char *text = a->value[o], *end = "";
    long first, second;

    *y = *x = 0;
    if (text == NULL)
        return VOLLEY_DONE;
    first = second = opt_number(text, &end, 1, high);
    if (first > 0 && *end == 'x')
        second = opt_number(end + 1, &end, 1, high);
    if (first < 0 || second < 0 || *end != '\0')
        return volley_usage("--%s '%s' is not %s with numbers of 1..%d",
                            volley_option_table[o].name, text, volley_option_table[o].value,
                            high);
    *y = (int)first;
    *x = (int)second;
    return VOLLEY_DONE;
}
