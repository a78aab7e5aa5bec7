/* ckks_seal.h -- objects of Microsoft SEAL 4.x, both ways (absent from a MINIMAL
 * build).
 *
 * The context must make SEAL's choices: generator 3, one special prime, dnum =
 * num_primes, uncentred digits, primes of at most 60 bits; as those that
 * ckks_seal_params_load returns do.  Then, given the same keys, sums,
 * products, ckks_rescale, ckks_relin, ckks_rotate, ckks_conj and ckks_decrypt
 * give SEAL's words.  docs/interop.md.
 *
 * X_size, X_save and X_load are as in ckks.h, whose rules hold.  Files of 4.0 to
 * 4.4 are read and must not be compressed (compr_mode_type::none); 4.1 is
 * written.  They have no checksum and no mark of insecure parameters.
 *   errors  CKKS_EPARAM   the context does not make SEAL's choices; size: 0
 *           CKKS_EARG     wrong size of the buffer (save)
 *           CKKS_EFORMAT  refused bytes, saying which field (load)
 */
#ifndef CKKS_SEAL_H
#define CKKS_SEAL_H

#include "ckks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Loading: security is left 0 (checked as 128 bits); SEAL's own limits are
 * those of 2018 and a little higher. */
size_t ckks_seal_params_size(const ckks_ctx *ctx);
CKKS_CHECKED ckks_status ckks_seal_params_save(uint8_t *out, size_t size,
                                               const ckks_ctx *ctx);
CKKS_CHECKED ckks_status ckks_seal_params_load(ckks_params *out,
                                               const uint8_t *in, size_t size);

size_t ckks_seal_pt_size(const ckks_pt *pt);
CKKS_CHECKED ckks_status ckks_seal_pt_save(uint8_t *out, size_t size,
                                           const ckks_pt *pt);
CKKS_CHECKED ckks_status ckks_seal_pt_load(ckks_pt *out, const ckks_ctx *ctx,
                                           const uint8_t *in, size_t size);

/* Loading expands a seeded ciphertext (BLAKE2Xb, SEAL's default; SHAKE256 is
 * refused); saving always writes all polynomials. */
size_t ckks_seal_ct_size(const ckks_ct *ct);
CKKS_CHECKED ckks_status ckks_seal_ct_save(uint8_t *out, size_t size,
                                           const ckks_ct *ct);
CKKS_CHECKED ckks_status ckks_seal_ct_load(ckks_ct *out, const ckks_ctx *ctx,
                                           const uint8_t *in, size_t size);

/* Loading recovers the coefficients and refuses words that are not those of
 * one polynomial of -1, 0, 1 modulo every prime.  The file is the secret, not
 * two bits a coefficient but 8 (K + primes) bytes: wipe it.
 *   leaks   that a file was refused; nothing else */
size_t ckks_seal_sk_size(const ckks_sk *sk);
CKKS_CHECKED ckks_status ckks_seal_sk_save(uint8_t *out, size_t size,
                                           const ckks_sk *sk);
CKKS_CHECKED ckks_status ckks_seal_sk_load(ckks_sk **out, const ckks_ctx *ctx,
                                           const uint8_t *in, size_t size);

/* A public or evaluation key loaded here has no seed of ours: ckks_pk_save and
 * ckks_keys_save refuse it (CKKS_EARG; their sizes are 0), the functions below
 * write it. */
size_t ckks_seal_pk_size(const ckks_pk *pk);
CKKS_CHECKED ckks_status ckks_seal_pk_save(uint8_t *out, size_t size,
                                           const ckks_pk *pk);
CKKS_CHECKED ckks_status ckks_seal_pk_load(ckks_pk **out, const ckks_ctx *ctx,
                                           const uint8_t *in, size_t size);

/* SEAL keeps relinearisation keys and Galois keys in two files.  Saving takes
 * from keys what belongs to the file, all of the top level; loading makes an
 * object of those alone.  Galois keys: rotations (element 3^step) and
 * conjugation (2N - 1); loading refuses other elements, and a file without a
 * key.
 *   errors  CKKS_EKEY  no such key, or one for a lower level (save)
 *           CKKS_EMEM  saving takes memory, too: that of a digit, 8 N bytes for
 *                      each prime and half */
size_t ckks_seal_relin_size(const ckks_keys *keys);
CKKS_CHECKED ckks_status ckks_seal_relin_save(uint8_t *out, size_t size,
                                              const ckks_keys *keys);
CKKS_CHECKED ckks_status ckks_seal_relin_load(ckks_keys **out,
                                              const ckks_ctx *ctx,
                                              const uint8_t *in, size_t size);
size_t ckks_seal_galois_size(const ckks_keys *keys);
CKKS_CHECKED ckks_status ckks_seal_galois_save(uint8_t *out, size_t size,
                                               const ckks_keys *keys);
CKKS_CHECKED ckks_status ckks_seal_galois_load(ckks_keys **out,
                                               const ckks_ctx *ctx,
                                               const uint8_t *in, size_t size);

#ifdef __cplusplus
}
#endif
#endif
