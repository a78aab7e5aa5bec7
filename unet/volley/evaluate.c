/* evaluate.c -- evaluate: the network, with evaluation keys alone.
 *
 * Nothing here, or called from here, decrypts or reads a secret key.
 */
#include <stdlib.h>
#include <string.h>

#include "evaluate.h"

/* ---- what was done before ------------------------------------------------ */

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

/* ---- the work ------------------------------------------------------------ */

/* "K/N" of what the file of inputs holds; NULL: all of it. */
static int evaluate_part(evaluate_hand *h, const char *text)
{
    unet_reader *reader = NULL;
    unet_info info;
    unsigned k = 0, n = 0;
    char more;
    int code = volley_check(unet_reader_open(&reader, h->in_path,
                                             &h->source->plan, UNET_INPUT));

    if (code != VOLLEY_DONE)
        return code;
    unet_reader_info(&info, reader);
    unet_reader_close(&reader);
    h->part = info.part;
    h->is_part = text != NULL || volley_ranks() > 1;
    if (text == NULL)
        return VOLLEY_DONE;
    if (sscanf(text, "%5u/%5u%c", &k, &n, &more) != 2 || k < 1 || k > n)
        return volley_usage("--part '%s' is not K/N with 1 <= K <= N", text);
    h->part.first = info.part.first + info.part.count * (k - 1) / n;
    h->part.count = info.part.first + info.part.count * k / n - h->part.first;
    if (h->part.count == 0)
        volley_warn("--part %s of %zu set%s is none of them, and a set cannot "
                    "be cut: %s becomes a part without sets, for join", text,
                    info.part.count, info.part.count == 1 ? "" : "s",
                    h->out_path);
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

static int evaluate_ready(evaluate_hand *h, volley_report *report)
{
    volley_source *s = h->source;
    const bool kept = h->part.count > 1 && volley_ranks() == 1;
    const bool marked = kept || h->is_part;
    int code = kept ? evaluate_place(h->out_path) : VOLLEY_DONE;

    if (code == VOLLEY_DONE)
        code = volley_load_keys(&h->keys, &h->key_file, &report->keys,
                                marked ? h->keys_name : NULL, s,
                                h->keys_path);
    if (code == VOLLEY_DONE && marked)
        code = evaluate_mark(h, kept);
    if (code == VOLLEY_DONE)
        code = volley_check(nn_weights_init(&h->weights, &s->model,
                                            &s->plan));
    if (code == VOLLEY_DONE)
        code = volley_check(nn_weights_encode(h->weights, s->ctx));
    return code;
}

static int evaluate_sets(evaluate_hand *h, volley_report *report,
                         volley_explain *explain)
{
    const volley_source *s = h->source;
    volley_progress progress;
    unet_done done = {0};
    ckks_status status;

    volley_progress_init(&progress, "evaluate");
    volley_progress_show(&progress, report->shown);
    volley_progress_explain(&progress, explain);
    progress.path = h->out_path;
    progress.all = h->part.count;
    h->keep.found = evaluate_found;
    h->keep.user = &progress;
    status = unet_evaluate(h->out_path, &done, h->in_path, &h->part, &h->keep,
                           &s->plan, h->weights, s->ctx, h->keys,
                           &progress.hooks);
    volley_progress_end(&progress);
    memcpy(report->layer, progress.layer, sizeof report->layer);
    report->images = done.images;
    report->sets = done.sets;
    report->found = done.found;
    report->upload = done.upload;
    report->download = done.download;
    return volley_check(status);
}

/* The part that needs pages: they are the context's memory. */
static int evaluate_with_pages(evaluate_hand *h, nn_pages *pages,
                               volley_report *report, volley_explain *explain)
{
    const ckks_memory memory = nn_pages_memory(pages);
    const double start = volley_clock();
    const volley_shown shown = report->shown;
    int code = volley_source_context(h->source, &memory);

    if (code == VOLLEY_DONE) {
        volley_report_init(report, h->source);
        report->shown = shown;
        code = evaluate_ready(h, report);
    }
    code = volley_ranks_agree(code);
    report->setup = volley_clock() - start;
    report->system = -volley_system_time();
    if (code == VOLLEY_DONE)
        code = volley_ranks() > 1 ? evaluate_shared(h, report)
                                  : evaluate_sets(h, report, explain);
    report->system += volley_system_time();
    report->evaluate = volley_clock() - start;
    report->peak_rss_mib = code == VOLLEY_DONE
                           ? volley_ranks_most(volley_peak_rss())
                           : volley_peak_rss();
    report->pool_mib = (double)nn_pages_peak(pages) / 1048576;
    nn_weights_clear(&h->weights);
    ckks_keys_clear(&h->keys);
    volley_key_file_close(&h->key_file);
    ckks_ctx_clear(&h->source->ctx);
    return code;
}

/* Before any work: how much of it, by the plan's costs. */
static void evaluate_state(const nn_plan *p, size_t sets)
{
    const size_t ranks = (size_t)volley_ranks();
    const double turns = (double)((sets + ranks - 1) / ranks);
    char one[32], all[32];

    if (p->seconds > 0)
        fprintf(stderr, "%s: %zu set%s, about %s each on %d thread%s, %s in "
                "all\n", p->name, sets, sets == 1 ? "" : "s",
                volley_time(one, p->seconds), p->threads,
                p->threads == 1 ? "" : "s",
                volley_time(all, p->seconds + (turns - 1)
                                     * (p->seconds - p->fresh_seconds)));
}

int volley_evaluate(volley_source *s, const char *keys_path,
                    const char *in_path, const char *part,
                    const char *out_path, volley_report *report,
                    volley_explain *explain)
{
    nn_pages *pages = NULL;
    evaluate_hand h = { .source = s, .keys_path = keys_path,
                        .key_file = { .fd = -1 },
                        .in_path = in_path, .out_path = out_path };
    int code = volley_check_place(out_path);

    if (code == VOLLEY_DONE)
        code = evaluate_part(&h, part);
    if (code == VOLLEY_DONE && report->state && h.part.count > 0)
        evaluate_state(&s->plan, h.part.count);
    if (code == VOLLEY_DONE)
        code = volley_check(nn_pages_init(&pages));
    if (code != VOLLEY_DONE)
        return code;
    code = evaluate_with_pages(&h, pages, report, explain);
    nn_pages_clear(&pages);
    return code;
}

static void evaluate_print(const volley_report *r, const char *out)
{
    char time[32], size[32], ranks[40] = "";

    if (r->ranks > 1)
        snprintf(ranks, sizeof ranks, "%d ranks of ", r->ranks);
    printf("%s: %zu image%s in %zu set%s, %s with %s%d thread%s on %s, peak "
           "%.0f MiB, %s\n", out, r->images, r->images == 1 ? "" : "s",
           r->sets, r->sets == 1 ? "" : "s", volley_time(time, r->evaluate),
           ranks, r->threads, r->threads == 1 ? "" : "s", r->kernel,
           r->peak_rss_mib, volley_bytes(size, (double)r->download));
}

/* What makes no sense where ranks share the sets. */
static int evaluate_alone(const volley_args *a)
{
    static const volley_option alone[] = { OPT_PART, OPT_EXPLAIN };
    static const char *const name[] = { "part", "explain" };

    for (int i = 0; i < 2 && volley_ranks() > 1; i++)
        if (a->value[alone[i]] != NULL)
            return volley_usage("--%s is for one process: under mpirun the "
                                "ranks share all sets", name[i]);
    return VOLLEY_DONE;
}

/* --progress KIND */
static int evaluate_shown(volley_shown *out, const volley_args *a)
{
    const char *kind = a->value[OPT_PROGRESS];

    *out = VOLLEY_SHOWN_LINE;
    if (kind == NULL)
        return VOLLEY_DONE;
    if (strcmp(kind, "json") != 0 && strcmp(kind, "none") != 0)
        return volley_usage("--progress '%s' is neither json nor none", kind);
    *out = kind[0] == 'j' ? VOLLEY_SHOWN_JSON : VOLLEY_SHOWN_NONE;
    return VOLLEY_DONE;
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
    int code = evaluate_alone(a);

    if (code == VOLLEY_DONE)
        code = volley_machine(&given, &machine, a);
    aim.threads = volley_threads();
    if (code == VOLLEY_DONE)
        code = evaluate_shown(&report.shown, a);
    report.state = a->value[OPT_JSON] == NULL && volley_rank() == 0
                   && report.shown == VOLLEY_SHOWN_LINE;
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
