/* scratch.c -- ciphertexts that lie in a scratch file: their words, to it and
 * back.
 *
 * Read first: backend.h.
 */
#include <stdlib.h>

#include "ckks_primitives.h"
#include "run/backend.h"

ckks_status nni_run_store(const nni_runner *r, const nni_schedule *s,
                          nni_state *state, const nni_step *step, int task)
{
    ckks_ct *ct = nni_at(state, step->from, task, NULL);
    const ckks_ct there = { .ctx = ct->ctx, .degree = ct->degree,
                            .level = ct->level, .scale = ct->scale };
    size_t bytes;
    const uint64_t at = nni_file_at(&bytes, state, s->placed, step->from,
                                    task);
    const ckks_status st = r->scratch->write(r->scratch->user, at, ct->limb,
                                             bytes);

    if (st != CKKS_OK)
        return st;
    ckks_ct_clear(ct);
    *ct = there;
    return CKKS_OK;
}

ckks_status nni_run_load(const nni_runner *r, const nni_schedule *s,
                         nni_state *state, const nni_step *step, int task)
{
    const ckks_ct *there = nni_at(state, step->from, task, NULL);
    size_t bytes;
    const uint64_t at = nni_file_at(&bytes, state, s->placed, step->from,
                                    task);
    uint64_t *word = malloc(bytes);
    ckks_status st;

    if (word == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu bytes of the scratch file",
                       bytes);
    st = r->scratch->read(r->scratch->user, at, word, bytes);
    if (st == CKKS_OK)
        st = nn_relay(ckks_ct_from_words(nni_at(state, step->to, task, NULL),
                                         r->ctx, word, there->degree,
                                         there->level, there->scale), NULL);
    free(word);
    return st;
}
