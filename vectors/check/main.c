/* main.c -- vectors-check: test vectors against this library.
 *
 * Read first: check.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "nn.h"               /* the message of its JSON reader              */

enum { VECTORS_BYTES = 1 << 25, VECTORS_LINES = 20, VECTORS_NAMES = 128 };

static const vec_operation *const vectors_table[] = {
    vec_operations_words, vec_operations_base, vec_operations_scheme, vec_operations_arith,
    vec_operations_switch, vec_operations_bytes, vec_operations_net, NULL
};

/* Names met so far, to count operations and sets. */
typedef struct vectors_names {
    char name[VECTORS_NAMES][32];
    int count;
} vectors_names;

typedef struct vectors_total {
    vectors_names operations, sets;
    long cases, mismatches, skipped;
    long checksums, damage;     /* left out: frames' checksums; whole cases  */
    const char *kernel;         /* forced, or NULL                           */
    bool json, no_checksums;
    nni_json_writer w;
} vectors_total;

enum { DONE = 0, FAILED = 1, USAGE = 2 };       /* exit codes                */

static int fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int fail(int code, const char *format, ...)
{
    va_list ap;

    fputs("vectors-check: ", stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputs(code == USAGE ? "; see vectors-check --help\n" : "\n", stderr);
    return code;
}

static void vectors_note(vectors_names *list, const char *name)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->name[i], name) == 0)
            return;
    if (list->count < VECTORS_NAMES)
        snprintf(list->name[list->count++], sizeof list->name[0], "%s",
                 name);
}

static vec_run *vectors_find(const char *operation)
{
    for (int t = 0; vectors_table[t] != NULL; t++)
        for (const vec_operation *o = vectors_table[t]; o->name != NULL; o++)
            if (strcmp(o->name, operation) == 0)
                return o->run;
    return NULL;
}

static const char *vectors_text(const nni_json *doc, const nni_json_node *o,
                                const char *key)
{
    const nni_json_node *node = nni_json_get(doc, o, key);

    return node != NULL && node->kind == NN_JSON_STRING ? node->text : "";
}

/* Entries of "expected" that nothing was compared with. */
static void vectors_leftover(vec_case *c)
{
    const nni_json_node *e = nni_json_first(c->doc, c->expected);

    for (uint64_t bit = 1; e != NULL; bit <<= 1, e = nni_json_next(c->doc, e))
        if (!(c->compared & bit))
            vec_fail(c, "nothing was computed for '%s'",
                     vectors_text(c->doc, e, "key"));
}

static void vectors_report(vectors_total *t, const char *path,
                           const vec_case *c, const nni_json_node *test)
{
    const nni_json_node *id = nni_json_get(c->doc, test, "tcId");
    long number = id == NULL ? 0 : (long)id->number;

    t->mismatches++;
    if (t->json) {
        nni_json_put_object(&t->w, NULL);
        nni_json_put_string(&t->w, "file", path);
        nni_json_put_int(&t->w, "tcId", number);
        nni_json_put_string(&t->w, "set", c->group->name);
        nni_json_put_string(&t->w, "operation", c->operation);
        nni_json_put_string(&t->w, "message", c->message);
        nni_json_put_end(&t->w);
    } else if (t->mismatches <= VECTORS_LINES) {
        printf("%s: case %ld, set %s, %s: %s\n", path, number,
               c->group->name, c->operation, c->message);
    } else if (t->mismatches == VECTORS_LINES + 1) {
        printf("further mismatches are counted only\n");
    }
}

static void vectors_case(vectors_total *t, const char *path, vec_group *g,
                         const nni_json_node *test)
{
    vec_case c = { .group = g, .doc = g->doc };
    vec_run *run;

    c.operation = vectors_text(g->doc, test, "operation");
    c.input = nni_json_get(g->doc, test, "input");
    c.expected = nni_json_get(g->doc, test, "expected");
    c.flags = nni_json_get(g->doc, test, "flags");
    run = vectors_find(c.operation);
    if (run == NULL)
        vec_fail(&c, "an operation this command does not know");
    else if (c.expected == NULL || c.expected->count == 0
             || c.expected->count > 64)
        vec_fail(&c, "no expectations, or more than 64");
    else
        run(&c);
    if (!c.failed && !c.skipped)
        vectors_leftover(&c);
    t->checksums += c.checksums;
    t->damage += c.skipped;
    t->cases += !c.skipped;
    vectors_note(&t->operations, c.operation);
    vectors_note(&t->sets, g->name);
    if (c.failed)
        vectors_report(t, path, &c, test);
    vec_case_clear(&c);
}

/* ---- groups ------------------------------------------------------------- */

static int vectors_entries(uint64_t *out, int most, const nni_json *doc,
                           const nni_json_node *list)
{
    const nni_json_node *at = nni_json_first(doc, list);
    int n = 0;

    for (; at != NULL && n < most; at = nni_json_next(doc, at))
        out[n++] = at->kind == NN_JSON_STRING ? strtoull(at->text, NULL, 10)
                                              : 0;
    return n;
}

static void vectors_params(vec_group *g, const char *kernel)
{
    const nni_json_node *p = g->parameters, *k;
    ckks_params *q = &g->params;

    memset(q, 0, sizeof *q);
    q->ring = strcmp(vectors_text(g->doc, p, "ring"), "real") == 0
                  ? CKKS_RING_REAL : CKKS_RING_COMPLEX;
    k = nni_json_get(g->doc, p, "logN");
    q->log_n = k != NULL && k->number >= CKKS_MIN_LOG_N
               && k->number <= CKKS_MAX_LOG_N ? (int)k->number : 0;
    k = nni_json_get(g->doc, p, "dnum");
    q->dnum = k != NULL && k->number >= 1 && k->number <= CKKS_MAX_PRIMES
                  ? (int)k->number : 0;
    q->num_primes = vectors_entries(q->primes, CKKS_MAX_PRIMES, g->doc,
                                    nni_json_get(g->doc, p, "primeEntries"));
    q->num_special = vectors_entries(q->special, CKKS_MAX_SPECIAL, g->doc,
                                     nni_json_get(g->doc, p,
                                                 "specialEntries"));
    p = nni_json_get(g->doc, p, "conventions");
    k = nni_json_get(g->doc, p, "generator");
    q->generator = k != NULL && k->number == 3 ? 3 : 5;
    q->uncentred_digits = strcmp(vectors_text(g->doc, p, "digits"),
                                 "uncentred") == 0;
    q->fitted_special = nni_json_get(g->doc, p, "specialPrimes") != NULL;
    q->security = CKKS_INSECURE;
    q->kernel = kernel;
}

/* SIMD kernels take primes below 2^49. */
static bool vectors_too_large(const ckks_params *p)
{
    ckks_params r;

    if (ckks_params_resolve(&r, p) != CKKS_OK)
        return false;
    for (int i = 0; i < r.num_primes; i++)
        if (r.primes[i] >> CKKS_SIMD_BITS != 0)
            return true;
    for (int i = 0; i < r.num_special; i++)
        if (r.special[i] >> CKKS_SIMD_BITS != 0)
            return true;
    return false;
}

/* The context and keys of a group. */
static bool vectors_group_init(vectors_total *t, const char *path,
                               vec_group *g)
{
    const nni_json_node *keys = nni_json_get(g->doc, g->node, "keys");
    vec_case c = { .group = g, .doc = g->doc, .operation = "context" };

    g->name = vectors_text(g->doc, g->node, "set");
    g->parameters = nni_json_get(g->doc, g->node, "parameters");
    vectors_params(g, t->kernel);
    g->n = (size_t)1 << g->params.log_n;
    g->top = g->params.num_primes - 1;
    g->special = g->params.num_special;
    if (!vec_ok(&c, ckks_ctx_init(&g->ctx, &g->params))) {
        vectors_report(t, path, &c, g->node);
        return false;
    }
    if (keys != NULL)
        vec_keys(&c, &g->keys, keys);
    if (c.failed) {
        c.operation = "keys";
        vectors_report(t, path, &c, g->node);
    }
    vec_case_clear(&c);
    return true;
}

static void vectors_group(vectors_total *t, const char *path,
                          const nni_json *doc, const nni_json_node *node)
{
    const nni_json_node *tests = nni_json_get(doc, node, "tests"), *at;
    vec_group g = { .doc = doc, .node = node,
                    .no_checksums = t->no_checksums };

    g.parameters = nni_json_get(doc, node, "parameters");
    vectors_params(&g, t->kernel);
    if (t->kernel != NULL && strcmp(t->kernel, "portable") != 0
        && vectors_too_large(&g.params)) {
        t->skipped += tests == NULL ? 0 : (long)tests->count;
        return;
    }
    if (vectors_group_init(t, path, &g))
        for (at = nni_json_first(doc, tests); at != NULL;
             at = nni_json_next(doc, at))
            vectors_case(t, path, &g, at);
    ckks_keys_clear(&g.keys);
    ckks_ctx_clear(&g.ctx);
}

/* Manifest and schema stand beside the files of cases. */
static bool vectors_none(const nni_json *doc)
{
    const char manifest[] = "volley-vectors-manifest-";

    return nni_json_get(doc, doc->node, "$schema") != NULL
           || strncmp(vectors_text(doc, doc->node, "schema"), manifest,
                      sizeof manifest - 1) == 0;
}

static int vectors_groups(vectors_total *t, const char *path,
                          const nni_json *doc)
{
    const char *schema = vectors_text(doc, doc->node, "schema");
    const nni_json_node *at;

    if (vectors_none(doc))
        return DONE;
    if (strcmp(schema, "volley-vectors-1") != 0
        && strcmp(schema, "volley-vectors-2") != 0)
        return fail(FAILED, "%s: no file of vectors: its \"schema\" is neither "
                    "\"volley-vectors-1\" nor \"volley-vectors-2\"", path);
    at = nni_json_first(doc, nni_json_get(doc, doc->node, "testGroups"));
    for (; at != NULL; at = nni_json_next(doc, at))
        vectors_group(t, path, doc, at);
    return DONE;
}

static int vectors_file(vectors_total *t, const char *path)
{
    nni_json doc = {0};
    uint8_t *data = NULL;
    size_t size;
    int code;

    if (ckks_file_read(&data, &size, path, VECTORS_BYTES) != CKKS_OK)
        return fail(FAILED, "%s", ckks_last_error());
    if (nni_json_load(&doc, path, data, size) != CKKS_OK)
        code = fail(FAILED, "%s", nn_last_error());
    else
        code = vectors_groups(t, path, &doc);
    ckks_file_free(data, size);
    nni_json_clear(&doc);
    return code;
}

/* A kernel that is asked for must run here. */
static int vectors_probe(const char *kernel)
{
    const ckks_params p = { .log_n = 4, .num_primes = 1, .primes = { 40 },
                            .dnum = 1, .security = CKKS_INSECURE,
                            .kernel = kernel };
    ckks_ctx *ctx = NULL;
    ckks_status s = ckks_ctx_init(&ctx, &p);

    ckks_ctx_clear(&ctx);
    return s == CKKS_OK ? DONE
                        : fail(FAILED, "kernel %s cannot be used: %s", kernel,
                               ckks_last_error());
}

static int vectors_end(vectors_total *t)
{
    const char *kernel = t->kernel != NULL ? t->kernel : "best";

    if (t->json) {
        nni_json_put_end(&t->w);
        nni_json_put_string(&t->w, "kernel", kernel);
        nni_json_put_int(&t->w, "operations", t->operations.count);
        nni_json_put_int(&t->w, "sets", t->sets.count);
        nni_json_put_int(&t->w, "cases", t->cases);
        nni_json_put_int(&t->w, "skipped", t->skipped + t->damage);
        nni_json_put_int(&t->w, "checksumsLeftOut", t->checksums);
        nni_json_put_int(&t->w, "mismatches", t->mismatches);
        nni_json_put_end(&t->w);
        if (nni_json_writer_finish(&t->w) != CKKS_OK)
            return fail(FAILED, "%s", nn_last_error());
    } else {
        printf("kernel %s: %d operations, %d sets, %ld cases, %ld "
               "mismatches\n", kernel, t->operations.count, t->sets.count,
               t->cases, t->mismatches);
        if (t->skipped > 0)
            printf("skipped: %ld cases of sets with primes above 2^%d, which "
                   "kernel %s does not take\n", t->skipped, CKKS_SIMD_BITS,
                   kernel);
        if (t->no_checksums)
            printf("skipped: %ld cases of damage that only a checksum shows, "
                   "and %ld checksums in frames\n", t->damage, t->checksums);
    }
    if (fflush(stdout) != 0)
        return fail(FAILED, "standard output cannot be written");
    return t->mismatches == 0 ? DONE : FAILED;
}

static int vectors_run(vectors_total *t, char **file, int files)
{
    int code = t->kernel == NULL ? DONE : vectors_probe(t->kernel);

    if (code != DONE)
        return code;
    nni_json_writer_init(&t->w, t->json ? stdout : NULL, 2);
    if (t->json) {
        nni_json_put_object(&t->w, NULL);
        nni_json_put_array(&t->w, "differences");
    }
    for (int i = 0; i < files && code == DONE; i++)
        code = vectors_file(t, file[i]);
    if (code == DONE)
        code = vectors_end(t);
    nni_json_writer_clear(&t->w);
    return code;
}

static const char help[] =
    "usage: vectors-check [--kernel NAME] [--no-checksums] [--json] FILE...\n"
    "\n"
    "checks test vectors (vectors/README.md); says for every case that differs\n"
    "which word of which limb does, and at which stage of the operation\n"
    "\n"
    "      --kernel NAME     portable, avx2, ... (default: the best for each set)\n"
    "      --no-checksums    of a build without checksums: they are left out\n"
    "      --json            the result as JSON on standard output\n"
    "  -h, --help            this text\n"
    "\n"
    "Manifests and schemas among the files are passed by.  Exit code 1 if a case\n"
    "differs.\n";

int main(int argc, char **argv)
{
    static vectors_total t;
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return fputs(help, stdout) < 0 ? FAILED : DONE;
        if (strcmp(argv[i], "--json") == 0)
            t.json = true;
        else if (strcmp(argv[i], "--no-checksums") == 0)
            t.no_checksums = true;
        else if (strcmp(argv[i], "--kernel") == 0 && i + 1 < argc)
            t.kernel = argv[++i];
        else
            return fail(USAGE, "unknown option %s, or one without its value",
                        argv[i]);
    }
    if (i == argc)
        return fail(USAGE, "a file is missing");
    return vectors_run(&t, argv + i, argc - i);
}
