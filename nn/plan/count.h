/* count.h -- the back end of a walk that counts: operations, seconds, bytes.
 *
 * Read first: schedule/schedule.h, cost.h.
 *
 * Ciphertexts are there in name only: degree, level, and where they would lie.
 * What libckks takes and gives back in each call, its scratch included, is
 * taken and given back here in the same order.
 */
#ifndef NN_COUNT_H
#define NN_COUNT_H

#include "plan/cost.h"
#include "schedule/arena.h"
#include "schedule/schedule.h"
#include "stage/keys.h"

/* What is added up. */
typedef struct nni_tally {
    double calls[NNI_KINDS];
    double rotations, relins, products;
    double moved;               /* bytes, to the scratch file and from it    */
    nni_work work;              /* of the round                              */
} nni_tally;

/* What a step takes: seconds of one thread; bytes that are in use then, and
 * those of the region that what it makes lies in, both without the base. */
typedef struct nni_took {
    double seconds, live, from, to;
} nni_took;

typedef struct nni_hook {
    void (*step)(void *user, int stage, const nni_step *step,
                 const nni_took *took);
    void *user;
} nni_hook;

typedef struct nni_count {
    nni_figures figures;
    const nn_machine *machine;
    int threads;
    nni_arena *arena;           /* NULL: bytes are added up, not laid out    */
    bool no_room;               /* the arena had no memory for its list      */
    bool sampled;               /* one task of many alike is walked; then a
                                   ciphertext's scale is how many it stands
                                   for                                       */
    /* what is counted */
    nni_tally tally;
    double seconds;
    double live, peak;          /* bytes: now, and the most so far           */
    double file;                /* the scratch file's, at most               */
    double beside;              /* the most that tasks on other threads hold
                                   beside the one at work                    */
    /* of the round and of the task at work */
    double tasks;               /* equal parts that the work falls into      */
    bool alone;                 /* one task: libckks has all threads         */
    double alike;               /* the task stands for so many               */
    double moved;               /* when the round began                      */
    nni_tally before;           /* when the task began                       */
    double began, high;         /* bytes when it began, the most since       */
    const nni_hook *hook;       /* NULL: no one wants to know                */
    size_t lowest, highest;     /* bytes taken in the step at work           */
} nni_count;

/* Counts for a plan's parameters.  Bytes begin with `live`. */
nni_count nni_count_of(const ckks_params *p, const nn_machine *machine,
                       int threads, double live);
/* As the back end of a walk. */
nni_backend nni_count_backend(nni_count *c);

/* Its apply (count.c). */
CKKS_CHECKED ckks_status nni_count_step(void *user, const nni_schedule *s,
                                        nni_state *state, const nni_step *step,
                                        int task, ckks_ct here[2]);

/* Some bytes, or a ciphertext, that come or go. */
void nni_count_take(nni_count *c, size_t *at, double bytes);
void nni_count_give(nni_count *c, size_t at, double bytes);
void nni_count_make(nni_count *c, ckks_ct *out, int degree, int level);
void nni_count_free(nni_count *c, ckks_ct *ct);
void nni_count_free_mask(nni_count *c, ckks_pt *pt);

/* Walks over stage k alone: what it reads is there, each form it makes is
 * dropped in the end.  `live` of c are the bytes that are in use before it. */
CKKS_CHECKED ckks_status nni_count_stage(nni_count *c, const nni_schedule *s);
/* Keys that come and go by stage: where each lies, and at which level. */
typedef struct nni_key_places {
    size_t limb[NN_MAX_KEYS], turn[NN_MAX_KEYS];
    int level[NN_MAX_KEYS];     /* -1: not there                             */
} nni_key_places;
/* What ckks_keys_hold takes and gives back before stage k (keys.c). */
void nni_count_hold(nni_count *c, nni_key_places *at, const nni_held *held,
                    int k);

/* Walks over all stages, from the image on, as the plan says what is rotated;
 * c has an arena.  held: the keys that come and go, or NULL.  most: behind a
 * stage that has taken more bytes of it, it ends. */
CKKS_CHECKED ckks_status nni_count_network(nni_count *c, const nn_plan *plan,
                                           const nni_placed *p,
                                           const nni_map *map,
                                           const nni_held *held, double most);

#endif
