/* evaluate.c -- evaluate: the network, with evaluation keys alone.
 *
 * Nothing here, or called from here, decrypts or reads a secret key.
 */
#include <string.h>

#include "volley.h"

/* No key file of this plan is larger: 16 bytes a word pair, two polynomials a
 * digit, and no seeds. */
static size_t evaluate_most_key_bytes(const nn_plan *p)
{
    size_t words = 0;

    for (size_t i = 0; i < p->num_keys; i++)
        words += (size_t)p->params.dnum
                 * (size_t)(p->key[i].level + 1 + p->params.num_special);
    return ((size_t)1 << 20) + words * 2 * p->layout.slots * 16;
}

static int evaluate_load_keys(ckks_keys **out, uint64_t *bytes,
                            const volley_source *s, const char *path)
{
    uint8_t *data = NULL;
    size_t size;
    int code = volley_read(&data, &size, path,
                           evaluate_most_key_bytes(&s->plan));

    if (code != VOLLEY_DONE)
        return code;
    code = volley_check_ckks(ckks_keys_load(out, s->ctx, data, size), path);
    ckks_file_free(data, size);
    *bytes = size;
    if (code == VOLLEY_DONE && unet_check_keys(&s->plan, *out) != CKKS_OK)
        code = volley_fail("%s: %s", path, nn_last_error());
    return code;
}

/* "K/N" of what a file holds; NULL: all of it. */
static int evaluate_part(unet_part *out, const char *text, const char *path,
                       const nn_plan *p)
{
    unet_reader *reader = NULL;
    unet_info info;
    unsigned k = 0, n = 0;
    char more;
    int code = volley_check(unet_reader_open(&reader, path, p, UNET_INPUT));

    if (code != VOLLEY_DONE)
        return code;
    unet_reader_info(&info, reader);
    unet_reader_close(&reader);
    *out = info.part;
    if (text == NULL)
        return VOLLEY_DONE;
    if (sscanf(text, "%5u/%5u%c", &k, &n, &more) != 2 || k < 1 || k > n)
        return volley_usage("--part '%s' is not K/N with 1 <= K <= N", text);
    out->first = info.part.first + info.part.count * (k - 1) / n;
    out->count = info.part.first + info.part.count * k / n - out->first;
    if (out->count == 0)
        return volley_fail("--part %s of %zu sets is none of them", text,
                           info.part.count);
    return VOLLEY_DONE;
}

/* The part that needs pages: they are the context's memory. */
static int evaluate_with_pages(volley_source *s, nn_pages *pages,
                            const char *keys_path, const char *in_path,
                            const unet_part *part, const char *out_path,
                            volley_report *report, volley_explain *explain)
{
    const ckks_memory memory = nn_pages_memory(pages);
    const double start = volley_clock();
    volley_progress progress;
    ckks_keys *keys = NULL;
    nn_weights *weights = NULL;
    unet_done done = {0};
    int code = volley_source_context(s, &memory);

    if (code == VOLLEY_DONE) {
        volley_report_init(report, s);
        code = evaluate_load_keys(&keys, &report->keys, s, keys_path);
    }
    if (code == VOLLEY_DONE)
        code = volley_check(nn_weights_init(&weights, &s->model, &s->plan));
    if (code == VOLLEY_DONE)
        code = volley_check(nn_weights_encode(weights, s->ctx));
    report->setup = volley_clock() - start;
    if (code == VOLLEY_DONE) {
        volley_progress_init(&progress, "evaluate");
        volley_progress_explain(&progress, explain);
        report->system = -volley_system_time();
        if (unet_evaluate(out_path, &done, in_path, part, &s->plan, weights,
                          s->ctx, keys, &progress.hooks)
            != CKKS_OK)
            code = VOLLEY_FAILED;
        volley_progress_end(&progress);
        report->system += volley_system_time();
        memcpy(report->layer, progress.layer, sizeof report->layer);
        if (code != VOLLEY_DONE)
            (void)volley_fail("%s", nn_last_error());
    }
    report->images = done.images;
    report->sets = done.sets;
    report->upload = done.upload;
    report->download = done.download;
    report->evaluate = volley_clock() - start;
    report->peak_rss_mib = volley_peak_rss();
    report->pool_mib = (double)nn_pages_peak(pages) / 1048576;
    nn_weights_clear(&weights);
    ckks_keys_clear(&keys);
    ckks_ctx_clear(&s->ctx);
    return code;
}

int volley_evaluate(volley_source *s, const char *keys_path,
                    const char *in_path, const char *part,
                    const char *out_path, volley_report *report,
                    volley_explain *explain)
{
    nn_pages *pages = NULL;
    unet_part sets = {0};
    int code = volley_check_place(out_path);

    if (code == VOLLEY_DONE)
        code = evaluate_part(&sets, part, in_path, &s->plan);

    if (code == VOLLEY_DONE)
        code = volley_check(nn_pages_init(&pages));
    if (code != VOLLEY_DONE)
        return code;
    code = evaluate_with_pages(s, pages, keys_path, in_path, &sets, out_path,
                              report, explain);
    nn_pages_clear(&pages);
    return code;
}

static void evaluate_print(const volley_report *r, const char *out)
{
    char time[32], size[32];

    printf("%s: %zu image%s in %zu set%s, %s with %d thread%s on %s, peak "
           "%.0f MiB, %s\n", out, r->images, r->images == 1 ? "" : "s",
           r->sets, r->sets == 1 ? "" : "s", volley_time(time, r->evaluate),
           r->threads, r->threads == 1 ? "" : "s", r->kernel, r->peak_rss_mib,
           volley_bytes(size, (double)r->download));
}

int volley_run_evaluate(const volley_args *a)
{
    const double start = volley_clock();
    volley_source s;
    volley_report report = {0};
    volley_explain lines = {0};
    nn_machine machine;
    const nn_machine *given = NULL;
    nn_aim aim = {0};
    int code = volley_machine(&given, &machine, a);

    aim.threads = volley_threads();
    if (code == VOLLEY_DONE)
        code = volley_goal(&aim, a);
    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], true, a->value[OPT_PLAN],
                                  &aim);
    if (code != VOLLEY_DONE)
        return code;
    /* the machine foretells, it does not choose: that was agreed on before */
    if (given != NULL
        && nn_plan_price(&s.plan, &s.model, given, aim.threads) != CKKS_OK) {
        volley_source_clear(&s);
        return volley_fail("%s", nn_last_error());
    }
    if (a->value[OPT_EXPLAIN] != NULL)
        code = volley_explain_init(&lines, &s, given, aim.threads);
    if (code == VOLLEY_DONE)
        code = volley_evaluate(&s, a->value[OPT_KEYS], a->word[1],
                               a->value[OPT_PART], a->value[OPT_OUT], &report,
                               lines.line == NULL ? NULL : &lines);
    report.evaluate = volley_clock() - start;
    report.explain = lines.line == NULL ? NULL : &lines;
    if (code == VOLLEY_DONE && a->value[OPT_JSON] != NULL) {
        nni_json_writer w;

        nni_json_writer_init(&w, stdout, 2);
        volley_report_put(&w, &report);
        code = volley_json_end(&w);
    } else if (code == VOLLEY_DONE) {
        evaluate_print(&report, a->value[OPT_OUT]);
        if (lines.line != NULL)
            volley_explain_print(&lines, &s.plan);
    }
    volley_explain_clear(&lines);
    volley_source_clear(&s);
    return code;
}
