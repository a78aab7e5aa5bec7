/* report.c -- the same keys for `evaluate --json` and the demo's report. */
#include <math.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "volley.h"

int volley_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

void volley_report_init(volley_report *r, const volley_source *s)
{
    memset(r, 0, sizeof *r);
    r->batch = s->plan.layout.batch;
    r->dice_encrypted = r->dice_clear = r->pixels_differ = NAN;
    r->keygen = r->encrypt = r->evaluate = r->decrypt = r->setup = NAN;
    r->log_n = s->plan.params.log_n;
    r->log_qp = r->security_bits = NAN;
    r->peak_rss_mib = r->pool_mib = r->system = NAN;
    r->plan = &s->plan;
    r->threads = volley_threads();
    r->ranks = volley_ranks();
    if (s->ctx != NULL) {
        r->log_qp = ckks_ctx_log_qp(s->ctx);
        r->security_bits = ckks_ctx_security_bits(s->ctx);
        snprintf(r->kernel, sizeof r->kernel, "%s", ckks_ctx_kernel(s->ctx));
    }
}

static void put_known(nni_json_writer *w, const char *key, double x)
{
    if (isfinite(x))
        nni_json_put_double(w, key, x);
    else
        nni_json_put_null(w, key);
}

static void put_count(nni_json_writer *w, const char *key, uint64_t x)
{
    if (x != 0)
        nni_json_put_word(w, key, x);
    else
        nni_json_put_null(w, key);
}

/* What each layer took, beside what the plan says for all sets. */
static void put_layers(nni_json_writer *w, const volley_report *r)
{
    const nn_plan *p = r->plan;
    const double again = r->sets > 1 ? (double)r->sets - 1 : 0;

    put_known(w, "predicted_seconds",
              p->seconds > 0 ? p->seconds
                                   + again * (p->seconds - p->fresh_seconds)
                             : NAN);
    put_known(w, "fresh_seconds", p->seconds > 0 ? p->fresh_seconds : NAN);
    put_known(w, "system_seconds", r->system);
    put_known(w, "pool_mib", r->pool_mib);
    put_known(w, "predicted_mib",
              p->peak_bytes > 0 ? p->peak_bytes / 1048576 : NAN);
    nni_json_put_array(w, "layers");
    for (int i = 0; i < p->num_steps && r->layer[0] > 0; i++) {
        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "name", p->step[i].name);
        nni_json_put_double(w, "seconds", r->layer[i]);
        nni_json_put_double(w, "predicted", p->step[i].seconds);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

void volley_report_put(nni_json_writer *w, const volley_report *r)
{
    nni_json_put_object(w, NULL);
    put_count(w, "images", r->images);
    put_count(w, "sets", r->sets);
    nni_json_put_word(w, "sets_done_before", r->found);
    nni_json_put_int(w, "batch", r->batch);
    put_known(w, "dice_encrypted", r->dice_encrypted);
    put_known(w, "dice_clear", r->dice_clear);
    put_known(w, "pixels_differ", r->pixels_differ);
    nni_json_put_object(w, "seconds");
    put_known(w, "keygen", r->keygen);
    put_known(w, "encrypt", r->encrypt);
    put_known(w, "evaluate", r->evaluate);
    put_known(w, "setup", r->setup);
    put_known(w, "decrypt", r->decrypt);
    nni_json_put_end(w);
    nni_json_put_int(w, "ranks", r->ranks);
    nni_json_put_int(w, "threads", r->threads);
    if (r->kernel[0] != '\0')
        nni_json_put_string(w, "kernel", r->kernel);
    else
        nni_json_put_null(w, "kernel");
    nni_json_put_int(w, "log_n", r->log_n);
    put_known(w, "log_qp", r->log_qp);
    put_known(w, "security_bits", r->security_bits);
    put_known(w, "peak_rss_mib", r->peak_rss_mib);
    put_count(w, "upload_bytes", r->upload);
    put_count(w, "download_bytes", r->download);
    put_count(w, "evaluation_key_bytes", r->keys);
    if (r->plan != NULL)
        put_layers(w, r);
    if (r->explain != NULL)
        volley_explain_put(w, r->explain, r->plan);
    nni_json_put_end(w);
}
