/* options.c -- the command line. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

/* name, short name, word of its value (NULL: none), help */
static const struct opt_row {
    const char *name;
    char letter;
    const char *value;
    const char *help;
} opt_table[VOLLEY_OPTIONS] = {
    [OPT_HELP]     = { "help", 'h', NULL, "this text" },
    [OPT_JSON]     = { "json", 0, NULL,
        "the result as JSON on standard output" },
    [OPT_THREADS]  = { "threads", 0, "N",
        "threads to use (default: all cores)" },
    [OPT_OUT]      = { "out", 'o', "PATH", "where the result goes" },
    [OPT_KEY]      = { "key", 0, "FILE", "the secret key, or its folder" },
    [OPT_KEYS]     = { "keys", 0, "FILE", "the evaluation keys" },
    [OPT_PLAN]     = { "plan", 0, "FILE",
        "the plan the other side works by, if it was not made by default" },
    [OPT_FORCE]    = { "force", 0, NULL, "replace keys that are there" },
    [OPT_OVERLAY]  = { "overlay", 0, "IMAGE...",
        "also draw the masks over these, the images that went in" },
    [OPT_PRIVATE]  = { "private", 0, NULL,
        "also write probabilities; never give them away" },
    [OPT_FLOAT]    = { "float", 0, NULL,
        "the model's own float weights, not the plan's integers" },
    [OPT_LOGITS]   = { "logits", 0, "FILE",
        "also write all logits, 32-bit floats, little-endian" },
    [OPT_QUICK]    = { "quick", 0, NULL,
        "one short round: whether it works, not how fast" },
    [OPT_MODEL]    = { "model", 0, "FILE", "another model than gm" },
    [OPT_DATA]     = { "data", 0, "DIR",
        "another folder of NAME-image.pgm and NAME-gm.pgm" },
    [OPT_SECURITY] = { "security", 0, "BITS", "128, 192 or 256 (default 128)" },
    [OPT_LOG_N]    = { "log-n", 0, "K", "ring degree 2^K (default: the best)" },
    [OPT_RING]     = { "ring", 0, "YxX", "outer ring (default: the best)" },
    [OPT_SLOTS]    = { "slots", 0, "KIND",
        "real or complex: the ring of polynomials (default: the best,\n"
        "                             of bench: complex)" },
    [OPT_TILE]     = { "tile", 0, "HxW",
        "size of a tile without halo (default: the model's)" },
    [OPT_BATCH]    = { "batch", 0, "N",
        "at most N tiles a set (default: as many as fit)" },
    [OPT_MEMORY]   = { "memory", 0, "MIB",
        "what the server has (default: no limit)" },
    [OPT_MACHINE]  = { "machine", 0, "FILE",
        "plan for this machine (from volley calibrate)" },
    [OPT_AIM]      = { "aim", 0, "GOAL",
        "latency: one image soon; throughput: many images" },
    [OPT_IMAGES]   = { "images", 0, "N",
        "the plan for so many images (default: for a full set)" },
    [OPT_GIVEN]    = { "images", 0, "IMAGE...",
        "the images that went in, for --sheet" },
    [OPT_FIRST]    = { "first", 0, "N",
        "begin with image N, from 0 (default 0)" },
    [OPT_COUNT]    = { "count", 0, "N", "take N images (default: all)" },
    [OPT_FIT]      = { "fit", 0, NULL,
        "average images down whose sides are whole multiples" },
    [OPT_SHEET]    = { "sheet", 0, "PICTURE",
        "draw images with their classes or masks" },
    [OPT_TRUTH]    = { "truth", 0, "MASK...",
        "masks that somebody drew, in the order of the images: Dice" },
    [OPT_LABELS]   = { "labels", 0, "FILE",
        "the truth, as IDX or CSV (image,label): accuracy" },
    [OPT_INSECURE] = { "insecure", 0, NULL,
        "take a plan below --security, too: for tests only" },
    [OPT_LIMIT]    = { "memory", 0, "MIB",
        "refuse what may need more (default: this machine's)" },
    [OPT_TRUST]    = { "trust-server", 0, NULL,
        "the server computes what it is asked: masks may be\n"
        "                             shown to it (kept in owner.json)" },
    [OPT_FOLDERS]  = { "count", 0, "N",
        "make N key folders, DIR/001, DIR/002, ..." },
    [OPT_ANYWAY]   = { "force", 0, NULL,
        "take a result that answers no request, or a second one" },
    [OPT_PART]     = { "part", 0, "K/N",
        "the K-th of N parts of the sets only" },
    [OPT_EXPLAIN]  = { "explain", 0, NULL,
        "line by line what libckks is asked for, and what it takes" },
    [OPT_DRAW]     = { "overlay", 0, NULL,
        "also draw the masks over the images" },
    [OPT_PIXELS]   = { "pixels", 0, "FILE",
        "also write all pixels 0..255, 32-bit floats, little-endian" },
    [OPT_VALUES]   = { "values", 0, "RULE",
        "how values become pixels, in place of the model's rule:\n"
        "                             percentiles[:LOW:HIGH], or full" },
    [OPT_WINDOW]   = { "window", 0, "LOW:HIGH",
        "the same: values that become black and white" },
    [OPT_HOME]     = { "keys", 0, "DIR", "the key folder, from keygen" },
    [OPT_CHECK]    = { "check", 0, NULL,
        "compare with the same network without encryption" },
    [OPT_PORT]     = { "port", 0, "P", "the port, 0..65535 (0: any free one)" },
    [OPT_HOST]     = { "host", 0, "H",
        "the address to listen at (default 127.0.0.1)" },
    [OPT_ONCE]     = { "once", 0, NULL, "serve one client, then end" },
    [OPT_BITS]     = { "bits", 0, "B",
        "of activations: 16, 20 or 32 (default 16)" },
    [OPT_KERNEL]   = { "kernel", 0, "NAME",
        "of AES: portable, aesni or vaes (default: the best)" },
    [OPT_PATIENCE] = { "patience", 0, "S",
        "give the other side up after S seconds of silence\n"
        "                             (default 60)" },
    [OPT_WAIT]     = { "wait", 0, "S",
        "wait for a client at most S seconds in all, before the\n"
        "                             first image and again for each (default:\n"
        "                             10 times what blind plan says for\n"
        "                             100 Mbit/s, at least 600)" },
    [OPT_TRANSFER] = { "transfer", 0, "K",
        "depth of the trees of transfers, 1, 2 or 4: the deeper,\n"
        "                             the fewer bytes and the more work (default 2)" },
    [OPT_CHANCE]   = { "chance", 0, "SEED",
        "round up or down by chance, as the two parties do\n"
        "                             (default: to the nearest)" },
};

const char *volley_called(char out[VOLLEY_CALLED], const volley_verb *verb)
{
    const bool same = strcmp(verb->name, volley_program) == 0;

    snprintf(out, VOLLEY_CALLED, "%s%s%s", volley_program, same ? "" : " ",
             same ? "" : verb->name);
    return out;
}

void volley_print_options(FILE *f, uint64_t options)
{
    for (int o = VOLLEY_OPTIONS - 1; o >= 0; o--) {
        const struct opt_row *row = &opt_table[o];
        char text[48];

        if (!(options & OPT_BIT(o)))
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
static int opt_find(const char *word, uint64_t options, const char **value)
{
    size_t n = strcspn(word, "=");

    *value = word[n] == '=' ? word + n + 1 : NULL;
    for (int o = 0; o < VOLLEY_OPTIONS; o++) {
        const struct opt_row *row = &opt_table[o];

        if (!(options & OPT_BIT(o)))
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
                            opt_table[o].name, opt_table[o].value);
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
    const struct opt_row *row = &opt_table[o];

    if (out->value[o] != NULL)
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
    for (int o = 0; o < VOLLEY_OPTIONS; o++)
        if ((verb->required & OPT_BIT(o)) && a->value[o] == NULL)
            return volley_usage("%s: --%s %s is missing; usage: %s %s",
                                verb->name, opt_table[o].name,
                                opt_table[o].value, called, verb->usage);
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
        o = opt_find(argv[i], verb->options, &value);
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
                            opt_table[o].name, text, low, high);
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
                            opt_table[o].name, text, opt_table[o].value,
                            high);
    *y = (int)first;
    *x = (int)second;
    return VOLLEY_DONE;
}
