/* evaluate.c -- evaluate: the network, with evaluation keys alone.
 *
 * Nothing here, or called from here, decrypts or reads a secret key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "volley.h"

/* ---- what was done before ------------------------------------------------ */

/* What names all that a set of the result depends on. */
typedef struct evaluate_marks {
    uint8_t plan[UNET_ID], request[UNET_ID], keys[UNET_ID], weights[UNET_ID],
            inputs[UNET_ID], part[UNET_ID];
    char version[UNET_ID];
} evaluate_marks;

/* Of a file of any length, piece by piece: every digest is of the one before
 * and a piece. */
static int evaluate_digest(uint8_t out[UNET_ID], const char *path)
{
    static uint8_t piece[UNET_ID + (1 << 20)];
    FILE *f = fopen(path, "rb");
    size_t n = f != NULL ? sizeof piece : 0;
    int code = VOLLEY_DONE;

    memset(piece, 0, UNET_ID);
    errno = 0;
    while (n == sizeof piece) {
        n = UNET_ID + fread(piece + UNET_ID, 1, sizeof piece - UNET_ID, f);
        ckks_blake2b(piece, UNET_ID, piece, n, NULL, 0);
    }
    if (f == NULL || ferror(f))
        code = volley_fail("reading %s: %s", path,
                           strerror(errno != 0 ? errno : EIO));
    if (f != NULL)
        (void)fclose(f);
    memcpy(out, piece, UNET_ID);
    return code;
}

static void evaluate_found(void *user, size_t sets, int other)
{
    volley_progress *p = user;

    p->found = sets;
    if (other)
        volley_warn("%s.partial is of other inputs, keys or weights, or "
                    "another plan or part: begun anew", p->path);
    else if (sets > 0)
        fprintf(stderr, "%s.partial: %zu of %zu set%s done before, going on "
                "with the next\n", p->path, sets, p->all,
                p->all == 1 ? " was" : "s were");
}

/* marks: with keys and part. */
static int evaluate_mark(unet_keep *out, evaluate_marks *marks,
                         const volley_source *s, const char *in_path)
{
    unet_reader *reader = NULL;
    unet_info info;
    int code = volley_check(unet_reader_open(&reader, in_path, &s->plan,
                                             UNET_INPUT));

    if (code != VOLLEY_DONE)
        return code;
    unet_reader_info(&info, reader);
    unet_reader_close(&reader);
    memcpy(marks->plan, info.plan, UNET_ID);
    memcpy(marks->request, info.request, UNET_ID);
    ckks_blake2b(marks->weights, UNET_ID, (const uint8_t *)s->model.data,
                 s->model.data_count * sizeof *s->model.data, NULL, 0);
    snprintf(marks->version, sizeof marks->version, "%s", CKKS_VERSION);
    code = evaluate_digest(marks->inputs, in_path);
    ckks_blake2b(out->mark, UNET_ID, (const uint8_t *)marks, sizeof *marks,
                 NULL, 0);
    return code;
}

/* ---- the work ------------------------------------------------------------ */

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

/* What is kept until all is done lies beside the result. */
static int evaluate_place(const char *out_path)
{
    char *path = malloc(strlen(out_path) + sizeof ".partial");
    int code;

    if (path == NULL)
        return volley_fail("no memory for a name");
    strcpy(path, out_path);
    strcat(path, ".partial");
    code = volley_check_place(path);
    free(path);
    return code;
}

/* What the network runs with. */
typedef struct evaluate_hand {
    ckks_keys *keys;
    nn_weights *weights;
    unet_keep keep;
    bool kept;                  /* sets are kept: there are several          */
} evaluate_hand;

static int evaluate_ready(evaluate_hand *h, volley_source *s,
                          const char *keys_path, const char *in_path,
                          const unet_part *part, const char *out_path,
                          volley_report *report)
{
    evaluate_marks marks = {0};
    int code = VOLLEY_DONE;

    h->kept = part->count > 1;
    memcpy(marks.part, part, sizeof *part);
    if (h->kept)
        code = evaluate_place(out_path);
    if (code == VOLLEY_DONE)
        code = volley_load_keys(&h->keys, &report->keys,
                                h->kept ? marks.keys : NULL, s, keys_path);
    if (code == VOLLEY_DONE && h->kept)
        code = evaluate_mark(&h->keep, &marks, s, in_path);
    if (code == VOLLEY_DONE)
        code = volley_check(nn_weights_init(&h->weights, &s->model,
                                            &s->plan));
    if (code == VOLLEY_DONE)
        code = volley_check(nn_weights_encode(h->weights, s->ctx));
    return code;
}

static int evaluate_sets(evaluate_hand *h, volley_source *s,
                         const char *in_path, const unet_part *part,
                         const char *out_path, volley_report *report,
                         volley_explain *explain)
{
    volley_progress progress;
    unet_done done = {0};
    ckks_status status;

    volley_progress_init(&progress, "evaluate");
    volley_progress_explain(&progress, explain);
    progress.path = out_path;
    progress.all = part->count;
    h->keep.found = evaluate_found;
    h->keep.user = &progress;
    report->system = -volley_system_time();
    status = unet_evaluate(out_path, &done, in_path, part,
                           h->kept ? &h->keep : NULL, &s->plan, h->weights,
                           s->ctx, h->keys, &progress.hooks);
    volley_progress_end(&progress);
    report->system += volley_system_time();
    memcpy(report->layer, progress.layer, sizeof report->layer);
    report->images = done.images;
    report->sets = done.sets;
    report->found = done.found;
    report->upload = done.upload;
    report->download = done.download;
    return volley_check(status);
}

/* The part that needs pages: they are the context's memory. */
static int evaluate_with_pages(volley_source *s, nn_pages *pages,
                               const char *keys_path, const char *in_path,
                               const unet_part *part, const char *out_path,
                               volley_report *report, volley_explain *explain)
{
    const ckks_memory memory = nn_pages_memory(pages);
    const double start = volley_clock();
    evaluate_hand h = {0};
    int code = volley_source_context(s, &memory);

    if (code == VOLLEY_DONE) {
        volley_report_init(report, s);
        code = evaluate_ready(&h, s, keys_path, in_path, part, out_path,
                              report);
    }
    report->setup = volley_clock() - start;
    if (code == VOLLEY_DONE)
        code = evaluate_sets(&h, s, in_path, part, out_path, report, explain);
    report->evaluate = volley_clock() - start;
    report->peak_rss_mib = volley_peak_rss();
    report->pool_mib = (double)nn_pages_peak(pages) / 1048576;
    nn_weights_clear(&h.weights);
    ckks_keys_clear(&h.keys);
    ckks_ctx_clear(&s->ctx);
    return code;
}

/* Before any work: how much of it, by the plan's costs. */
static void evaluate_state(const nn_plan *p, size_t sets)
{
    char one[32], all[32];

    if (p->seconds > 0)
        fprintf(stderr, "%s: %zu set%s, about %s each on %d thread%s, %s in "
                "all\n", p->name, sets, sets == 1 ? "" : "s",
                volley_time(one, p->seconds), p->threads,
                p->threads == 1 ? "" : "s",
                volley_time(all, p->seconds + (double)(sets - 1)
                                     * (p->seconds - p->fresh_seconds)));
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

    if (code == VOLLEY_DONE && report->state)
        evaluate_state(&s->plan, sets.count);
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
    report.state = a->value[OPT_JSON] == NULL;
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
