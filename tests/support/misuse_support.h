/* misuse_support.h -- contexts and objects to call functions wrongly with.
 *
 * REFUSED(m, status, "ckks_f", ckks_f(...)) makes the call and requires that
 * status; a message that begins with "ckks_f: " and, unless it is about a null
 * pointer, an object never made, a foreign context or the like, has a number
 * in it; and that not one byte of any object of the mess has changed.
 */
#ifndef CKKS_TEST_MISUSE_H
#define CKKS_TEST_MISUSE_H

#include "test.h"

#include "scheme/key.h"

/* Memory that counts, and refuses call number `refuse` from now on. */
typedef struct misuse_meter {
    int calls, refuse;
    long objects;
    size_t bytes;
} misuse_meter;

ckks_memory misuse_memory(misuse_meter *m);

enum { MISUSE_SLOTS = 8, MISUSE_BYTES = 1 << 16 };

typedef struct mess {
    ckks_ctx *ctx, *other, *bare, *uncentred;   /* bare: no special primes   */
    ckks_rng rng, unready;
    ckks_sk *sk, *other_sk, *bare_sk, *uncentred_sk;
    ckks_pk *pk, *other_pk;
    ckks_keys *keys, *low_keys, *other_keys, *uncentred_keys;
    ckks_pt pt, pt_low, pt_scale, pt_other, pt_bare, pt_zero;
    ckks_ct ct, ct_low, ct_bottom, ct_two, ct_two_bottom, ct_scale, ct_large;
    ckks_ct ct_other, ct_uncentred, ct_zero;
    /* outputs */
    ckks_pt out_pt;
    ckks_ct out, many[3];
    ckks_sk *out_sk;
    ckks_pk *out_pk;
    ckks_keys *out_keys;
    ckks_ctx *out_ctx;
    ckks_rng out_rng;
    ckks_params params, out_params;
    double re[MISUSE_SLOTS], im[MISUSE_SLOTS];
    uint8_t bytes[MISUSE_BYTES];
    misuse_meter meter;                         /* of ctx                    */
} mess;

bool mess_init(mess *m);
/* ctx and other, and all of theirs, are of the real ring: N = 8, as many slots;
 * a rotation by 3 stands for conjugation among the keys, and im is 0.  bare and
 * uncentred stay what they are. */
bool mess_init_real(mess *m);
void mess_clear(mess *m);

/* A hash of every object and all it points to. */
void mess_hash(uint8_t hash[32], const mess *m);

void misuse_verdict(const mess *m, const uint8_t before[32],
                    const char *file, int line, const char *text,
                    ckks_status got, ckks_status want, const char *name);

#define REFUSED(m, status, name, call)                                    \
    do {                                                                  \
        uint8_t before_[32];                                              \
        ckks_status got_;                                                 \
        mess_hash(before_, (m));                                          \
        got_ = (call);                                                    \
        misuse_verdict((m), before_, __FILE__, __LINE__, #call, got_,     \
                       (status), name);                                   \
    } while (0)

#endif
