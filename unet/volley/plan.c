/* plan.c -- plan: what a network will cost, before any key exists. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

static const char *const plan_border[] = { "wrap", "halo", "zero", "valid" };

static void plan_print_layout(const nn_plan *p)
{
    const nn_layout *l = &p->layout;

    printf("%s: border %s, ", p->name, plan_border[p->border]);
    if (p->border == NN_HALO)
        printf("images of any size in tiles of %dx%d", p->core_height,
               p->core_width);
    else
        printf("images of %dx%d", p->core_height, p->core_width);
    if (l->height != p->core_height || l->width != p->core_width)
        printf(" (%dx%d %s)", l->height, l->width,
               p->border == NN_HALO ? "with the halo" : "as packed");
    printf(", %d a set\nring %dx%d of ciphertexts, grid %dx%d of %sslots; %d "
           "ciphertexts in, %d out\n", l->batch, l->ring_y, l->ring_x,
           l->grid_y, l->grid_x,
           p->params.ring == CKKS_RING_REAL ? "real " : "", nn_plan_inputs(p),
           nn_plan_outputs(p));
}

/* Seconds an image costs in sets that are full and not the first. */
static double plan_image_seconds(const nn_plan *p)
{
    return (p->seconds - p->fresh_seconds) / p->layout.batch;
}

static void plan_print_classes(const nn_plan *p)
{
    const double one = plan_image_seconds(p);

    printf("an image: about %.3g s in full sets of %d", one, p->layout.batch);
    if (one > 0)
        printf(1 / one < 99.5 ? ", %.2g images a second"
                              : ", %.0f images a second", 1 / one);
    printf("\n%d classes:", p->num_classes);
    for (int c = 0; c < p->num_classes; c++)
        printf("%s %s", c > 0 ? "," : "", p->class_name[c]);
    printf("\n");
}

static void plan_print_labels(const nn_plan *p)
{
    printf("%d labels:", p->num_labels);
    for (int k = 0; k < p->num_labels; k++)
        printf("%s %d %s (logits up to %.3g)", k > 0 ? "," : "", k,
               p->label_name[k], p->label_max[k]);
    printf("\n");
}

static void plan_print_params(const nn_plan *p)
{
    const ckks_params *c = &p->params;

    printf("N = 2^%d, %d primes and %d special, %d digits, log2 QP %.1f",
           c->log_n, c->num_primes, c->num_special, c->dnum, p->log_qp);
    if (p->security_bits > 0)
        printf(", about %.0f bits of security", p->security_bits);
    printf("\n\n");
}

static void plan_print_steps(const nn_plan *p)
{
    printf("%-14s %5s %6s %8s %5s %5s %9s %7s %7s %8s\n", "layer", "level",
           "scale", "channels", "rot", "relin", "products", "s", "MiB",
           "error");
    for (int i = 0; i < p->num_steps; i++) {
        const nn_step *s = &p->step[i];

        printf("%-14.14s %5d 2^%-4.1f %8d %5ld %5ld %9.0f %7.2f %7.0f %8.1e\n",
               s->name, s->level, s->log_scale, s->channels, s->rotations,
               s->relins, s->products, s->seconds, s->bytes / 1048576,
               s->error);
    }
}

/* Layers whose weights are lost, if there are any. */
static void plan_print_lossy(const nn_plan *p)
{
    int lossy = 0, worst = 0;

    for (int i = 0; i < p->num_steps; i++) {
        lossy += p->step[i].loss > NN_WEIGHTS_LOST;
        if (p->step[i].loss > p->step[worst].loss)
            worst = i;
    }
    if (lossy > 0)
        printf("small weights: of %d layer%s, most of all %s, they are off by "
               "up to %.0f %% of their\nsize once they are integers, so masks "
               "are others: compare volley clear with and without --float\n",
               lossy, lossy == 1 ? "" : "s", p->step[worst].name,
               100 * p->step[worst].loss);
}

/* Sums over the steps. */
typedef struct plan_sum {
    long rotations, relins;
    double products;
} plan_sum;

static plan_sum plan_total(const nn_plan *p)
{
    plan_sum sum = {0, 0, 0};

    for (int i = 0; i < p->num_steps; i++) {
        sum.rotations += p->step[i].rotations;
        sum.relins += p->step[i].relins;
        sum.products += p->step[i].products;
    }
    return sum;
}

void volley_print_plan(const nn_plan *p)
{
    char a[32], b[32], c[32], d[32], e[32], f[32];
    plan_sum sum = plan_total(p);

    volley_print_images(stdout, &p->images);
    plan_print_layout(p);
    plan_print_params(p);
    plan_print_steps(p);
    printf("%-14s %5s %6s %8s %5ld %5ld %9.0f %7.2f %7.0f %8.1e\n\n", "all",
           "", "", "", sum.rotations, sum.relins, sum.products, p->seconds,
           p->peak_bytes / 1048576, p->error_sd);
    printf("a set: about %s on %d thread%s with %s (%s of it for fresh memory, "
           "the first set only), %s of memory\n%s up, %s down; %zu keys, %s%s\n",
           volley_time(a, p->seconds), p->threads, p->threads == 1 ? "" : "s",
           p->kernel, volley_time(f, p->fresh_seconds),
           volley_bytes(b, p->peak_bytes), volley_bytes(c, p->upload_bytes),
           volley_bytes(d, p->download_bytes), p->num_keys,
           volley_bytes(e, p->key_bytes),
           p->keys_by_stage ? ", read as layers need them" : "");
    if (p->scratch > 0)
        printf("a scratch file of %s beside the result: %s written and read a "
               "set\n", volley_bytes(a, p->scratch_bytes),
               volley_bytes(b, p->scratch_moved));
    printf("logits up to %.3g with an error of %.1e (sd)%s\n", p->logit_max,
           p->error_sd, p->num_labels > 0 ? ", differences of two too" : "");
    plan_print_lossy(p);
    if (p->free_error_sd > 0 && p->error_sd > 2 * p->free_error_sd)
        printf("less memory for precision: without --memory the error would be "
               "%.1e, %.1f times smaller\n", p->free_error_sd,
               p->error_sd / p->free_error_sd);
    if (p->num_classes > 0)
        plan_print_classes(p);
    if (p->num_labels > 0)
        plan_print_labels(p);
}

static void plan_put_step(nni_json_writer *w, const nn_step *s)
{
    nni_json_put_object(w, NULL);
    nni_json_put_string(w, "name", s->name);
    nni_json_put_bool(w, "square", s->square);
    nni_json_put_int(w, "level", s->level);
    nni_json_put_double(w, "log2_scale", s->log_scale);
    nni_json_put_int(w, "channels", s->channels);
    nni_json_put_int(w, "height", s->height);
    nni_json_put_int(w, "width", s->width);
    nni_json_put_int(w, "ciphertexts", s->ciphertexts);
    nni_json_put_int(w, "rotations", s->rotations);
    nni_json_put_int(w, "relinearisations", s->relins);
    nni_json_put_double(w, "products", s->products);
    nni_json_put_double(w, "seconds", s->seconds);
    nni_json_put_double(w, "bytes", s->bytes);
    nni_json_put_double(w, "error", s->error);
    nni_json_put_double(w, "weights_loss", s->loss);
    nni_json_put_end(w);
}

static void plan_put_primes(nni_json_writer *w, const char *key,
                            const uint64_t *prime, int count)
{
    nni_json_put_array(w, key);
    for (int i = 0; i < count; i++)
        nni_json_put_word(w, NULL, prime[i]);
    nni_json_put_end(w);
}

static void plan_put_total(nni_json_writer *w, const nn_plan *p)
{
    plan_sum sum = plan_total(p);

    nni_json_put_object(w, "total");
    nni_json_put_int(w, "rotations", sum.rotations);
    nni_json_put_int(w, "relinearisations", sum.relins);
    nni_json_put_double(w, "products", sum.products);
    nni_json_put_string(w, "kernel", p->kernel);
    nni_json_put_int(w, "threads", p->threads);
    nni_json_put_double(w, "seconds", p->seconds);
    nni_json_put_double(w, "fresh_seconds", p->fresh_seconds);
    if (p->num_classes > 0) {
        nni_json_put_double(w, "seconds_an_image", plan_image_seconds(p));
        if (plan_image_seconds(p) > 0)
            nni_json_put_double(w, "images_a_second",
                               1 / plan_image_seconds(p));
    }
    nni_json_put_double(w, "peak_bytes", p->peak_bytes);
    if (p->scratch > 0) {
        nni_json_put_double(w, "scratch_bytes", p->scratch_bytes);
        nni_json_put_double(w, "scratch_moved_bytes", p->scratch_moved);
    }
    nni_json_put_double(w, "upload_bytes", p->upload_bytes);
    nni_json_put_double(w, "download_bytes", p->download_bytes);
    nni_json_put_word(w, "keys", p->num_keys);
    nni_json_put_double(w, "evaluation_key_bytes", p->key_bytes);
    nni_json_put_bool(w, "keys_by_stage", p->keys_by_stage);
    nni_json_put_double(w, "error", p->error_sd);
    if (p->free_error_sd > 0)
        nni_json_put_double(w, "error_without_limit", p->free_error_sd);
    nni_json_put_end(w);
}

static int plan_print_json(const nn_plan *p, const volley_explain *lines)
{
    const nn_layout *l = &p->layout;
    uint8_t id[16];
    char hex[33];
    nni_json_writer w;

    if (nn_plan_fingerprint(id, p) != CKKS_OK)
        return volley_fail("%s", nn_last_error());
    volley_hex(hex, id);
    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "name", p->name);
    nni_json_put_string(&w, "fingerprint", hex);
    nni_json_put_string(&w, "border", plan_border[p->border]);
    volley_put_images(&w, &p->images);
    nni_json_put_int(&w, "core_height", p->core_height);
    nni_json_put_int(&w, "core_width", p->core_width);
    nni_json_put_int(&w, "halo", p->halo);
    nni_json_put_int(&w, "height", l->height);
    nni_json_put_int(&w, "width", l->width);
    nni_json_put_int(&w, "ring_y", l->ring_y);
    nni_json_put_int(&w, "ring_x", l->ring_x);
    nni_json_put_int(&w, "grid_y", l->grid_y);
    nni_json_put_int(&w, "grid_x", l->grid_x);
    nni_json_put_int(&w, "batch", l->batch);
    nni_json_put_int(&w, "ciphertexts_in", nn_plan_inputs(p));
    nni_json_put_int(&w, "ciphertexts_out", nn_plan_outputs(p));
    nni_json_put_int(&w, "log_n", p->params.log_n);
    nni_json_put_bool(&w, "real", p->params.ring == CKKS_RING_REAL);
    plan_put_primes(&w, "primes", p->params.primes, p->params.num_primes);
    plan_put_primes(&w, "special", p->params.special, p->params.num_special);
    nni_json_put_int(&w, "dnum", p->params.dnum);
    nni_json_put_double(&w, "log_qp", p->log_qp);
    nni_json_put_double(&w, "security_bits", p->security_bits);
    if (p->num_classes > 0) {
        nni_json_put_array(&w, "classes");
        for (int c = 0; c < p->num_classes; c++)
            nni_json_put_string(&w, NULL, p->class_name[c]);
        nni_json_put_end(&w);
    }
    if (p->num_labels > 0) {
        nni_json_put_array(&w, "labels");
        for (int k = 0; k < p->num_labels; k++)
            nni_json_put_string(&w, NULL, p->label_name[k]);
        nni_json_put_end(&w);
    }
    nni_json_put_array(&w, "layers");
    for (int i = 0; i < p->num_steps; i++)
        plan_put_step(&w, &p->step[i]);
    nni_json_put_end(&w);
    plan_put_total(&w, p);
    if (lines->line != NULL)
        volley_explain_put(&w, lines, p);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

static int plan_save(const nn_plan *p, const char *path)
{
    char *text = NULL;
    size_t size;
    int code = volley_check(nn_plan_save(&text, &size, p));

    if (code == VOLLEY_DONE)
        code = volley_write(path, text, size, 0644);
    free(text);
    return code;
}

int volley_machine(const nn_machine **out, nn_machine *room,
                   const volley_args *a)
{
    const char *path = a->value[OPT_MACHINE];
    uint8_t *text = NULL;
    size_t size = 0;
    int code;

    *out = NULL;
    if (path == NULL)
        return VOLLEY_DONE;
    code = volley_read(&text, &size, path, VOLLEY_MACHINE_BYTES);
    if (code == VOLLEY_DONE
        && nn_machine_load(room, (const char *)text, size) != CKKS_OK)
        code = volley_fail("%s: %s", path, nn_last_error());
    ckks_file_free(text, size);
    if (code == VOLLEY_DONE)
        *out = room;
    return code;
}

/* The aim from the options; VOLLEY_DONE or VOLLEY_USAGE. */
static int plan_aim(nn_aim *aim, const volley_args *a)
{
    int memory, scratch, code;

    memset(aim, 0, sizeof *aim);
    code = volley_security(&aim->security, a);
    if (code == VOLLEY_DONE)
        code = volley_int(&aim->log_n, a, OPT_LOG_N, CKKS_MIN_LOG_N,
                          CKKS_MAX_LOG_N, 0);
    if (code == VOLLEY_DONE)
        code = volley_pair(&aim->ring_y, &aim->ring_x, a, OPT_RING, 4096);
    if (code == VOLLEY_DONE)
        code = volley_slots(&aim->slots, a);
    if (code == VOLLEY_DONE)
        code = volley_pair(&aim->height, &aim->width, a, OPT_TILE,
                           NN_MAX_SIDE);
    if (code == VOLLEY_DONE)
        code = volley_int(&aim->max_batch, a, OPT_BATCH, 1, 65536, 0);
    if (code == VOLLEY_DONE)
        code = volley_int(&memory, a, OPT_MEMORY, 1, 1 << 24, 0);
    if (code == VOLLEY_DONE)
        code = volley_int(&scratch, a, OPT_SCRATCH, 1, 1 << 24, 0);
    if (code == VOLLEY_DONE) {
        aim->max_memory = (size_t)memory << 20;
        aim->max_scratch = (size_t)scratch << 20;
    }
    if (code == VOLLEY_DONE)
        code = volley_goal(aim, a);
    return code;
}

/* Whether every layer of a network with border zero is one of halo, too: maps
 * keep their size, but for strides. */
static bool plan_fits_halo(const nn_model *m)
{
    bool fits = m->border == NN_ZERO && m->num_classes == 0;

    for (int i = 1; i < m->num_layers; i++) {
        const nn_layer *l = &m->layer[i], *x = &m->layer[l->in[0]];

        fits &= l->op != NN_DENSE;
        if (l->op == NN_CONV)
            fits &= (int64_t)l->height * l->stride == x->height
                    && (int64_t)l->width * l->stride == x->width;
    }
    return fits;
}

/* What the same layers would cost with border halo; nothing, if there is no
 * such plan. */
static int plan_print_halo(const volley_source *s, const nn_aim *aim)
{
    nn_plan *p;
    nn_model other = s->model;
    nn_aim as = *aim;
    char a[32], b[32], c[32], d[32];
    ckks_status st;

    if (!plan_fits_halo(&s->model))
        return VOLLEY_DONE;
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return volley_fail("no memory for a plan");
    other.border = NN_HALO;
    as.ring_y = as.ring_x = 0;
    st = nn_plan_make(p, &other, &as);
    if (st == CKKS_OK)
        printf("with border halo, which is another network near the edge, about"
               " %s a set of %d, %s of memory: %s an image in place of %s\n",
               volley_time(a, p->seconds), p->layout.batch,
               volley_bytes(b, p->peak_bytes),
               volley_time(c, plan_image_seconds(p)),
               volley_time(d, plan_image_seconds(&s->plan)));
    free(p);
    return st == CKKS_EMEM ? volley_check(st) : VOLLEY_DONE;
}

int volley_run_plan(const volley_args *a)
{
    const char *out = a->value[OPT_OUT];
    volley_source s;
    volley_explain lines = {0};
    nn_machine machine;
    nn_aim aim;
    int code = plan_aim(&aim, a);

    aim.threads = a->threads;
    if (code == VOLLEY_DONE)
        code = volley_machine(&aim.machine, &machine, a);
    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], true, NULL, &aim);
    if (code != VOLLEY_DONE)
        return code;
    if (out != NULL)
        code = plan_save(&s.plan, out);
    if (code == VOLLEY_DONE && a->value[OPT_EXPLAIN] != NULL)
        code = volley_explain_init(&lines, &s, aim.machine, aim.threads);
    if (code == VOLLEY_DONE && a->value[OPT_JSON] != NULL) {
        code = plan_print_json(&s.plan, &lines);
    } else if (code == VOLLEY_DONE) {
        volley_print_plan(&s.plan);
        code = plan_print_halo(&s, &aim);
        if (lines.line != NULL)
            printf("\n");
        if (lines.line != NULL)
            volley_explain_print(&lines, &s.plan);
    }
    volley_explain_clear(&lines);
    volley_source_clear(&s);
    return code;
}
