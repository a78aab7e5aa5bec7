/* study.c -- one network by many packings and settings: what each costs.
 *
 * Read first: docs/cnn.md.
 */
#include <stdlib.h>
#include <string.h>

#include "study.h"

/* ---- means as layers ---------------------------------------------------- */

/* A mean over 2x2 is a convolution 2x2 with stride 2, a quarter from each
 * channel to itself.  Only kernels of unpadded maps may be even. */
int study_unfold(nn_model *out, const nn_model *m)
{
    size_t more = 0;
    bool halves = true;
    float *at;

    for (int i = 0; i < m->num_layers; i++)
        if (m->layer[i].op == NN_POOL)
            halves &= m->layer[i].kernel_y == 2 && m->layer[i].kernel_x == 2;
    for (int i = 0; i < m->num_layers; i++)
        if (m->layer[i].op == NN_POOL)
            more += (size_t)m->layer[i].channels
                    * ((size_t)m->layer[i].channels * 4 + 1);
    *out = *m;
    if (more == 0 || !halves || m->border != NN_VALID)
        return volley_fail("%s: no means of 2x2, or not of unpadded maps",
                           m->name);
    out->layer = malloc((size_t)m->num_layers * sizeof *out->layer);
    out->data = calloc(more, sizeof *out->data);
    if (out->layer == NULL || out->data == NULL) {
        free(out->layer);
        free(out->data);
        return volley_fail("no memory for %zu weights", more);
    }
    memcpy(out->layer, m->layer, (size_t)m->num_layers * sizeof *out->layer);
    at = out->data;
    for (int i = 0; i < m->num_layers; i++) {
        nn_layer *l = &out->layer[i];
        const size_t c = (size_t)l->channels;

        if (l->op != NN_POOL)
            continue;
        l->op = NN_CONV;
        l->kernel_y = l->kernel_x = l->stride = 2;
        l->dilation_y = l->dilation_x = l->groups = 1;
        l->weight = at;
        for (size_t o = 0; o < c; o++)
            for (size_t k = 0; k < 4; k++)
                at[(o * c + o) * 4 + k] = 0.25f;
        at += c * c * 4;
        l->bias = at;
        at += c;
    }
    return VOLLEY_DONE;
}

/* ---- the ways ----------------------------------------------------------- */

#define RING(r) .ring_y = (r), .ring_x = (r)

static const study_way WAYS[] = {
    { "one image", { .images = 1 }, 1, false },
    { "ring 1", { .images = 1, RING(1) }, 1, false },
    { "ring 2", { .images = 1, RING(2) }, 1, false },
    { "ring 4", { .images = 1, RING(4) }, 1, false },
    { "ring 8", { .images = 1, RING(8) }, 1, false },
    { "dense: terms", { .images = 1, .dense = NN_DENSE_TERMS }, 1, false },
    { "dense: matrix", { .images = 1, .dense = NN_DENSE_MATRIX }, 1, false },
    { "dense: single", { .images = 1, .dense = NN_DENSE_SINGLE }, 1, false },
    { "means unfolded", { .images = 1 }, 1, true },
    { "44 bits", { .images = 1, .layer_bits = 44 }, 1, false },
    { "40 bits", { .images = 1, .layer_bits = 40 }, 1, false },
    { "38 bits", { .images = 1, .layer_bits = 38 }, 1, false },
    { "N = 2^14", { .images = 1, .log_n = 14 }, 1, false },
    { "N = 2^15", { .images = 1, .log_n = 15 }, 1, false },
    { "2 threads", { .images = 1 }, 2, false },
    { "many images", { .images = NN_MANY }, 1, false },
    { "many, ring 4", { .images = NN_MANY, RING(4) }, 1, false },
    { "many, ring 8", { .images = NN_MANY, RING(8) }, 1, false },
    { "many, ring 16", { .images = NN_MANY, RING(16) }, 1, false },
    { "many, N = 2^13", { .images = NN_MANY, .log_n = 13 }, 1, false },
    { "many, N = 2^14", { .images = NN_MANY, .log_n = 14 }, 1, false },
    { "many, complex slots", { .images = NN_MANY,
                               .slots = NN_SLOTS_COMPLEX }, 1, false },
    { "many, unfolded", { .images = NN_MANY }, 1, true },
    { "many, 40 bits", { .images = NN_MANY, .layer_bits = 40 }, 1, false },
    { "many, 2 threads", { .images = NN_MANY }, 2, false },
};

/* The network as it is, then with means unfolded if it has any. */
static int run_ways(study *s)
{
    const nn_model *folded = s->model;
    nn_model unfolded;
    bool any = false;
    int code = VOLLEY_DONE;

    for (int i = 0; i < folded->num_layers; i++)
        any |= folded->layer[i].op == NN_POOL;
    any = any && folded->border == NN_VALID;
    if (any)
        code = study_unfold(&unfolded, folded);
    for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS && code == VOLLEY_DONE;
         i++) {
        if (WAYS[i].unfolded && !any)
            continue;
        s->model = WAYS[i].unfolded ? &unfolded : folded;
        code = study_run(s, &WAYS[i]);
    }
    s->model = folded;
    if (any && code == VOLLEY_DONE) {
        free(unfolded.layer);
        free(unfolded.data);
    }
    return code;
}

static int with_images(const volley_args *a, const volley_source *source,
                       uni_album *album)
{
    volley_answers labels = {0};
    volley_input images = volley_album_input(album);
    const bool quick = a->value[OPT_QUICK] != NULL;
    study s = { .model = &source->model, .images = &images,
                .repeats = quick ? 1 : 3, .judged = quick ? 200 : 1000 };
    const char *folder = a->value[OPT_OUT];
    volley_names names = {0};
    uni_record record = {0};
    int code = volley_record(&record, album);

    if (code == VOLLEY_DONE)
        code = volley_names_init(&names, &record, album->images);
    if (code == VOLLEY_DONE)
        code = volley_answers_init(&labels, a, &source->plan, &names);
    s.label = labels.label;
    if (s.judged > album->images)
        s.judged = album->images;
    if (code == VOLLEY_DONE && folder != NULL)
        code = volley_folder(folder);
    if (code == VOLLEY_DONE)
        code = run_ways(&s);
    if (code == VOLLEY_DONE && !quick)
        code = study_literal(&s);
    if (code == VOLLEY_DONE)
        code = study_report(&s, folder);
    volley_answers_clear(&labels);
    volley_names_clear(&names);
    uni_record_clear(&record);
    return code;
}

static int study_all(const volley_args *a)
{
    const nn_aim one = { .images = 1 };
    uni_album album = {0};
    volley_source source;
    int code = volley_source_load(&source, a->word[0], true, NULL, &one);

    if (code != VOLLEY_DONE)
        return code;
    if (source.plan.num_classes == 0)
        code = volley_fail("%s gives a mask; a study is of a classifier",
                           source.path);
    if (code == VOLLEY_DONE)
        code = volley_album(&album, a, &source, a->word + 1,
                            a->words - 1);
    if (code == VOLLEY_DONE)
        code = with_images(a, &source, &album);
    uni_album_clear(&album);
    volley_source_clear(&source);
    return code;
}

static const volley_verb study_verb = {
    "study", "MODEL IMAGE... --labels FILE [-o DIR]",
    "a classifier by many packings: seconds, images an hour, accuracy",
    "Runs the network encrypted by one way after the other: rings, forms of\n"
    "dense layers, prime sizes, N, threads, and as the literal Volley\n"
    "Revolver.  Prints a table; writes it to DIR as NAME.md, NAME.csv and\n"
    "NAME.svg.  Takes minutes; --quick: fewer repeats, no literal run.\n",
    OPT_EVERY | OPT_BIT(OPT_FIRST) | OPT_BIT(OPT_COUNT) | OPT_BIT(OPT_FIT)
    | OPT_BIT(OPT_LABELS) | OPT_BIT(OPT_OUT) | OPT_BIT(OPT_QUICK),
    OPT_BIT(OPT_LABELS), 2, -1, study_all
};

int main(int argc, char **argv)
{
    return volley_run_alone(&study_verb, argc, argv);
}
