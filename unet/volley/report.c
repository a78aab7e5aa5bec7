/* report.c -- the same keys for `evaluate --json` and the demo's report. */
#include <math.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "volley.h"

void volley_report_init(volley_report *r, const volley_source *s)
{
    memset(r, 0, sizeof *r);
    r->batch = s->plan.layout.batch;
    r->dice_encrypted = r->dice_clear = r->pixels_differ = NAN;
    r->keygen = r->encrypt = r->evaluate = r->decrypt = NAN;
    r->log_n = s->plan.params.log_n;
    r->log_qp = r->security_bits = NAN;
    r->peak_rss_mib = NAN;
    r->threads = 1;
#ifdef _OPENMP
    r->threads = omp_get_max_threads();
#endif
    if (s->ctx != NULL) {
        r->log_qp = ckks_ctx_log_qp(s->ctx);
        r->security_bits = ckks_ctx_security_bits(s->ctx);
        snprintf(r->kernel, sizeof r->kernel, "%s", ckks_ctx_kernel(s->ctx));
    }
}

static void put_known(nn_json_writer *w, const char *key, double x)
{
    if (isfinite(x))
        nn_json_put_double(w, key, x);
    else
        nn_json_put_null(w, key);
}

static void put_count(nn_json_writer *w, const char *key, uint64_t x)
{
    if (x != 0)
        nn_json_put_word(w, key, x);
    else
        nn_json_put_null(w, key);
}

void volley_report_put(nn_json_writer *w, const volley_report *r)
{
    nn_json_put_object(w, NULL);
    put_count(w, "images", r->images);
    put_count(w, "sets", r->sets);
    nn_json_put_int(w, "batch", r->batch);
    put_known(w, "dice_encrypted", r->dice_encrypted);
    put_known(w, "dice_clear", r->dice_clear);
    put_known(w, "pixels_differ", r->pixels_differ);
    nn_json_put_object(w, "seconds");
    put_known(w, "keygen", r->keygen);
    put_known(w, "encrypt", r->encrypt);
    put_known(w, "evaluate", r->evaluate);
    put_known(w, "decrypt", r->decrypt);
    nn_json_put_end(w);
    nn_json_put_int(w, "threads", r->threads);
    if (r->kernel[0] != '\0')
        nn_json_put_string(w, "kernel", r->kernel);
    else
        nn_json_put_null(w, "kernel");
    nn_json_put_int(w, "log_n", r->log_n);
    put_known(w, "log_qp", r->log_qp);
    put_known(w, "security_bits", r->security_bits);
    put_known(w, "peak_rss_mib", r->peak_rss_mib);
    put_count(w, "upload_bytes", r->upload);
    put_count(w, "download_bytes", r->download);
    put_count(w, "evaluation_key_bytes", r->keys);
    nn_json_put_end(w);
}
