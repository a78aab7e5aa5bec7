/* ckks.h -- the public interface of libckks.  Two more headers stand beside it:
 * ckks_primitives.h for single steps on words, ckks_seal.h for files of SEAL.
 *
 * CKKS computes on encrypted vectors of N/2 complex numbers ("slots"), or of N
 * real ones (ckks_params.ring), with small, controlled errors.  A plaintext
 * polynomial m(X) with N integer coefficients stands for the slots
 * m(zeta_j) / scale; additions and products of polynomials are additions and
 * products of slots.  Everything is kept modulo Q_l = q_0 q_1 ... q_l, one
 * array of N words (a "limb") for each prime.  docs/conventions.md fixes every
 * bit; docs/ teaches it from zero.
 *
 * Seven rules hold for every function below unless its own comment says more.
 *
 *  1 order      outputs, then in/out, then inputs, then keys, then numbers;
 *               an array is followed at once by its length.
 *  2 aliasing   an output may be the same object as any input of its type;
 *               objects never overlap in part.
 *  3 ownership  an object starts as all zero bytes (X x = {0};) and gets its
 *               memory from the first function it is an output of; X_clear
 *               takes the memory back, wipes secrets, and does nothing to an
 *               all-zero object.  The library keeps no pointer it was handed
 *               but the context's, which must outlive every object made from
 *               it.
 *  4 errors     a function that can fail returns ckks_status.  On any value
 *               but CKKS_OK every output is as it was before the call, and
 *               ckks_last_error() says, in words and numbers, what was wrong.
 *               Every function may return CKKS_EARG for a null pointer or an
 *               object that was never made, CKKS_ECTX for objects of different
 *               contexts, and CKKS_EMEM; "errors" lines name the others.
 *  5 threads    nothing writes a ckks_ctx or a key after its init; share them
 *               freely.  Any other object belongs to one thread at a time.
 *               After a fork both processes may go on with what they have; in
 *               an OpenMP build the child computes on one thread, since GNU's
 *               OpenMP waits for ever for threads that a fork does not copy.
 *  6 secrets    secret are secret keys, what is drawn to make keys, to encrypt
 *               and to flood, and plaintexts.  No jump, no address and no
 *               division depends on one; a function of which that is not true
 *               says so on a line that begins "leaks".  `make check-ct`
 *               measures it (docs/10-kernels.md).
 *  7 rounding   the host program may have set this thread to round doubles as
 *               it likes, or to flush tiny ones to 0: every function that
 *               computes rounds to nearest, keeps tiny ones, and gives the
 *               host's state back (5 instructions, 1 to 6 ns a call; tiny ones
 *               on x86-64 and aarch64).  Traps and flags of exceptions are
 *               left alone.  The library refuses to be compiled with
 *               -ffast-math, -Ofast or their parts.
 *
 * Units: a level l means l+1 primes; cost is in NTTs of one limb ("NTT") and
 * in passes over one limb ("limb"); K special primes; D digits at this level.
 */
#ifndef CKKS_H
#define CKKS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CKKS_CHECKED __attribute__((warn_unused_result))
#else
#define CKKS_CHECKED
#endif

#define CKKS_VERSION "0.1.0"

enum {
    CKKS_MIN_LOG_N     = 2,
    CKKS_MAX_LOG_N     = 17,
    CKKS_MAX_PRIMES    = 64,    /* ciphertext primes                         */
    CKKS_MAX_SPECIAL   = 32,    /* special primes                            */
    CKKS_MAX_BITS      = 61,    /* every prime is below 2^61                 */
    CKKS_SIMD_BITS     = 49,    /* SIMD kernels need every prime below 2^49  */
    CKKS_SEED_BYTES    = 32
};

/* Values are part of the interface: never renumber, only append. */
typedef enum ckks_status {
    CKKS_OK      = 0,
    CKKS_EARG    = 1,   /* null pointer, bad length, number out of range     */
    CKKS_EPARAM  = 2,   /* parameters refused: prime, ring degree, security  */
    CKKS_ECTX    = 3,   /* operands come from different contexts             */
    CKKS_ELEVEL  = 4,   /* levels differ, or none is left                    */
    CKKS_ESCALE  = 5,   /* scales differ, or the product leaves no room      */
    CKKS_EKEY    = 6,   /* no key for this step, or not at this level        */
    CKKS_EFORMAT = 7,   /* serialised bytes refused                          */
    CKKS_EMEM    = 8,   /* allocation failed                                 */
    CKKS_ERNG    = 9,   /* the operating system gave no randomness           */
    CKKS_EIO     = 10   /* a file could not be read or written               */
} ckks_status;

/* "CKKS_OK", "CKKS_EARG", ...; "unknown status" for any other number. */
const char *ckks_status_name(ckks_status s);

/* Why the last failing call of this thread failed: one line, with numbers;
 * valid until the thread's next failing call; "" if none failed. */
const char *ckks_last_error(void);

/* ---- parameters and context ------------------------------------------- */

/* Memory: both hooks or neither.  allocate gets a size > 0 and returns memory
 * aligned to 64 bytes, or NULL; release gets the pointer and the same size.
 * They may be called by several threads at once. */
typedef struct ckks_memory {
    void *(*allocate)(void *user, size_t size);
    void (*release)(void *user, void *p, size_t size);
    void *user;
} ckks_memory;

/* What a context is made from.  Zero bytes are the defaults.
 *
 *   ring              CKKS_RING_COMPLEX: Z[X]/(X^N + 1), N/2 complex slots.
 *                     CKKS_RING_REAL: N real slots in as many words, for one
 *                     layer more of each NTT [KimSong18].  Its polynomials are
 *                     those of Z[X]/(X^2N + 1) that X -> 1/X leaves as they
 *                     are, a_0 + sum of a_i (X^i + X^-i), i < N;
 *                     "coefficients" are the a_i.  There is no conjugation,
 *                     no imaginary part, the generator is 5, digits are
 *                     centred, log_n is 16 at most (docs/04-encoding.md,
 *                     docs/security.md).
 *   primes, special   an entry up to 61 is a size in bits: the context takes,
 *                     entries in order (primes first, then special), the
 *                     largest unused p < 2^bits with p = 1 mod M; a larger
 *                     entry is the prime itself.  M is 2N, in the real ring 4N.
 *   dnum              key switching cuts the primes into dnum digits of
 *                     ceil(num_primes / dnum) primes each.
 *   fitted_special    1: key switching at a level uses the first k special
 *                     primes only, the least k whose product is at least twice
 *                     that of the largest digit there (all where none is).
 *                     Less work at low levels, the same keys; another result,
 *                     to which a digit adds noise of at most twice the sd of
 *                     the division's rounding (docs/07-key-switching.md).
 *   security          128 (0 means 128), 192 or 256: log2(QP) must not exceed
 *                     the table's limit; CKKS_INSECURE: no check, any N from
 *                     2^2 (tests, teaching, vectors).
 */
typedef struct ckks_params {
    int log_n;                              /* 2..17                         */
    int num_primes;                         /* 1..64                         */
    uint64_t primes[CKKS_MAX_PRIMES];       /* q_0 (base), q_1, ...          */
    int num_special;                        /* 0..32; 0: no key switching    */
    uint64_t special[CKKS_MAX_SPECIAL];
    int dnum;                               /* 1..num_primes                 */
    int security;
    int generator;                          /* 5 (0 means 5) or 3            */
    int uncentred_digits;                   /* 0: digits in [-D/2, D/2)      */
    int fitted_special;                     /* 0: all special primes, always */
    int ring;                               /* 0: complex                    */
    const char *kernel;                     /* NULL: best; "portable", ...   */
    ckks_memory memory;
} ckks_params;

enum { CKKS_INSECURE = -1 };
enum { CKKS_RING_COMPLEX = 0, CKKS_RING_REAL = 1 };

typedef struct ckks_ctx ckks_ctx;

/* Special primes that key switching at a level uses: num_special, but with
 * fitted_special.  Needs counts and primes that ckks_ctx_init takes, level in
 * 0..num_primes - 1; a size counts as the largest number of so many bits. */
int ckks_params_special_at(const ckks_params *p, int level);

/* out = p with every size replaced by the prime it stands for: what a context
 * would be made of, without making one.  Security is not checked.
 *   errors  CKKS_EPARAM  as ckks_ctx_init, for counts and primes */
CKKS_CHECKED ckks_status ckks_params_resolve(ckks_params *out,
                                             const ckks_params *p);

/* Checks the parameters, finds primes and roots, builds tables (about 50 ms
 * at N = 2^15 with 18 primes).  The kernel is the first of those built in that
 * this machine can run, whose primes fit and that passes its known-answer
 * check; params->kernel, else the environment's CKKS_KERNEL, forces one.
 *
 *   errors  CKKS_EPARAM  log_n, counts, dnum out of range; an entry that is
 *                        no prime = 1 mod M below 2^61, or stands twice; no
 *                        prime left of that size; log2(QP) over the limit; a
 *                        digit larger than 2 P; a kernel that is unknown or
 *                        cannot take these primes
 *
 * In a build with FFTW (make FFT=fftw) memory that ends while FFTW plans ends
 * the process: it offers no way to fail.  As much as it needs is tried before,
 * so this takes another thread that takes the memory just then.  In an OpenMP
 * build GNU's OpenMP ends the process by exit(1), with a line of its own, where
 * it gets no memory for a loop's threads: any function that computes.
 */
CKKS_CHECKED ckks_status ckks_ctx_init(ckks_ctx **out, const ckks_params *p);
void ckks_ctx_clear(ckks_ctx **ctx);

int      ckks_ctx_log_n(const ckks_ctx *ctx);
size_t   ckks_ctx_slots(const ckks_ctx *ctx);       /* N/2; real ring: N    */
int      ckks_ctx_ring(const ckks_ctx *ctx);            /* CKKS_RING_...     */
int      ckks_ctx_top_level(const ckks_ctx *ctx);       /* num_primes - 1    */
int      ckks_ctx_num_special(const ckks_ctx *ctx);
/* Those of ckks_params_special_at; 0 for a level there is not. */
int      ckks_ctx_special_at(const ckks_ctx *ctx, int level);
int      ckks_ctx_dnum(const ckks_ctx *ctx);
uint64_t ckks_ctx_prime(const ckks_ctx *ctx, int i);    /* 0 if out of range */
uint64_t ckks_ctx_special(const ckks_ctx *ctx, int i);
double   ckks_ctx_log_q(const ckks_ctx *ctx, int level);   /* log2 Q_level   */
double   ckks_ctx_log_qp(const ckks_ctx *ctx);          /* log2 QP at top    */
int      ckks_ctx_security(const ckks_ctx *ctx);        /* as asked, or -1   */
double   ckks_ctx_security_bits(const ckks_ctx *ctx);   /* the estimate      */
const char *ckks_ctx_kernel(const ckks_ctx *ctx);

/* 16 bytes that name parameters and conventions (not the kernel): equal if
 * and only if what is saved of one context loads in the other.  In memory an
 * object belongs to the very context it was made with: another one, even of
 * equal parameters, is CKKS_ECTX. */
void ckks_ctx_fingerprint(uint8_t out[16], const ckks_ctx *ctx);

/* A description of several lines, NUL-terminated, cut at size bytes.
 * Returns the length the whole text has. */
size_t ckks_ctx_describe(char *out, size_t size, const ckks_ctx *ctx);

/* Largest whole log2(QP) for ring degree 2^log_n at 128, 192 or 256 bits by
 * the table of docs/security.md; 0 if there is none. */
int ckks_max_log_qp(int log_n, int security);

/* Estimated bits of security (primal uSVP, docs/security.md); 0 for log_n
 * outside 2..17 or log_qp that is not a number > 0. */
double ckks_security_estimate(int log_n, double log_qp);

/* ---- randomness ------------------------------------------------------- */

/* A stream of random bytes: BLAKE2Xb of 32 bytes that come from the operating
 * system, or from the caller (tests and vectors: who knows the seed knows all
 * that is drawn).
 *
 * Copies of a generator of the system's draw different bytes, whether made by
 * assignment, a fork, or a machine that is started twice from one snapshot:
 * each function that draws first mixes 32 fresh bytes into the key, and returns
 * CKKS_ERNG, nothing changed, if there are none.  Copies of a generator made
 * from a seed repeat each other: two encryptions with the same bytes give away
 * the difference of their plaintexts. */
typedef struct ckks_rng {
    uint8_t  key[64];
    uint64_t counter;       /* streams handed out so far                     */
    int      ready;
} ckks_rng;

/* seed: CKKS_SEED_BYTES bytes, or NULL for the operating system's.
 *   errors  CKKS_ERNG   no entropy; so for all functions with an rng */
CKKS_CHECKED ckks_status ckks_rng_init(ckks_rng *out, const uint8_t *seed);
/* size bytes of the generator's next stream: identities, not keys of objects.
 *   errors  CKKS_EARG, CKKS_ERNG */
CKKS_CHECKED ckks_status ckks_rng_bytes(uint8_t *out, size_t size,
                                        ckks_rng *rng);
void ckks_rng_clear(ckks_rng *rng);

/* ---- plaintexts ------------------------------------------------------- */

/* A plaintext polynomial in NTT form.  Read the fields freely; change them
 * through functions only.  Holds a secret as soon as it holds data: cleared
 * memory is wiped.  An output that is a plaintext of the context and level
 * asked for may keep its memory.
 *
 *   invariant  0 <= level <= top level,
 *              scale finite, 1 <= scale, 2 * scale < Q_level
 */
typedef struct ckks_pt {
    const ckks_ctx *ctx;
    int       level;
    double    scale;
    uint64_t *limb;     /* shape (level+1, N), each word < its q_i           */
} ckks_pt;

void ckks_pt_clear(ckks_pt *pt);

/* out = the polynomial with integer coefficients nearest to scale times the
 * one whose slot j is re[j] + i im[j], j < n; slots from n on are 0.
 *
 *   needs   n <= the number of slots; im may be NULL (real slots), and is NULL
 *           or 0 in the real ring, as in all functions below; all values finite
 *   gives   level, scale; error of a slot about sqrt(N/12) / scale, in the real
 *           ring sqrt(N/6) / scale
 *   cost    one FFT of N/2 points (real ring: N), level+1 NTT
 *   errors  CKKS_EARG    n too large, a value that is not finite
 *           CKKS_ELEVEL  level outside 0..top
 *           CKKS_ESCALE  scale not finite or < 1, or 2 * scale not below
 *                        Q_level; a coefficient that does not stay below
 *                        Q_level/2 or 2^120
 *   leaks   that values were refused; whether the largest coefficient is below
 *           a prime, or 2^62
 *   source  [CKKS17] Ecd; the real ring [KimSong18]
 */
CKKS_CHECKED ckks_status ckks_encode(ckks_pt *out, const ckks_ctx *ctx,
                                     const double *re, const double *im,
                                     size_t n, int level, double scale);

/* The same for one number in every slot: no FFT, no NTT.
 *   leaks   the number's size
 *   source  [CKKS17] Ecd, whose FFT a constant does not need */
CKKS_CHECKED ckks_status ckks_encode_const(ckks_pt *out, const ckks_ctx *ctx,
                                           double re, double im, int level,
                                           double scale);

/* re[j], im[j] = slot j, j < n; im may be NULL.  Only as many limbs are read
 * as the coefficients need: cost about 3 inverse NTT and one FFT whatever the
 * level.  Values up to Q_level / (2 scale) come out right, as far as a double
 * holds them (coefficients below 2^990).
 *   errors  CKKS_EARG    n larger than the number of slots
 *   leaks   how many primes the largest coefficient needs, and each
 *   source  [CKKS17] Dcd */
CKKS_CHECKED ckks_status ckks_decode(double *re, double *im, size_t n,
                                     const ckks_pt *pt);

/* ---- keys of the owner ------------------------------------------------ */

/* Secret key: a uniform ternary polynomial.  Opaque; wiped when cleared.
 *   leaks   which draws were thrown away (one of 256), as ckks_encrypt does for
 *           its own: they say nothing about those kept
 *   source  [HEStandard18], uniform ternary secrets */
typedef struct ckks_sk ckks_sk;
CKKS_CHECKED ckks_status ckks_sk_init(ckks_sk **out, const ckks_ctx *ctx,
                                      ckks_rng *rng);
void ckks_sk_clear(ckks_sk **sk);

/* Public encryption key: an encryption of 0 modulo Q P.
 *   source  [LPR10] */
typedef struct ckks_pk ckks_pk;
CKKS_CHECKED ckks_status ckks_pk_init(ckks_pk **out, ckks_rng *rng,
                                      const ckks_sk *sk);
void ckks_pk_clear(ckks_pk **pk);

/* ---- evaluation keys -------------------------------------------------- */

typedef enum ckks_key_kind {
    CKKS_KEY_RELIN  = 0,    /* s^2 -> s                                      */
    CKKS_KEY_ROTATE = 1,    /* for ckks_rotate by step                       */
    CKKS_KEY_CONJ   = 2     /* for ckks_conj                                 */
} ckks_key_kind;

/* One key: serves ciphertexts of this level and all below.  step is taken
 * modulo the number of slots and ignored for other kinds. */
typedef struct ckks_key_request {
    ckks_key_kind kind;
    int step;
    int level;
} ckks_key_request;

/* The keys a server needs; nothing secret in them.  Opaque.
 * memory a prime: 2 N D times the whole bytes that hold it (5 for 40 bits) and
 * an eighth; and 8 N a rotation.  In a file half of that, of whole bits.
 *   errors  CKKS_EPARAM  the context has no special primes
 *           CKKS_ELEVEL  a level outside 0..top
 *           CKKS_EARG    unknown kind, step 0, the same key twice, conjugation
 *                        in the real ring
 *   source  [HK20], digits of several primes; the form of rotation keys, which
 *           lets digits be shared, docs/08-rotations.md */
typedef struct ckks_keys ckks_keys;
CKKS_CHECKED ckks_status ckks_keys_init(ckks_keys **out, ckks_rng *rng,
                                        const ckks_sk *sk,
                                        const ckks_key_request *request,
                                        size_t num_requests);
void ckks_keys_clear(ckks_keys **keys);
size_t ckks_keys_count(const ckks_keys *keys);
/* Level of the key for (kind, step); -1 if there is none. */
int ckks_keys_level(const ckks_keys *keys, ckks_key_kind kind, int step);

/* ---- ciphertexts ------------------------------------------------------ */

/* A ciphertext (c_0, ..., c_degree), each c_i in R_{Q_level}, NTT form.
 * Read the fields freely; change them through the functions below only.  An
 * output that has the shape of what is made, and is no input, may keep its
 * memory.
 *
 *   value   = the slots of  (sum_i c_i * s^i mod Q_level) / scale
 *   invariant  1 <= degree <= 2,  0 <= level <= top level,
 *              scale finite, 1 <= scale, 2 * scale < Q_level
 */
typedef struct ckks_ct {
    const ckks_ctx *ctx;
    int       degree;
    int       level;
    double    scale;
    uint64_t *limb;     /* shape (degree+1, level+1, N), each word < its q_i */
    int       seeded;   /* 1: c_1 is the expansion of seed (half-size file)  */
    uint8_t   seed[CKKS_SEED_BYTES];
} ckks_ct;

void ckks_ct_clear(ckks_ct *ct);
CKKS_CHECKED ckks_status ckks_ct_copy(ckks_ct *out, const ckks_ct *a);
/* Exchanges the two objects; cannot fail. */
void ckks_ct_swap(ckks_ct *a, ckks_ct *b);

/* Encrypts at the plaintext's level and scale.
 *   noise   ckks_encrypt_sk: sd 3.24 a coefficient; gives a seeded ciphertext
 *           ckks_encrypt: about sqrt(N/18) a coefficient, in the real ring
 *           sqrt(N/9); in slots docs/09-noise.md
 *   errors  CKKS_ERNG    rng never initialised; no entropy
 *           CKKS_EPARAM  ckks_encrypt in a context without special primes
 *   leaks   ckks_encrypt: as ckks_sk_init
 *   source  [CKKS17] Enc; with a public key modulo Q P, divided by P
 */
CKKS_CHECKED ckks_status ckks_encrypt_sk(ckks_ct *out, ckks_rng *rng,
                                         const ckks_pt *pt, const ckks_sk *sk);
CKKS_CHECKED ckks_status ckks_encrypt(ckks_ct *out, ckks_rng *rng,
                                      const ckks_pt *pt, const ckks_pk *pk);

/* For the key owner's own eyes.  The decoded slots carry the noise of the
 * ciphertext: anyone who gets them together with the ciphertext can compute
 * the secret key (docs/security.md).  Degree 1 or 2.
 *   source  [CKKS17] Dec; what its result gives away [LM21] */
CKKS_CHECKED ckks_status ckks_decrypt(ckks_pt *out, const ckks_ct *ct,
                                      const ckks_sk *sk);

/* For publication: adds to every coefficient noise that is uniform in
 * [-2^w, 2^w), w = error_bits + hiding_bits.  That hides the error of a result,
 * not a value put there: of a ciphertext that a stranger made, no decryption is
 * shown to him, flooded or not (docs/14-forged-results.md).
 *
 *   needs   error_bits: log2 of a bound, for the worst case, on the error of
 *           a coefficient (times scale, as it stands in the ciphertext);
 *           hiding_bits >= 20: what remains visible of the error shrinks by
 *           2^-hiding_bits
 *           2^w well below the scale, if values of size 1 are to be seen: a
 *           slot's noise is about sqrt(N/3) 2^w / scale
 *   errors  CKKS_ESCALE  2^w leaves no room: w >= log2(Q_level) - 2 or > 100
 *   source  [LM21]; a bound for the worst case because of [GNSJ24]
 */
CKKS_CHECKED ckks_status ckks_decrypt_flooded(ckks_pt *out, ckks_rng *rng,
                                              const ckks_ct *ct,
                                              const ckks_sk *sk,
                                              double error_bits,
                                              int hiding_bits);

/* ---- arithmetic ------------------------------------------------------- *
 * No hidden rescale, relinearisation or level drop.  Scales count as equal
 * if they differ by less than one part in 2^32 (then the value is off by no
 * more than that); the output has the first one's.
 */

/* out = a + b, a - b.  Degrees may differ.  cost 2 limbs a prime
 *   errors  CKKS_ELEVEL  levels differ; call ckks_drop_level on the higher
 *           CKKS_ESCALE  scales differ
 *   source  [CKKS17] Add */
CKKS_CHECKED ckks_status ckks_add(ckks_ct *out, const ckks_ct *a,
                                  const ckks_ct *b);
CKKS_CHECKED ckks_status ckks_sub(ckks_ct *out, const ckks_ct *a,
                                  const ckks_ct *b);
CKKS_CHECKED ckks_status ckks_neg(ckks_ct *out, const ckks_ct *a);
CKKS_CHECKED ckks_status ckks_add_plain(ckks_ct *out, const ckks_ct *a,
                                        const ckks_pt *b);
CKKS_CHECKED ckks_status ckks_sub_plain(ckks_ct *out, const ckks_ct *a,
                                        const ckks_pt *b);

/* out = a + (re + i im) in every slot; the constant is rounded to 1/scale.
 *   errors  CKKS_EARG    not finite
 *           CKKS_ESCALE  |constant| * scale does not stay below Q_level / 2
 *   source  [CKKS17], a plaintext that is a constant */
CKKS_CHECKED ckks_status ckks_add_const(ckks_ct *out, const ckks_ct *a,
                                        double re, double im);

/* out = a * c for an integer c: scale unchanged, the value grows by c.
 *   source  [CKKS17], a sum of c times a */
CKKS_CHECKED ckks_status ckks_mul_int(ckks_ct *out, const ckks_ct *a,
                                      int64_t c);

/* out = a * (re + i im): by the constant times `scale` rounded to a Gaussian
 * integer; the scale grows by `scale`.
 *   errors  CKKS_EARG    not finite, |constant| * scale >= 2^62
 *           CKKS_ESCALE  scale < 1, or no room
 *   source  [CKKS17] CMult; i is X^(N/2) (docs/04-encoding.md) */
CKKS_CHECKED ckks_status ckks_mul_const(ckks_ct *out, const ckks_ct *a,
                                        double re, double im, double scale);

/* out = a * b slot by slot; scales multiply.
 *   errors  CKKS_ELEVEL  levels differ
 *           CKKS_ESCALE  2 * scale would reach Q_level; rescale first
 *   source  [CKKS17] CMult */
CKKS_CHECKED ckks_status ckks_mul_plain(ckks_ct *out, const ckks_ct *a,
                                        const ckks_pt *b);

/* out = a * b, not yet relinearised, not yet rescaled.
 *   needs   a and b: degree 1
 *   gives   degree 2, scale = a->scale * b->scale
 *   cost    4 products a word (square: 3); no NTT
 *   errors  CKKS_EARG    a degree that is not 1
 *           CKKS_ELEVEL, CKKS_ESCALE  as above
 *   source  [CHKKS18] section 4, tensor step */
CKKS_CHECKED ckks_status ckks_mul(ckks_ct *out, const ckks_ct *a,
                                  const ckks_ct *b);
CKKS_CHECKED ckks_status ckks_square(ckks_ct *out, const ckks_ct *a);

/* out += a * a, in place: sums of squares, before one relinearisation.
 *   needs   out: degree 2, the level of a and the square of its scale; a:
 *           degree 1
 *   cost    3 products a word; no NTT
 *   errors  CKKS_EARG    other degrees
 *           CKKS_ELEVEL, CKKS_ESCALE  levels or scales that do not belong
 *                        together
 *   source  as ckks_mul */
CKKS_CHECKED ckks_status ckks_add_square(ckks_ct *out, const ckks_ct *a);

/* out = a of degree 2, made degree 1.  A degree 1 input is copied.
 *   cost    l+1 + D (l+1+K) - (l+1) + 2 K + 2 (l+1) NTT
 *   errors  CKKS_EKEY    no relinearisation key, or for a lower level only
 *   source  [HK20]; special primes fitted to a level,
 *           docs/07-key-switching.md */
CKKS_CHECKED ckks_status ckks_relin(ckks_ct *out, const ckks_ct *a,
                                    const ckks_keys *keys);

/* out = a / q_level, one level down; the scale is divided by q_level.
 * Relinearise before, or with ckks_relin_rescale: a rescaled degree 2 carries
 * 2^7 times the noise.  The division's own rounding is about N/4 / scale in a
 * slot, of the new scale: rescale products, not what was rescaled already.
 *   cost    (degree+1) (l+1) NTT
 *   errors  CKKS_ELEVEL  level 0
 *           CKKS_ESCALE  scale / q_level < 1, or no room
 *   source  [CHKKS18], rescaling by the last prime; rounding to nearest,
 *           docs/03-rns.md */
CKKS_CHECKED ckks_status ckks_rescale(ckks_ct *out, const ckks_ct *a);

/* Both at once: the division by P and by q_level is one division by P q_level,
 * the same for odd moduli (docs/07-key-switching.md), in fewer NTT.
 *   errors  as of ckks_relin and ckks_rescale
 *   source  docs/07-key-switching.md */
CKKS_CHECKED ckks_status ckks_relin_rescale(ckks_ct *out, const ckks_ct *a,
                                            const ckks_keys *keys);

/* out = a modulo Q_level: value and scale stay.
 *   errors  CKKS_ELEVEL  level < 0 or above a's
 *           CKKS_ESCALE  2 * scale does not stay below Q_level
 *   source  [CHKKS18], limbs left out */
CKKS_CHECKED ckks_status ckks_drop_level(ckks_ct *out, const ckks_ct *a,
                                         int level);

/* ---- rotations -------------------------------------------------------- */

/* Slot j of out = slot j + step of a, modulo the number of slots: a rotation to
 * the left.
 *   needs   degree 1; step any integer, 0 copies
 *   cost    as ckks_relin
 *   errors  CKKS_EARG    degree 2
 *           CKKS_EKEY    no key for this step, or for a lower level only
 *   source  [CKKS17], X -> X^(5^step), then key switching [HK20] */
CKKS_CHECKED ckks_status ckks_rotate(ckks_ct *out, const ckks_ct *a,
                                     const ckks_keys *keys, int step);
/* The complex conjugate of every slot.
 *   errors  as ckks_rotate; CKKS_EARG in the real ring
 *   source  [CKKS17], X -> 1/X */
CKKS_CHECKED ckks_status ckks_conj(ckks_ct *out, const ckks_ct *a,
                                   const ckks_keys *keys);

/* out[k] = a rotated by step[k]: the digits of a are made once.
 *   needs   n outputs, all different objects
 *   cost    l+1 + D (l+1+K) - (l+1) NTT, then 2 K + 2 (l+1) NTT each
 *   errors  as ckks_rotate; CKKS_EPARAM in a context of uncentred digits
 *   source  [HS18] */
CKKS_CHECKED ckks_status ckks_rotate_hoisted(ckks_ct *out, const int *step,
                                             size_t n, const ckks_ct *a,
                                             const ckks_keys *keys);

/* out = sum over k < n of (a[k] rotated by step[k]).  The sum is taken modulo
 * Q P, so that one division by P (and one rounding) serves all terms.
 *   needs   n >= 1, all a[k] of degree 1, one level, one scale
 *   cost    D (l+1+K) NTT a term with step != 0, then 2 K + 2 (l+1) NTT
 *   errors  as ckks_rotate and ckks_add; CKKS_EPARAM as hoisted
 *   source  [BMTH21], sums before the division by P */
CKKS_CHECKED ckks_status ckks_rotate_sum(ckks_ct *out,
                                         const ckks_ct *const *a,
                                         const int *step, size_t n,
                                         const ckks_keys *keys);

/* ---- integer combinations --------------------------------------------- */

/* One block of a sparse integer matrix: outputs first .. first+rows-1 are
 *   out[first + r] = sum over k < terms of weight[r * terms + k] * in[index[k]]
 */
typedef struct ckks_block {
    size_t first, rows, terms;
    const int32_t *index;       /* shape (terms), into the array of inputs   */
    const int32_t *weight;      /* shape (rows, terms)                       */
} ckks_block;

/* The product of an integer matrix, given as blocks, with a column of
 * ciphertexts: the linear layers of a network.
 *
 *   needs   inputs: degree 1, one level (scales are the caller's affair: the
 *           integers absorb them); every output in exactly one block;
 *           sum of |weight| over any row < 2^28
 *   gives   n_out ciphertexts of that level and of the given scale
 *   cost    one pass; 2 multiply-adds a term, word and half.  SIMD kernels work
 *           on inputs 2 i and 2 i + 1 together: terms of both that follow each
 *           other cost what one does
 *   errors  CKKS_EARG    a block without rows or terms, an index or output out
 *                        of range, an output in no block or two, a row sum
 *                        >= 2^28, equal outputs
 *           CKKS_ELEVEL  levels differ
 *           CKKS_ESCALE  2 * scale >= Q_level
 *   source  docs/11-layers.md */
CKKS_CHECKED ckks_status ckks_combine(ckks_ct *const *out, size_t n_out,
                                      const ckks_ct *const *in, size_t n_in,
                                      const ckks_block *block, size_t n_blocks,
                                      double scale);

/* The same in the real ring with weights that differ from slot to slot, in a
 * pattern of `period` slots: as ckks_combine, but
 *   weight      shape (rows, terms, period): the weight's coefficients a_i; in
 *               slot j it is
 *               a_0 + 2 sum over 0 < i < period of a_i cos(pi i 5^j / 2 period)
 *
 *   needs   the real ring; period a power of two, 1 .. 64, <= N / 8; any row
 *           sums.  Inputs, blocks and outputs as there
 *   gives   n_out ciphertexts of that level and of the given scale
 *   cost    a multiply-add of whole words a term, word and half; period^2
 *           small ones for each weight and prime
 *   errors  CKKS_EARG    a period that is none, the complex ring; else as there
 *   source  docs/12-volley.md, "Channels in the gaps" */
CKKS_CHECKED ckks_status ckks_combine_periodic(ckks_ct *const *out,
                                               size_t n_out,
                                               const ckks_ct *const *in,
                                               size_t n_in,
                                               const ckks_block *block,
                                               size_t n_blocks, int period,
                                               double scale);

/* ---- bytes ------------------------------------------------------------ *
 * Every object can be written to memory and read back.  A loader believes
 * nothing: sizes are checked before anything is allocated, every word is
 * compared with its prime, the context's fingerprint must match, a checksum
 * (damage only: it is no protection against an attacker) must be right where
 * there is one (MINIMAL builds write and check the same one), and
 * nothing may follow the object.  Formats: docs/conventions.md.
 *
 * X_size: bytes X_save will write.  X_save: size must be exactly that.
 *   errors  CKKS_EARG     wrong size of the buffer (save)
 *           CKKS_EFORMAT  refused bytes, saying which field (load)
 *           CKKS_EMEM     load; save of evaluation keys: a limb to work with
 */
size_t ckks_params_size(const ckks_ctx *ctx);
CKKS_CHECKED ckks_status ckks_params_save(uint8_t *out, size_t size,
                                          const ckks_ctx *ctx);
/* Fills a ckks_params (kernel NULL, default memory) from bytes. */
CKKS_CHECKED ckks_status ckks_params_load(ckks_params *out,
                                          const uint8_t *in, size_t size);

size_t ckks_pt_size(const ckks_pt *pt);
CKKS_CHECKED ckks_status ckks_pt_save(uint8_t *out, size_t size,
                                      const ckks_pt *pt);
CKKS_CHECKED ckks_status ckks_pt_load(ckks_pt *out, const ckks_ctx *ctx,
                                      const uint8_t *in, size_t size);

size_t ckks_ct_size(const ckks_ct *ct);
CKKS_CHECKED ckks_status ckks_ct_save(uint8_t *out, size_t size,
                                      const ckks_ct *ct);
CKKS_CHECKED ckks_status ckks_ct_load(ckks_ct *out, const ckks_ctx *ctx,
                                      const uint8_t *in, size_t size);

/*   leaks   loading: that a file was refused; nothing else */
size_t ckks_sk_size(const ckks_sk *sk);
CKKS_CHECKED ckks_status ckks_sk_save(uint8_t *out, size_t size,
                                      const ckks_sk *sk);
CKKS_CHECKED ckks_status ckks_sk_load(ckks_sk **out, const ckks_ctx *ctx,
                                      const uint8_t *in, size_t size);

size_t ckks_pk_size(const ckks_pk *pk);
CKKS_CHECKED ckks_status ckks_pk_save(uint8_t *out, size_t size,
                                      const ckks_pk *pk);
CKKS_CHECKED ckks_status ckks_pk_load(ckks_pk **out, const ckks_ctx *ctx,
                                      const uint8_t *in, size_t size);

size_t ckks_keys_size(const ckks_keys *keys);
CKKS_CHECKED ckks_status ckks_keys_save(uint8_t *out, size_t size,
                                        const ckks_keys *keys);
CKKS_CHECKED ckks_status ckks_keys_load(ckks_keys **out, const ckks_ctx *ctx,
                                        const uint8_t *in, size_t size);

/* Evaluation keys that stay in their file, but for those that are held: a
 * network's first layers need few of them, its last few limbs of each.
 *
 * open reads the file once, checks it as ckks_keys_load does, and keeps a sum
 * of each limb.  hold brings to memory the keys of the list, each with the
 * limbs of its level, and gives back everything else: first what is not wanted
 * or has too few limbs, then the limbs too many, then it reads, always in the
 * order of the file.  What it reads must be what open read.  Of keys that are
 * all in memory it only says whether they serve the list.  Not while another
 * thread uses the keys.
 *
 *   memory  of a held key as of any other; besides 64 N bytes, and 8 a limb
 *   errors  open: as ckks_keys_load, CKKS_EIO if read fails
 *           hold: CKKS_EKEY, nothing changed: a key is not there or for lower
 *           levels; CKKS_EIO, CKKS_EMEM, CKKS_EFORMAT (the file changed): fewer
 *           are held; another call may bring them */
typedef struct ckks_source {
    /* size bytes from `at` on; not CKKS_OK: they cannot be had              */
    ckks_status (*read)(void *user, uint64_t at, void *out, size_t size);
    void *user;                 /* must outlive the keys                     */
    uint64_t size;
} ckks_source;
CKKS_CHECKED ckks_status ckks_keys_open(ckks_keys **out, const ckks_ctx *ctx,
                                        const ckks_source *from);
CKKS_CHECKED ckks_status ckks_keys_hold(ckks_keys *keys,
                                        const ckks_key_request *want,
                                        size_t num_wanted);

/* Evaluation keys made one at a time, straight into the bytes of their file:
 * those of ckks_keys_init and ckks_keys_save with the same generator, without
 * the memory for all keys, or for one of them as words.  The file is a head,
 * then the keys in the order of the requests; the head has the checksum, so it
 * is given last, for the place in front:
 *
 *     init;  while (next_size > 0) next;  head;  clear
 *
 * init draws what the keys will be made of, and leaves rng as ckks_keys_init
 * would.  sk stays with the caller and must outlive the maker.
 *
 *   memory  N (D + 4 + 32 T) bytes of limbs and errors, T threads; wiped
 *   errors  init: as ckks_keys_init
 *           CKKS_EARG    a buffer of another size than next_size, head_size;
 *                        next after the last key, head before it
 *   source  as ckks_keys_init */
typedef struct ckks_keys_maker ckks_keys_maker;     /* opaque */
CKKS_CHECKED ckks_status ckks_keys_maker_init(ckks_keys_maker **out,
                                              ckks_rng *rng,
                                              const ckks_sk *sk,
                                              const ckks_key_request *request,
                                              size_t num_requests);
void ckks_keys_maker_clear(ckks_keys_maker **m);
/* Bytes of the file, of its head, of the next key (0: all are made). */
uint64_t ckks_keys_maker_size(const ckks_keys_maker *m);
size_t ckks_keys_maker_head_size(const ckks_keys_maker *m);
size_t ckks_keys_maker_next_size(const ckks_keys_maker *m);
CKKS_CHECKED ckks_status ckks_keys_maker_next(uint8_t *out, size_t size,
                                              ckks_keys_maker *m);
CKKS_CHECKED ckks_status ckks_keys_maker_head(uint8_t *out, size_t size,
                                              const ckks_keys_maker *m);

/* ---- files ------------------------------------------------------------- */

/* Files (absent from a MINIMAL build).  Writing goes to a temporary name in the
 * same folder, PATH.tmp-XXXXXX, which is renamed when all is on disk: under the
 * name asked for stands the old file or the whole new one.  mode is that of the
 * file (0600 for secrets), also where it replaces another.  Only what is no
 * file yet or a regular one is written: a folder, a device, a pipe and a
 * symbolic link are refused.  Reading follows links, refuses all but regular
 * files, and allocates with the default allocator: free the result with
 * ckks_file_free, which wipes it.
 *   errors  CKKS_EIO  with the path and the system's reason; reading also
 *                     refuses files over max_size */
CKKS_CHECKED ckks_status ckks_file_write(const char *path, const uint8_t *data,
                                         size_t size, unsigned mode);
CKKS_CHECKED ckks_status ckks_file_read(uint8_t **out, size_t *size,
                                        const char *path, size_t max_size);
void ckks_file_free(uint8_t *data, size_t size);
/* Whether the name would be taken for writing, before the work is done. */
CKKS_CHECKED ckks_status ckks_file_check(const char *path);

/* The same writing, piece by piece.  finish clears the object whatever comes of
 * it; clear before that removes what was written. */
typedef struct ckks_file ckks_file;     /* opaque */
CKKS_CHECKED ckks_status ckks_file_open(ckks_file **out, const char *path,
                                        unsigned mode);
CKKS_CHECKED ckks_status ckks_file_put(ckks_file *f, const uint8_t *data,
                                       size_t size);
/* Other bytes in the place of some that were put.
 *   errors  CKKS_EARG  beyond what was put; CKKS_EIO */
CKKS_CHECKED ckks_status ckks_file_put_at(ckks_file *f, uint64_t at,
                                          const uint8_t *data, size_t size);
CKKS_CHECKED ckks_status ckks_file_finish(ckks_file **f);
void ckks_file_clear(ckks_file **f);

/* Removes the temporary files of all writing under way in this process (of 64
 * at once; a child after fork shares its parent's), which then fails.
 * Async-signal-safe: for the handler of a program that is told to end.  The
 * library installs none; without one such a signal leaves them, as SIGKILL
 * always does. */
void ckks_file_abandon(void);

/* BLAKE2b of out_size (1..64) bytes, key of 0..64 bytes: the library's one
 * hash, for fingerprints of what is built on top. */
void ckks_blake2b(uint8_t *out, size_t out_size, const uint8_t *in,
                  size_t size, const uint8_t *key, size_t key_size);

#ifdef __cplusplus
}
#endif
#endif
