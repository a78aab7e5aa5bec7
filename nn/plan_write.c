/* plan_write.c -- the public part of a plan as JSON, and its fingerprint.
 *
 * Format: docs/conventions.md.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "net.h"

const char *const net_border_words[] = { "wrap", "halo", "zero", "valid" };
const char *const net_key_words[] = { "relin", "rotate", "conj" };

static void put_layout(nn_json_writer *w, const nn_plan *p)
{
    const nn_layout *l = &p->layout;

    nn_json_put_object(w, "layout");
    nn_json_put_int(w, "height", l->height);
    nn_json_put_int(w, "width", l->width);
    nn_json_put_int(w, "ring_y", l->ring_y);
    nn_json_put_int(w, "ring_x", l->ring_x);
    nn_json_put_int(w, "batch", l->batch);
    nn_json_put_int(w, "core_height", p->core_height);
    nn_json_put_int(w, "core_width", p->core_width);
    nn_json_put_int(w, "halo", p->halo);
    nn_json_put_end(w);
}

static void put_parameters(nn_json_writer *w, const ckks_params *p,
                           int scale_bits)
{
    nn_json_put_object(w, "parameters");
    nn_json_put_int(w, "log_n", p->log_n);
    nn_json_put_bool(w, "real", p->ring == CKKS_RING_REAL);
    nn_json_put_int(w, "security", p->security);
    nn_json_put_int(w, "dnum", p->dnum);
    nn_json_put_int(w, "fitted_special", p->fitted_special);
    nn_json_put_int(w, "scale_bits", scale_bits);
    nn_json_put_array(w, "primes");
    for (int i = 0; i < p->num_primes; i++)
        nn_json_put_word(w, NULL, p->primes[i]);
    nn_json_put_end(w);
    nn_json_put_array(w, "special");
    for (int i = 0; i < p->num_special; i++)
        nn_json_put_word(w, NULL, p->special[i]);
    nn_json_put_end(w);
    nn_json_put_end(w);
}

static void put_ends(nn_json_writer *w, const nn_plan *p)
{
    nn_json_put_object(w, "input");
    nn_json_put_int(w, "channels", p->channels);
    nn_json_put_double(w, "mul", p->mul);
    nn_json_put_double(w, "add", p->add);
    nn_json_put_int(w, "level", p->in_level);
    nn_json_put_double(w, "scale", p->in_scale);
    nn_json_put_end(w);
    nn_json_put_object(w, "output");
    nn_json_put_int(w, "level", p->out_level);
    nn_json_put_double(w, "scale", p->out_scale);
    nn_json_put_int(w, "gap", p->out_gap);
    nn_json_put_int(w, "channels", p->out_channels);
    nn_json_put_int(w, "neurons", p->out_neurons);
    nn_json_put_int(w, "column", p->out_column);
    nn_json_put_double(w, "threshold", p->threshold);
    nn_json_put_string(w, "foreground", p->foreground);
    nn_json_put_array(w, "classes");
    for (int i = 0; i < p->num_classes; i++)
        nn_json_put_string(w, NULL, p->class_name[i]);
    nn_json_put_end(w);
    nn_json_put_double(w, "max", p->logit_max);
    nn_json_put_double(w, "error_sd", p->error_sd);
    nn_json_put_end(w);
}

static void put_lists(nn_json_writer *w, const nn_plan *p)
{
    nn_json_put_array(w, "keys");
    for (size_t i = 0; i < p->num_keys; i++) {
        nn_json_put_object(w, NULL);
        nn_json_put_string(w, "kind", net_key_words[p->key[i].kind]);
        nn_json_put_int(w, "step", p->key[i].step);
        nn_json_put_int(w, "level", p->key[i].level);
        nn_json_put_end(w);
    }
    nn_json_put_end(w);
    nn_json_put_array(w, "steps");
    for (int i = 0; i < p->num_steps; i++) {
        const nn_step *s = &p->step[i];

        nn_json_put_object(w, NULL);
        nn_json_put_string(w, "name", s->name);
        nn_json_put_bool(w, "square", s->square);
        nn_json_put_bool(w, "rotate_inputs", s->rotate_inputs);
        nn_json_put_int(w, "neurons", s->neurons);
        nn_json_put_int(w, "level", s->level);
        nn_json_put_double(w, "log_scale", s->log_scale);
        nn_json_put_int(w, "channels", s->channels);
        nn_json_put_int(w, "height", s->height);
        nn_json_put_int(w, "width", s->width);
        nn_json_put_end(w);
    }
    nn_json_put_end(w);
}

static ckks_status write_plan(nn_json_writer *w, const nn_plan *p, int indent)
{
    nn_json_writer_init(w, NULL, indent);
    nn_json_put_object(w, NULL);
    nn_json_put_string(w, "format", "volley-plan-1");
    nn_json_put_string(w, "name", p->name);
    nn_json_put_string(w, "border", net_border_words[p->border]);
    put_layout(w, p);
    put_parameters(w, &p->params, p->scale_bits);
    put_ends(w, p);
    put_lists(w, p);
    nn_json_put_end(w);
    return nn_json_writer_finish(w);
}

ckks_status nn_plan_save(char **out, size_t *size, const nn_plan *p)
{
    nn_json_writer w;
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
    nn_json_writer_clear(&w);
    return st;
}

void nn_plan_fingerprint(uint8_t out[16], const nn_plan *p)
{
    nn_json_writer w;

    memset(out, 0, 16);
    if (write_plan(&w, p, 0) == CKKS_OK)
        ckks_blake2b(out, 16, (const uint8_t *)w.data, w.size, NULL, 0);
    nn_json_writer_clear(&w);
}

