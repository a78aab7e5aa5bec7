/* check.h -- private to vectors-check: test vectors against the public functions
 * of libckks, and of networks (net.c) against those of libnn and libunet.
 *
 * Read first: vectors/README.md.  A case is run by the function of its
 * operation, which makes the objects of the input, calls the library and
 * compares what comes out, in the order of the computation, with the entries
 * of "expected".  The first difference is kept, with the entry's stage; after
 * it everything is silent, so that no function has to ask.
 */
#ifndef VECTORS_CHECK_H
#define VECTORS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ckks_primitives.h"
#include "format/json.h"

enum { VEC_CTS = 24, VEC_MESSAGE = 400 };

/* What the cases of a group share. */
typedef struct vec_group {
    const nni_json *doc;
    const nni_json_node *node, *parameters;
    const char *name;           /* of the parameter set                      */
    ckks_params params;         /* sizes, as given                           */
    ckks_ctx *ctx;
    size_t n;
    int top, special;           /* level; number of special primes           */
    ckks_keys *keys;            /* of the group, or NULL                     */
    bool no_checksums;          /* the library is said to write none         */
} vec_group;

typedef struct vec_memory {
    struct vec_memory *next;
    size_t size;
} vec_memory;

/* A case at work.  Objects and memory live as long as it does. */
typedef struct vec_case {
    vec_group *group;
    const nni_json *doc;
    const nni_json_node *input, *expected, *flags;
    const char *operation;
    bool failed;
    bool skipped;               /* it needs a checksum, and there are none   */
    int checksums;              /* left out of frames that were compared     */
    char message[VEC_MESSAGE];
    uint64_t compared;          /* bits: entries of expected                 */
    vec_memory *memory;
    ckks_ct ct[VEC_CTS];        /* free for use                              */
    ckks_pt pt[2];
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
    ckks_rng rng;
    struct vec_net *net;        /* net.c: what a network needs, or NULL      */
} vec_case;

typedef void vec_run(vec_case *c);
typedef struct vec_operation {
    const char *name;
    vec_run *run;
} vec_operation;

/* Tables end with a NULL name. */
extern const vec_operation vec_operations_words[], vec_operations_base[],
    vec_operations_scheme[], vec_operations_arith[], vec_operations_switch[],
    vec_operations_bytes[], vec_operations_net[];

/* ---- values (value.c) ------------------------------------------- */

/* The first failure is kept. */
void vec_fail(vec_case *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* True if a call did what it should; else a failure with its message. */
bool vec_ok(vec_case *c, ckks_status s);
/* Zeroed memory of the case; NULL is a failure. */
void *vec_alloc(vec_case *c, size_t size);
void vec_case_clear(vec_case *c);
void vec_net_clear(vec_case *c);

/* A member of the input; a failure if it is not there. */
const nni_json_node *vec_input(vec_case *c, const char *key);
/* Members as numbers; 0 and a failure if they are none. */
int64_t vec_int(vec_case *c, const nni_json_node *object, const char *key);
int vec_range(vec_case *c, const nni_json_node *object, const char *key,
              int low, int high);
double vec_double(vec_case *c, const nni_json_node *object, const char *key);
const char *vec_text(vec_case *c, const nni_json_node *object,
                     const char *key);
/* Bytes of hex digits. */
uint8_t *vec_bytes(vec_case *c, const nni_json_node *node, size_t *size);
/* 32 bytes, member `key` of an object. */
const uint8_t *vec_seed(vec_case *c, const nni_json_node *object,
                        const char *key);
/* Limbs of N words: in full, or expanded from a seed. */
uint64_t *vec_poly(vec_case *c, const nni_json_node *node, size_t limbs);
/* A list of doubles. */
double *vec_doubles(vec_case *c, const nni_json_node *node, size_t *count);
int64_t *vec_ints(vec_case *c, const nni_json_node *node, size_t *count);

/* Whether the case has this flag. */
bool vec_flag(const vec_case *c, const char *flag);

/* Comparison with the entry of this key; nothing if there is none. */
bool vec_expects(const vec_case *c, const char *key);
void vec_check_words(vec_case *c, const char *key, const uint64_t *got,
                     size_t limbs, size_t n);
void vec_check_bytes(vec_case *c, const char *key, const uint8_t *got,
                     size_t size);
/* Bit i of left_out: byte i is not compared. */
void vec_check_most_bytes(vec_case *c, const char *key, const uint8_t *got,
                          size_t size, uint64_t left_out);
void vec_check_doubles(vec_case *c, const char *key, const double *got,
                       size_t count);
void vec_check_ints(vec_case *c, const char *key, const int64_t *got,
                    size_t count);
void vec_check_status(vec_case *c, ckks_status got);

/* ---- objects (object.c) ------------------------------------------ *
 * Made through their bytes, without the library's own arithmetic. */

/* The member "level", within the context's. */
int vec_level(vec_case *c, const nni_json_node *object);
/* Whether the group is of the real ring. */
bool vec_real(const vec_case *c);
/* Primes of a digit. */
int vec_alpha(const vec_case *c);
/* Special primes that a level uses; x over Q_level divided by the others, modulo
 * each prime. */
int vec_specials(const vec_case *c, int level);
void vec_over_rest(const vec_case *c, uint64_t *x, int level);
/* Number in the context of limb t of a polynomial over Q_level P. */
int vec_prime(const vec_case *c, int level, int t);
uint64_t vec_modulus(const vec_case *c, int prime);
void vec_ct(vec_case *c, ckks_ct *out, const nni_json_node *node);
void vec_pt(vec_case *c, ckks_pt *out, const nni_json_node *node);
/* A ciphertext or plaintext of words at hand; parts 1 for a plaintext. */
uint8_t *vec_object(vec_case *c, size_t *size, int parts, int level,
                    double scale, const uint64_t *words);
void vec_secret(vec_case *c, const nni_json_node *node);
void vec_public(vec_case *c, const nni_json_node *node);
void vec_keys(vec_case *c, ckks_keys **out, const nni_json_node *node);
void vec_generator(vec_case *c, const nni_json_node *object, const char *key);
/* Words of a packed limb; returns the bytes it takes. */
size_t vec_unpack(uint64_t *out, const uint8_t *in, size_t n, uint64_t p);
/* Compares degree, level, scale and c0, c1, c2. */
void vec_check_ct(vec_case *c, const ckks_ct *ct);
ckks_key_kind vec_kind(vec_case *c, const nni_json_node *object);

#endif
