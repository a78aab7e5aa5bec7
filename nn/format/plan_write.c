/* plan_write.c -- the public part of a plan as JSON, and its fingerprint.
 *
 * Format: docs/conventions.md.
 */
#include <stdlib.h>
#include <string.h>

#include "format/expects.h"
#include "format/words.h"
#include "nn.h"

const char *const nni_border_words[] = { "wrap", "halo", "zero", "valid" };
const char *const nni_key_words[] = { "relin", "rotate", "conj" };

static void put_layout(nni_json_writer *w, const nn_plan *p)
{
    const nn_layout *l = &p->layout;

    nni_json_put_object(w, "layout");
    nni_json_put_int(w, "height", l->height);
    nni_json_put_int(w, "width", l->width);
    nni_json_put_int(w, "ring_y", l->ring_y);
    nni_json_put_int(w, "ring_x", l->ring_x);
    nni_json_put_int(w, "batch", l->batch);
    if (l->lanes > 0)
        nni_json_put_int(w, "lanes", l->lanes);
    nni_json_put_int(w, "core_height", p->core_height);
    nni_json_put_int(w, "core_width", p->core_width);
    nni_json_put_int(w, "halo", p->halo);
    if (p->scratch > 0)
        nni_json_put_int(w, "scratch", p->scratch);
    nni_json_put_end(w);
}

static void put_parameters(nni_json_writer *w, const ckks_params *p,
                           int scale_bits)
{
    nni_json_put_object(w, "parameters");
    nni_json_put_int(w, "log_n", p->log_n);
    nni_json_put_bool(w, "real", p->ring == CKKS_RING_REAL);
    nni_json_put_int(w, "security", p->security);
    nni_json_put_int(w, "dnum", p->dnum);
    nni_json_put_int(w, "fitted_special", p->fitted_special);
    nni_json_put_int(w, "scale_bits", scale_bits);
    nni_json_put_array(w, "primes");
    for (int i = 0; i < p->num_primes; i++)
        nni_json_put_word(w, NULL, p->primes[i]);
    nni_json_put_end(w);
    nni_json_put_array(w, "special");
    for (int i = 0; i < p->num_special; i++)
        nni_json_put_word(w, NULL, p->special[i]);
    nni_json_put_end(w);
    nni_json_put_end(w);
}

static void put_labels(nni_json_writer *w, const nn_plan *p)
{
    nni_json_put_array(w, "labels");
    for (int i = 0; i < p->num_labels; i++) {
        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "name", p->label_name[i]);
        nni_json_put_double(w, "max", p->label_max[i]);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

static void put_ends(nni_json_writer *w, const nn_plan *p)
{
    nni_json_put_object(w, "input");
    nni_json_put_int(w, "channels", p->channels);
    nni_json_put_double(w, "mul", p->mul);
    nni_json_put_double(w, "add", p->add);
    nni_json_put_int(w, "level", p->in_level);
    nni_json_put_double(w, "scale", p->in_scale);
    nni_json_put_end(w);
    nni_expects_put(w, &p->images);
    nni_json_put_object(w, "output");
    nni_json_put_int(w, "level", p->out_level);
    nni_json_put_double(w, "scale", p->out_scale);
    nni_json_put_int(w, "gap", p->out_gap);
    nni_json_put_int(w, "channels", p->out_channels);
    nni_json_put_int(w, "neurons", p->out_neurons);
    nni_json_put_int(w, "column", p->out_column);
    nni_json_put_double(w, "threshold", p->threshold);
    nni_json_put_string(w, "foreground", p->foreground);
    nni_json_put_array(w, "classes");
    for (int i = 0; i < p->num_classes; i++)
        nni_json_put_string(w, NULL, p->class_name[i]);
    nni_json_put_end(w);
    if (p->num_labels > 0)
        put_labels(w, p);
    nni_json_put_double(w, "max", p->logit_max);
    nni_json_put_double(w, "error_sd", p->error_sd);
    nni_json_put_end(w);
}

static void put_lists(nni_json_writer *w, const nn_plan *p)
{
    nni_json_put_array(w, "keys");
    for (size_t i = 0; i < p->num_keys; i++) {
        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "kind", nni_key_words[p->key[i].kind]);
        nni_json_put_int(w, "step", p->key[i].step);
        nni_json_put_int(w, "level", p->key[i].level);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
    nni_json_put_array(w, "steps");
    for (int i = 0; i < p->num_steps; i++) {
        const nn_step *s = &p->step[i];

        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "name", s->name);
        nni_json_put_bool(w, "square", s->square);
        nni_json_put_bool(w, "rotate_inputs", s->rotate_inputs);
        nni_json_put_int(w, "neurons", s->neurons);
        nni_json_put_int(w, "level", s->level);
        nni_json_put_double(w, "log_scale", s->log_scale);
        nni_json_put_int(w, "channels", s->channels);
        nni_json_put_int(w, "height", s->height);
        nni_json_put_int(w, "width", s->width);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

static ckks_status write_plan(nni_json_writer *w, const nn_plan *p, int indent)
{
    nni_json_writer_init(w, NULL, indent);
    nni_json_put_object(w, NULL);
    nni_json_put_string(w, "format", "volley-plan-1");
    nni_json_put_string(w, "name", p->name);
    nni_json_put_string(w, "border", nni_border_words[p->border]);
    put_layout(w, p);
    put_parameters(w, &p->params, p->scale_bits);
    put_ends(w, p);
    put_lists(w, p);
    nni_json_put_end(w);
    return nni_json_writer_finish(w);
}

ckks_status nn_plan_save(char **out, size_t *size, const nn_plan *p)
{
    nni_json_writer w;
    ckks_status st;
    char *text;

    if (out == NULL || size == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "nn_plan_save: null pointer");
    st = write_plan(&w, p, 1);
    text = st == CKKS_OK ? malloc(w.size + 1) : NULL;
    if (st == CKKS_OK && text == NULL)
        st = nn_fail(CKKS_EMEM, "nn_plan_save: no memory");
    if (st == CKKS_OK) {
        memcpy(text, w.data, w.size);
        text[w.size] = '\0';
        *out = text;
        *size = w.size;
    }
    nni_json_writer_clear(&w);
    return st;
}

ckks_status nn_plan_fingerprint(uint8_t out[16], const nn_plan *p)
{
    nni_json_writer w;
    ckks_status st;

    if (out == NULL || p == NULL)
        return nn_fail(CKKS_EARG, "nn_plan_fingerprint: null pointer");
    st = write_plan(&w, p, 0);
    if (st == CKKS_OK)
        ckks_blake2b(out, 16, (const uint8_t *)w.data, w.size, NULL, 0);
    nni_json_writer_clear(&w);
    return st;
}

