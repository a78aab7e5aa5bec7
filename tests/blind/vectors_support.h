/* vectors_support.h -- cases of vectors/b1, read and compared. */
#ifndef VECTORS_SUPPORT_H
#define VECTORS_SUPPORT_H

#include "blind/block.h"
#include "format/json.h"

enum { VEC_OWNED = 160 };

/* A case: what stands in the file, and what a test took for it. */
typedef struct vec_case {
    const nni_json *doc;
    const nni_json_node *input, *expected;
    const char *operation;
    char name[160];             /* for messages: file, number, comment       */
    void *owned[VEC_OWNED];
    int num_owned, compared;
} vec_case;

/* Runs `run` for each case of the operation in vectors/b1/FILE.json; CHECKs
 * that there is one, and that all that a case expects was compared. */
void vec_each(const char *file, const char *operation,
              void (*run)(vec_case *c, void *with), void *with);

/* Memory that goes with the case; of zeros. */
void *vec_take(vec_case *c, size_t size);
/* Members of the input; a CHECK and zeros where there is none such. */
const nni_json_node *vec_input(const vec_case *c, const char *key);
const char *vec_text(const vec_case *c, const nni_json_node *n);
int64_t vec_int(const vec_case *c, const char *key);
uint64_t vec_word(const vec_case *c, const char *key);  /* decimal text      */
void vec_ints(int64_t *out, size_t count, const vec_case *c, const char *key);
const uint8_t *vec_bytes(vec_case *c, const char *key, size_t size);
const uint64_t *vec_words(vec_case *c, const char *key, size_t *count);
/* At least `least` blocks, which are there then. */
blind_block *vec_blocks(vec_case *c, const char *key, size_t *count,
                        size_t least);
blind_block vec_block(vec_case *c, const char *key);
/* count blocks of {"byteSeed"}: of stream(seed; 0, 0). */
blind_block *vec_seeded(vec_case *c, const char *key, size_t count);
/* count numbers of {"coefficientSeed", "bits"}. */
void vec_numbers(int64_t *out, size_t count, vec_case *c, const char *key);

/* CHECKs that number i of a list of decimal texts in the input is p. */
void vec_prime(const vec_case *c, const char *key, int i, uint64_t p);
/* The same members of another object of the case: its input is that one until
 * this is called with the node that it returned. */
const nni_json_node *vec_within(vec_case *c, const nni_json_node *object);
/* CHECKs against what is expected under this key: bytes, or their digest. */
bool vec_same(vec_case *c, const char *key, const void *got, size_t size);
bool vec_same_blocks(vec_case *c, const char *key, const blind_block *got,
                     size_t count);
bool vec_same_ints(vec_case *c, const char *key, const int64_t *got,
                   size_t count);
bool vec_same_shares(vec_case *c, const char *key, const blind_share *got,
                     size_t count);

#endif
