/* seal_support.h -- the files of SEAL kept in examples/data/seal, and loaders
 * of one form for all kinds of them.
 */
#ifndef CKKS_TEST_SEAL_H
#define CKKS_TEST_SEAL_H

#include "test.h"

typedef enum seal_kind {
    SEAL_PARAMS, SEAL_PT, SEAL_CT, SEAL_SK, SEAL_PK, SEAL_RELIN, SEAL_GALOIS
} seal_kind;

typedef struct seal_bytes {
    uint8_t *at;
    size_t size;
} seal_bytes;

/* Any object; an all-zero one holds nothing. */
typedef struct seal_object {
    ckks_params params;
    ckks_pt pt;
    ckks_ct ct;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
} seal_object;

/* A kept file; at is NULL and the test has failed if there is none. */
seal_bytes seal_file(const char *name);
void seal_free(seal_bytes *b);

/* The context of the kept files; NULL if the test has failed.  memory: NULL
 * for the default. */
ckks_ctx *seal_context(const ckks_memory *memory);

/* The name of the kind's loader. */
const char *seal_loader(seal_kind k);
ckks_status seal_load(seal_object *out, seal_kind k, const ckks_ctx *ctx,
                      const uint8_t *in, size_t size);
/* The same from a kept file; fails the test. */
bool seal_load_file(seal_object *out, seal_kind k, const ckks_ctx *ctx,
                    const char *name);
/* The object as bytes.  Parameters are those of ctx. */
ckks_status seal_save(seal_bytes *out, seal_kind k, const seal_object *o,
                      const ckks_ctx *ctx);
void seal_clear(seal_object *o);

/* The object is, byte for byte, what the kept file holds. */
bool seal_same(seal_kind k, const seal_object *o, const ckks_ctx *ctx,
               const char *name);

#endif
