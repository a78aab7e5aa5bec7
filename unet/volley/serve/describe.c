/* describe.c -- models, uploads and jobs as clients see them. */
#include <math.h>
#include <string.h>

#include "http.h"

enum { DESCRIBE_MISSING = 1000 };

void serve_put_models(nni_json_writer *w, const serve *s)
{
    nni_json_put_array(w, "models");
    for (size_t i = 0; i < s->models; i++) {
        const serve_model *m = &s->model[i];
        char hex[33];

        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "name", m->name);
        volley_hex(hex, m->name_of_plan);
        nni_json_put_string(w, "plan", hex);
        nni_json_put_word(w, "plan_bytes", m->size);
        nni_json_put_word(w, "keys_bytes", m->keys);
        nni_json_put_word(w, "upload_bytes", m->cost.upload);
        nni_json_put_word(w, "download_bytes", m->cost.download);
        nni_json_put_int(w, "images_a_set", m->plan->layout.batch);
        if (m->plan->seconds > 0)
            nni_json_put_double(w, "seconds", m->plan->seconds);
        else
            nni_json_put_null(w, "seconds");
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

void serve_put_upload(nni_json_writer *w, const serve_item *x)
{
    int told = 0;

    nni_json_put_string(w, "kind", x->of_job ? "job" : "keys");
    nni_json_put_word(w, "bytes", x->bytes);
    nni_json_put_word(w, "piece_bytes", x->piece);
    nni_json_put_word(w, "pieces", x->pieces);
    nni_json_put_array(w, "missing");
    for (uint32_t k = 0; k < x->pieces && told < DESCRIBE_MISSING; k++)
        if (!(x->have[k] & (SERVE_HAVE | SERVE_AGAIN))) {
            nni_json_put_word(w, NULL, k);
            told++;
        }
    nni_json_put_end(w);
}

void serve_put_progress(nni_json_writer *w, const serve_item *x)
{
    const serve_progress *p = &x->progress;

    nni_json_put_int(w, "set", p->set);
    nni_json_put_int(w, "sets", p->sets);
    nni_json_put_string(w, "layer", p->layer);
    nni_json_put_int(w, "level", p->level);
    nni_json_put_double(w, "done", p->done);
    nni_json_put_double(w, "left", p->left);
}

/* A job runs, but has said nothing yet; or it does not run. */
static void describe_no_progress(nni_json_writer *w, const serve_item *x)
{
    nni_json_put_null(w, "set");
    nni_json_put_word(w, "sets", x->sets);
    nni_json_put_null(w, "layer");
    nni_json_put_null(w, "level");
    nni_json_put_double(w, "done", x->state == SERVE_DONE ? 1 : 0);
    nni_json_put_null(w, "left");
}

void serve_put_job(nni_json_writer *w, const serve *s, const serve_item *x)
{
    static const char *const state[] = { "queued", "running", "done",
                                         "failed" };

    nni_json_put_string(w, "state", x->gone ? "failed" : state[x->state]);
    nni_json_put_word(w, "place", serve_place(s, x));
    if (x->state == SERVE_RUNNING && x->progress.set > 0)
        serve_put_progress(w, x);
    else
        describe_no_progress(w, x);
    if (x->state == SERVE_DONE)
        nni_json_put_word(w, "bytes", x->result);
    else
        nni_json_put_null(w, "bytes");
    if (x->gone || x->state == SERVE_FAILED)
        nni_json_put_string(w, "error", x->gone ? "it was cancelled"
                                                : x->error);
    else
        nni_json_put_null(w, "error");
    if (x->expires > 0)
        nni_json_put_int(w, "expires", x->expires);
    else
        nni_json_put_null(w, "expires");
}
