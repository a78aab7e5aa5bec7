/* fuzz.h -- what the harnesses of all loaders share.
 *
 * A target is one loader with what must hold of it: the same bytes again after
 * saving, outputs unchanged after a refusal, and whatever was loaded can be
 * used.  The same targets run in two programs: `fuzzer`, where libFuzzer makes
 * the bytes, and `replay`, which needs no libFuzzer and runs the corpora and a
 * fixed number of drawn inputs (tests/fuzz/README.md).
 *
 * An input is three bytes of choice and the loader's bytes:
 *
 *   0  variant   which context, plan, network or name; the target says of what
 *   1  flags     FUZZ_...
 *   2  fault     n > 0: while the loaded object is used, the n-th call that may
 *                fail (memory, reading) does
 *   3  the bytes, or, where the target draws, the choices of its generator
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ckks_primitives.h"
#include "ckks_seal.h"
#include "nn.h"

enum {
    FUZZ_MEND   = 1,    /* sizes, checksums and digests are put right first  */
    FUZZ_SWEEP  = 2,    /* every call of loading and saving fails in turn    */
    FUZZ_OTHER  = 4,    /* for the target: another way in                    */
    FUZZ_DRAW   = 8,    /* for the target: the bytes are choices             */
    FUZZ_MISUSE = 128   /* null pointers, wrong sizes                        */
};
enum { FUZZ_CHOICE = 3, FUZZ_LARGEST = 1 << 20 };

typedef struct fuzz_input {
    uint8_t variant, flags, fault;
    uint8_t *data;              /* of size bytes and no more: fuzz_resize    */
    size_t size;
} fuzz_input;

typedef struct fuzz_target {
    const char *name;
    size_t object;              /* bytes of what load fills, zero before     */
    /* Makes the bytes what the flags say; NULL: they are taken as they are. */
    void (*mend)(fuzz_input *in);
    ckks_status (*load)(void *x, const fuzz_input *in);
    /* The object as bytes of fuzz_room; NULL: the loader has no such thing. */
    ckks_status (*save)(uint8_t **out, size_t *size, const void *x,
                        const fuzz_input *in);
    /* Whether what was saved is what was loaded; NULL: the formats allow
     * several forms, only saving again must give the same. */
    bool (*same)(const uint8_t *a, const uint8_t *b, size_t size);
    void (*use)(void *x, const fuzz_input *in);
    void (*clear)(void *x);
    void (*misuse)(const fuzz_input *in);
    /* Inputs to begin with, by fuzz_seed. */
    void (*seeds)(const struct fuzz_target *t);
} fuzz_target;

/* Target number i, NULL behind the last; that of a name, or NULL. */
const fuzz_target *fuzz_at(size_t i);
const fuzz_target *fuzz_find(const char *name);

/* Whether the input is one for what takes long: in replay every one is, under
 * libFuzzer one of 16, by its bytes. */
bool fuzz_patient(const fuzz_input *in);
extern bool fuzz_is_replay;

/* Runs one input; returns at all unless something is wrong.  The answer is
 * whether it was loaded. */
bool fuzz_run(const fuzz_target *t, const uint8_t *bytes, size_t size);

/* ---- faults and failures (support.c) ------------------------------------- */

/* From now on the n-th call of malloc, fread and the like fails, and all
 * behind it if on.  Off: whether one did. */
void fuzz_arm(unsigned n, bool on);
bool fuzz_disarm(void);
/* None fails between the two: for what the harness makes for itself. */
unsigned fuzz_hold(void);
void fuzz_go_on(unsigned held);

/* Ends the program with a message and the input's traces, if not. */
void fuzz_must(bool ok, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints to where reports go; quiet: what loaders and the command print goes
 * nowhere. */
void fuzz_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fuzz_quiet(void);

/* Memory that never fails, zero, of just so many bytes. */
void *fuzz_room(size_t size);
void fuzz_free(void *p);
/* The input's bytes cut or continued with zeros. */
void fuzz_resize(fuzz_input *in, size_t size);
void fuzz_replace(fuzz_input *in, const void *bytes, size_t size);

/* A file of these bytes; the same one each time. */
const char *fuzz_file(const uint8_t *bytes, size_t size);
/* A folder that goes when the program ends. */
const char *fuzz_folder(void);
/* folder/name; a few of them stay valid. */
const char *fuzz_place(const char *name);
/* A folder in it for what an owner keeps of uploads; forget empties it. */
const char *fuzz_requests(void);
void fuzz_forget_requests(void);

void fuzz_seed(const fuzz_target *t, uint8_t variant, uint8_t flags,
               uint8_t fault, const void *bytes, size_t size);
/* Who gets them. */
extern void (*fuzz_seed_taker)(const fuzz_target *t, const uint8_t *bytes,
                               size_t size);

/* ---- draws (draw.c) ------------------------------------------------------ */

/* Choices out of bytes; 0 when they are used up, which stands for the usual. */
typedef struct fuzz_draw {
    const uint8_t *at;
    size_t left;
} fuzz_draw;
unsigned fuzz_byte(fuzz_draw *d);
unsigned fuzz_below(fuzz_draw *d, unsigned n);

/* A JSON text in which a few values, chosen by the draws, are replaced by ones
 * at the edges of their ranges, by each other, or lost or repeated; fuzz_room,
 * ends with a zero.  This is what "field by field" means: all else stays, so
 * that most of the texts load or almost do. */
char *fuzz_draw_json(fuzz_draw *d, const char *text);

/* ---- worlds: contexts, keys, networks (world*.c) ------------------------- */

enum { FUZZ_CONTEXTS = 7, FUZZ_SEAL = 2, FUZZ_PLANS = 13,
       FUZZ_NETS = 16 };           /* the last ones have no plan            */

typedef struct fuzz_world {
    ckks_ctx *ctx;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;            /* NULL where there are no special primes    */
} fuzz_world;
/* Context number i mod FUZZ_CONTEXTS; made when first asked for. */
const fuzz_world *fuzz_world_at(unsigned i);
ckks_rng *fuzz_rng(void);

/* A network of toy size, its plan and the owner's keys. */
typedef struct fuzz_net {
    nn_model model;
    nn_plan plan;
    char *text;                 /* the plan as JSON                          */
    size_t size;
    ckks_ctx *ctx;
    ckks_sk *sk;
    ckks_keys *keys;
} fuzz_net;
const fuzz_net *fuzz_net_at(unsigned i);
/* Network i as a file of a model, its text drawn anew unless d is NULL;
 * fuzz_room. */
uint8_t *fuzz_net_file(size_t *size, unsigned i, fuzz_draw *d);
/* The file of network i with one text for another in it. */
uint8_t *fuzz_net_changed(size_t *size, unsigned i, const char *from,
                          const char *to);

/* What owners and servers do with objects (use.c); statuses do not matter. */
void fuzz_use_ct(const ckks_ct *ct, const fuzz_world *w);
void fuzz_use_pt(const ckks_pt *pt, const fuzz_world *w);
/* Encrypts with pk, or with sk where it is NULL, turns, squares, decrypts. */
void fuzz_use_key(const ckks_ctx *ctx, const ckks_sk *sk, const ckks_pk *pk,
                  const ckks_keys *keys);
/* Bytes of SEAL, of any minor version. */
bool fuzz_same_seal(const uint8_t *a, const uint8_t *b, size_t size);

/* ---- owners and servers (owner.c) ---------------------------------------- */

/* What the owner of images and a hostile server do with a plan.  False: it asks
 * for more than toys have, and nothing was done. */
bool fuzz_owner(const nn_plan *p, const fuzz_net *net);

#endif
