/* models.c -- the networks that are served.  Of a model only what is public
 * stays in memory: its plan, and sizes; the processes that evaluate read the
 * weights themselves. */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE         /* realpath                                  */
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"

/* A MODEL word: [NAME=]MODEL[:PLAN], cut in place.  What is a file as it
 * stands is not cut. */
static void model_cut(char *word, char **name, char **path, char **plan)
{
    char *mark;

    *name = *plan = NULL;
    *path = word;
    if (access(word, F_OK) == 0)
        return;
    mark = strchr(word, '=');
    if (mark != NULL && memchr(word, '/', (size_t)(mark - word)) == NULL) {
        *mark = '\0';
        *name = word;
        *path = mark + 1;
    }
    mark = strrchr(*path, ':');
    if (mark != NULL && access(*path, F_OK) != 0) {
        *mark = '\0';
        *plan = mark + 1;
    }
}

/* It becomes a part of addresses and of a file's name. */
static bool model_named(const char *name)
{
    return strchr("._-", name[0]) == NULL && strlen(name) < NN_NAME
           && name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

/* Bytes of a limb in a file: as many bits a word as its prime has. */
static uint64_t model_limb(const serve_model *m, uint64_t prime)
{
    uint64_t bits = 0;

    for (; prime != 0; prime >>= 1)
        bits++;
    return ((bits << m->plan->params.log_n) + 7) / 8;
}

/* Bytes of the file of evaluation keys: a frame and a count, then for each key
 * an entry, and for each digit the limbs of one polynomial (the other is a
 * seed; docs/conventions.md). */
static uint64_t model_keys(const serve_model *m, const ckks_ctx *ctx)
{
    const ckks_params *q = &m->plan->params;
    const int whole = (q->num_primes + q->dnum - 1) / q->dnum;
    uint64_t size = 40 + 8, special = 0;

    for (int t = 0; t < q->num_special; t++)
        special += model_limb(m, ckks_ctx_special(ctx, t));
    for (size_t i = 0; i < m->plan->num_keys; i++) {
        const int level = m->plan->key[i].level;
        uint64_t limbs = special;

        for (int j = 0; j <= level; j++)
            limbs += model_limb(m, ckks_ctx_prime(ctx, j));
        size += 48 + (uint64_t)(level / whole + 1) * limbs;
    }
    return size;
}

/* What names the parameters: keys begin with it; and how many they are. */
static int model_context(serve_model *m)
{
    ckks_ctx *ctx = NULL;
    int code = volley_check(nn_plan_context(&ctx, m->plan, NULL));

    if (code == VOLLEY_DONE) {
        ckks_ctx_fingerprint(m->context, ctx);
        m->keys = model_keys(m, ctx);
    }
    ckks_ctx_clear(&ctx);
    return code;
}

static int model_public(serve_model *m, const volley_source *s)
{
    int code;

    m->plan = malloc(sizeof *m->plan);
    m->path = realpath(s->path, NULL);
    if (m->plan == NULL || m->path == NULL)
        return volley_fail("%s: %s", s->path, strerror(errno));
    *m->plan = s->plan;
    unet_plan_cost(&m->cost, m->plan);
    code = volley_check(nn_plan_save(&m->text, &m->size, m->plan));
    if (code == VOLLEY_DONE)
        code = volley_check(nn_plan_fingerprint(m->name_of_plan, m->plan));
    return code == VOLLEY_DONE ? model_context(m) : code;
}

static int model_read(serve *s, serve_model *m, char *word)
{
    const nn_aim aim = { .threads = s->threads };
    char *name, *path, *plan;
    volley_source source;
    int code;

    model_cut(word, &name, &path, &plan);
    code = volley_source_load(&source, path, true, plan, &aim);
    if (code != VOLLEY_DONE)
        return code;
    snprintf(m->name, sizeof m->name, "%s",
             name != NULL ? name : source.plan.name);
    code = model_public(m, &source);
    volley_source_clear(&source);
    if (code == VOLLEY_DONE && !model_named(m->name))
        code = volley_fail("%s: the name '%s' is not of letters, digits, '.', "
                           "'_' and '-': give another, NAME=%s", path, m->name,
                           path);
    if (code == VOLLEY_DONE && serve_model_find(s, m->name) != NULL)
        code = volley_fail("%s: there is another model '%s': give it a name, "
                           "NAME=%s", path, m->name, path);
    return code;
}

/* Work that does not fit ends jobs, not the server: it is only said. */
static void models_memory(const serve *s)
{
    const double all = (double)sysconf(_SC_PHYS_PAGES)
                       * (double)sysconf(_SC_PAGESIZE);
    char text[2][32];

    for (size_t i = 0; i < s->models; i++)
        if (s->model[i].plan->peak_bytes * s->jobs > all)
            volley_warn("%s: %d job%s of %s of memory, and this machine has "
                        "%s", s->model[i].name, s->jobs,
                        s->jobs == 1 ? "" : "s",
                        volley_bytes(text[0], s->model[i].plan->peak_bytes),
                        volley_bytes(text[1], all));
}

int serve_models(serve *s)
{
    int code = VOLLEY_DONE;

    if (s->args->words > SERVE_MODELS)
        return volley_usage("serve: more than %d models", SERVE_MODELS);
    for (int i = 0; i < s->args->words && code == VOLLEY_DONE; i++) {
        char *word = strdup(s->args->word[i]);

        if (word == NULL)
            return volley_fail("no memory");
        code = model_read(s, &s->model[s->models], word);
        free(word);
        if (code == VOLLEY_DONE)
            s->models++;
        else
            s->model[s->models].name[0] = '\0';
    }
    if (code == VOLLEY_DONE)
        models_memory(s);
    return code;
}

int serve_models_save(serve *s)
{
    char name[SERVE_ROOM];
    int e = 0;

    for (size_t i = 0; i < s->models && e == 0; i++) {
        serve_model *m = &s->model[i];

        snprintf(name, sizeof name, "plans/%s.plan", m->name);
        e = serve_put(name, "plans", m->text, m->size);
        m->plan_path = realpath(name, NULL);
        if (e == 0 && m->plan_path == NULL)
            e = errno;
    }
    return e == 0 ? VOLLEY_DONE
                  : volley_fail("writing %s/%s: %s",
                                s->args->value[OPT_STORE], name, strerror(e));
}

void serve_models_clear(serve *s)
{
    for (size_t i = 0; i < SERVE_MODELS; i++) {
        serve_model *m = &s->model[i];

        free(m->path);
        free(m->plan_path);
        free(m->text);
        free(m->plan);
    }
}

const serve_model *serve_model_find(const serve *s, const char *name)
{
    for (size_t i = 0; i < s->models; i++)
        if (strcmp(s->model[i].name, name) == 0)
            return &s->model[i];
    return NULL;
}
