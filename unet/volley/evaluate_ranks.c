/* evaluate_ranks.c -- evaluate under mpirun: sets are shared over the ranks.
 *
 * Every set becomes a file OUT.set-NUMBER, a part as evaluate --part writes it,
 * whichever rank does it; sets that are there from a run that was cut, with as
 * many ranks or others, are not done again.  Rank 0 joins them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evaluate.h"

typedef struct shared_work {
    evaluate_hand *hand;
    char **path;                /* shape (sets): where each goes             */
    uint8_t *done;              /* shape (sets): it is there                 */
    size_t found, missing, other;
} shared_work;

static int shared_paths(shared_work *w)
{
    const unet_part *part = &w->hand->part;
    const char *out = w->hand->out_path;
    const size_t room = strlen(out) + 32;

    w->path = calloc(part->count, sizeof *w->path);
    w->done = calloc(part->count, 1);
    if (w->path == NULL || w->done == NULL)
        return volley_fail("no memory for %zu sets", part->count);
    for (size_t i = 0; i < part->count; i++) {
        w->path[i] = malloc(room);
        if (w->path[i] == NULL)
            return volley_fail("no memory for a name");
        snprintf(w->path[i], room, "%s.set-%06zu", out, part->first + i + 1);
    }
    return VOLLEY_DONE;
}

static void shared_clear(shared_work *w)
{
    for (size_t i = 0; w->path != NULL && i < w->hand->part.count; i++)
        free(w->path[i]);
    free(w->path);
    free(w->done);
}

/* ---- what was done before ------------------------------------------------ */

/* Whether a file is set number `set` of this result, to the last word. */
static bool shared_whole(const evaluate_hand *h, const char *path, size_t set)
{
    unet_reader *reader = NULL;
    unet_info info;
    ckks_ct ct = {0};
    ckks_status s = unet_reader_open(&reader, path, &h->source->plan,
                                     UNET_OUTPUT);
    bool whole = s == CKKS_OK;

    if (whole) {
        unet_reader_info(&info, reader);
        whole = info.marked && memcmp(info.mark, h->origin, UNET_ID) == 0
                && info.part.first == set && info.part.count == 1;
    }
    for (uint32_t k = 0; whole && k < info.ciphertexts; k++)
        whole = unet_reader_next(&ct, reader, h->source->ctx) == CKKS_OK;
    ckks_ct_clear(&ct);
    unet_reader_close(&reader);
    return whole;
}

/* Set i, if it is there; what is there and no file of ciphertexts stays. */
static int shared_look(shared_work *w, size_t i)
{
    uint8_t head[UNI_HEAD];
    struct stat st;

    if (lstat(w->path[i], &st) != 0)
        return errno == ENOENT ? VOLLEY_DONE
               : volley_fail("reading %s: %s", w->path[i], strerror(errno));
    if (!S_ISREG(st.st_mode)
        || volley_sniff(head, uni_file_head(head, sizeof head, w->path[i]))
           != VOLLEY_VCT)
        return volley_fail("%s is there and no part of a result: name another "
                           "output, or remove it", w->path[i]);
    w->done[i] = shared_whole(w->hand, w->path[i], w->hand->part.first + i);
    w->found += w->done[i];
    w->other += !w->done[i];
    return VOLLEY_DONE;
}

/* Rank 0 looks, and tells: what there is, and who does the rest. */
static int shared_find(shared_work *w)
{
    const size_t sets = w->hand->part.count;
    int code = VOLLEY_DONE;

    for (size_t i = 0; i < sets && volley_rank() == 0 && code == VOLLEY_DONE;
         i++)
        code = shared_look(w, i);
    code = volley_ranks_agree(code);
    if (code != VOLLEY_DONE)
        return code;
    if (w->other > 0)
        volley_warn("%s.set-*: %zu file%s damaged or of other inputs, keys or "
                    "weights, or another plan: begun anew", w->hand->out_path,
                    w->other, w->other == 1 ? "" : "s");
    if (w->found > 0)
        fprintf(stderr, "%s.set-*: %zu of %zu set%s done before, going on with "
                "the others\n", w->hand->out_path, w->found, sets,
                sets == 1 ? " was" : "s were");
    if (volley_rank() == 0 && sets - w->found < (size_t)volley_ranks())
        fprintf(stderr, "%zu set%s for %d ranks: one set cannot be cut, some "
                "ranks have none\n", sets - w->found,
                sets - w->found == 1 ? "" : "s", volley_ranks());
    volley_ranks_share(w->done, sets);
    return VOLLEY_DONE;
}

/* ---- the sets of this rank ----------------------------------------------- */

static int shared_set(shared_work *w, size_t i, volley_progress *progress,
                      volley_report *report)
{
    evaluate_hand *h = w->hand;
    const volley_source *s = h->source;
    const unet_part part = { h->part.first + i, 1 };
    unet_done done = {0};
    ckks_status status = unet_evaluate(w->path[i], &done, h->in_path, &part,
                                       &h->keep, &s->plan, h->weights, s->ctx,
                                       h->keys, &progress->hooks);

    report->upload = done.upload;
    progress->before++;
    return volley_check(status);
}

/* Of the missing ones, each rank takes one in turn. */
static int shared_sets(shared_work *w, volley_report *report)
{
    const size_t ranks = (size_t)volley_ranks(), rank = (size_t)volley_rank();
    volley_progress progress;
    size_t turn = 0;
    int code = VOLLEY_DONE;

    volley_progress_init(&progress, "evaluate");
    volley_progress_show(&progress, report->shown);
    for (size_t i = 0; i < w->hand->part.count; i++)
        progress.of += !w->done[i] && turn++ % ranks == rank;
    progress.shown = progress.shown && rank == 0 && progress.of > 0;
    progress.json = progress.json && rank == 0 && progress.of > 0;
    turn = 0;
    for (size_t i = 0; i < w->hand->part.count && code == VOLLEY_DONE; i++)
        if (!w->done[i] && turn++ % ranks == rank)
            code = shared_set(w, i, &progress, report);
    volley_progress_end(&progress);
    memcpy(report->layer, progress.layer, sizeof report->layer);
    return code;
}

/* ---- the whole ----------------------------------------------------------- */

static int shared_join(shared_work *w, volley_report *report)
{
    const size_t sets = w->hand->part.count;
    unet_joined joined = {0};
    int code;

    for (size_t i = 0; i < sets; i++)
        if (access(w->path[i], R_OK) != 0)
            return volley_fail("%s is not there for rank 0: -o must lie on a "
                               "disk that all ranks see", w->path[i]);
    code = volley_check(unet_join(w->hand->out_path, &joined,
                                  (const char *const *)w->path, sets, NULL));
    for (size_t i = 0; i < sets && code == VOLLEY_DONE; i++)
        (void)unlink(w->path[i]);
    report->images = joined.images;
    report->sets = joined.sets;
    report->found = w->found;
    report->download = joined.bytes;
    return code;
}

/* From here on every rank speaks for itself, and ends all if it fails. */
static int shared_work_on(shared_work *w, volley_report *report)
{
    int code;

    volley_ranks_part();
    code = shared_sets(w, report);
    if (code != VOLLEY_DONE)
        volley_ranks_stop(code);
    code = volley_ranks_agree(code);
    if (code == VOLLEY_DONE && volley_rank() == 0)
        code = shared_join(w, report);
    return volley_ranks_agree(code);
}

int evaluate_shared(evaluate_hand *h, volley_report *report)
{
    shared_work w = { .hand = h };
    int code = volley_ranks_agree(shared_paths(&w));

    if (code == VOLLEY_DONE)
        code = shared_find(&w);
    if (code == VOLLEY_DONE)
        code = shared_work_on(&w, report);
    shared_clear(&w);
    return code;
}
