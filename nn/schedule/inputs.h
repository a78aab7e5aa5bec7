/* inputs.h -- what a combination reads: a stage's inputs as they are, and what
 * is made of them.
 *
 * Read first: schedule.h, map.h.
 */
#ifndef NN_INPUTS_H
#define NN_INPUTS_H

#include "schedule/schedule.h"

/* A made input: how, and its number among those of its feed. */
typedef struct nni_version {
    nni_term term;
    int number;
    int last;                   /* last phase that reads it                  */
} nni_version;

/* What is known of a feed. */
typedef struct nni_feed_use {
    int first_version, versions;
    int base;                   /* of its made ciphertexts in NNI_OWN: base +
                                   channel versions + number                 */
    int last_plain;             /* last phase that reads it as it is         */
    int last_made;              /* last phase that reads what is made of it  */
    nni_ref plain;              /* where it then is                          */
    bool drops;                 /* nothing else reads it later               */
    bool own;                   /* `plain` is made here                      */
    bool filed;                 /* it lies in the scratch file; without slices
                                   it is made when a piece wants it (window.c) */
    bool wanted, there;
} nni_feed_use;

/* What is given back once a phase is done: a feed as it is, or what is made of
 * it. */
typedef struct nni_ending {
    int last, feed;
    bool made;
} nni_ending;

typedef struct nni_inputs {
    nni_maker *m;
    const nni_map *map;
    nni_feed_use *use;          /* shape (feeds)                             */
    nni_version *version;       /* sorted                                    */
    int versions;
    nni_ending *ending;         /* shape (endings), by `last`                */
    int endings, ended;         /* so many of them are done                  */
    int *number;                /* shape (feeds + versions): 1 + the number of
                                   what is read in the combination at work;
                                   0: it is not                              */
    int slices;
    int *blocks;                /* shape (phases): steps by which a phase's
                                   sums are rotated                          */
} nni_inputs;

/* Lists what the stage reads; slices are 1 until somebody says otherwise.
 * Clear it in any case; without memory m->full is set. */
void nni_inputs_init(nni_inputs *w, nni_maker *m);
void nni_inputs_clear(nni_inputs *w);

/* Behind nni_inputs_init: what is given back, and when; false: no memory
 * (endings.c). */
bool nni_list_endings(nni_inputs *w);
/* Where channel c of a feed's version number v is. */
nni_ref nni_version_ref(const nni_inputs *w, int feed, int v);

/* Limbs of one ciphertext of the sums. */
int nni_inputs_limbs(const nni_inputs *w);
/* Limbs of all that is made; *channels: of the feed that has most. */
long nni_inputs_made(int *channels, const nni_inputs *w);
/* The first channel of a slice; the first slice has some of every feed. */
int nni_slice_begin(const nni_inputs *w, const nni_feed *f, int slice);

/* Steps: masks; what is read of a slice's channels is made; what no phase from
 * `phase` on reads is given back; all of a slice is. */
void nni_encode_masks(nni_inputs *w);
/* The number of the mask that clears the sums of a phase. */
int nni_clearing_mask(nni_inputs *w, int phase);
void nni_make_slice(nni_inputs *w, int slice);
void nni_free_before(nni_inputs *w, int phase);
void nni_free_slice(nni_inputs *w, int slice);
/* Of one feed, so many channels from `channel` on: what is read of them is
 * made; all of it is given back. */
void nni_make_feed(nni_inputs *w, int f, int channel, int channels);
void nni_free_feed(nni_inputs *w, int f, int channel, int channels);
/* Filed feeds that the piece reads are there, others are not any more; NULL:
 * none is (window.c). */
void nni_move_window(nni_inputs *w, const nni_piece *piece);

/* pieces.c: limbs of the sums of a piece; the piece that follows, the first one
 * if all is zero, false behind the last.  most: ciphertexts of its sums. */
int nni_piece_limbs(const nni_inputs *w);
bool nni_piece_next(const nni_inputs *w, nni_piece *p, int most);

/* slices.c: limbs of the sums of a piece that are added to others; how many
 * slices the made inputs are worth. */
enum { NNI_ADDED_LIMBS = 176 };
int nni_choose_slices(const nni_inputs *w);

/* Where the ciphertexts are that a term reads, and the place of their number in
 * w->number. */
nni_ref nni_read_ref(int **number, nni_inputs *w, const nni_term *t);

#endif
