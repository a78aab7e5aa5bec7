/* exchange.c -- Volley's side of the exchange with SEAL (tests/scripts/seal.sh).
 *
 *   exchange make DIR LOGN SCALE BITS...   Volley makes parameters, keys,
 *                              inputs and the results of all operations
 *   exchange check DIR         Volley reads what SEAL made (seal.js make),
 *                              does the same operations with its keys and
 *                              compares every word; DIR/back: encrypted with
 *                              SEAL's public key
 *   exchange back DIR          Volley decrypts what SEAL encrypted with
 *                              Volley's keys
 *
 * Prints a line an object: name, words, words that differ; and ends with
 * "N passed, N failed".  Same names as in seal.js and in
 * vectors/check/seal.cpp, either of which may be the other side.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckks_primitives.h"
#include "ckks_seal.h"

enum { MAX_FILE = 1 << 28 };

static int passed, failed;
static const char *dir;

static void must(ckks_status s, const char *what)
{
    if (s == CKKS_OK)
        return;
    printf("FAIL %s: %s\n%d passed, %d failed\n", what, ckks_last_error(),
           passed, failed + 1);
    exit(1);
}

static void judge(int ok)
{
    ok ? passed++ : failed++;
    printf(ok ? "  " : "FAIL ");
}

/* ---- files -------------------------------------------------------------- */

typedef struct bytes {
    uint8_t *at;
    size_t size;
} bytes;

static char *path_of(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static bytes get(const char *name)
{
    bytes b;

    must(ckks_file_read(&b.at, &b.size, path_of(name), MAX_FILE), name);
    return b;
}

static void put(const char *name, bytes b)
{
    must(ckks_file_write(path_of(name), b.at, b.size, 0600), name);
    free(b.at);
}

/* Byte 4 of a header, outer or nested, is the minor version of the SEAL that
 * wrote it (1 here): made equal where the other 15 bytes are. */
static void one_version(bytes got, bytes want)
{
    static const uint8_t magic[4] = { 0x5e, 0xa1, 16, 4 };

    for (size_t i = 0; i + 16 <= want.size && i + 16 <= got.size; i++)
        if (memcmp(want.at + i, magic, 4) == 0
                && memcmp(got.at + i, magic, 4) == 0
                && memcmp(got.at + i + 5, want.at + i + 5, 11) == 0)
            want.at[i + 4] = got.at[i + 4];
}

/* Words of 8 bytes that differ, counted from the end, as in seal.js. */
static void compare(const char *name, bytes got, bytes want)
{
    size_t words = want.size / 8, differ = got.size == want.size ? 0 : words;

    one_version(got, want);
    for (size_t i = want.size; i > 0 && differ < words; i -= i < 8 ? i : 8) {
        size_t k = i < 8 ? 0 : i - 8;

        differ += memcmp(got.at + k, want.at + k, i - k) != 0;
    }
    judge(differ == 0);
    printf("%-24s %9zu words, %zu differ\n", name, words, differ);
}

/* bytes b = an object as SEAL's bytes. */
#define SAVED(b, kind, object)                                            \
    do {                                                                  \
        (b).size = ckks_seal_##kind##_size(object);                       \
        (b).at = malloc((b).size + 1);                                    \
        must((b).at == NULL ? CKKS_EMEM : CKKS_OK, #kind);                \
        must(ckks_seal_##kind##_save((b).at, (b).size, object), #kind);   \
    } while (0)

/* ---- the objects of one set of parameters ------------------------------- */

typedef struct world {
    ckks_ctx *ctx;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *relin, *galois;
    ckks_pt pt;
    ckks_ct x, y;
} world;

static void world_clear(world *w)
{
    if (w->galois != w->relin)
        ckks_keys_clear(&w->galois);
    ckks_keys_clear(&w->relin);
    ckks_pk_clear(&w->pk);
    ckks_sk_clear(&w->sk);
    ckks_pt_clear(&w->pt);
    ckks_ct_clear(&w->x);
    ckks_ct_clear(&w->y);
    ckks_ctx_clear(&w->ctx);
}

static double slot_x(int j)
{
    return (double)((int64_t)j * 7919 % 1000) / 1000 - 0.5;
}

static double slot_y(int j)
{
    return (double)((int64_t)j * 104729 % 1000) / 500 - 1;
}

static void encode(ckks_pt *out, const world *w, double (*f)(int),
                   double scale)
{
    size_t n = ckks_ctx_slots(w->ctx);
    double *v = malloc(n * sizeof *v);

    must(v == NULL ? CKKS_EMEM : CKKS_OK, "values");
    for (size_t j = 0; j < n; j++)
        v[j] = f((int)j);
    must(ckks_encode(out, w->ctx, v, NULL, n, ckks_ctx_top_level(w->ctx),
                     scale), "encode");
    free(v);
}

/* Decrypted slots against f at j + step. */
static void near(const char *name, const world *w, const ckks_ct *ct,
                 double (*f)(int), int step, double bound)
{
    int n = (int)ckks_ctx_slots(w->ctx);
    double *v = malloc((size_t)n * sizeof *v), worst = 0;
    ckks_pt pt = { 0 };

    must(v == NULL ? CKKS_EMEM : CKKS_OK, "values");
    must(ckks_decrypt(&pt, ct, w->sk), name);
    must(ckks_decode(v, NULL, (size_t)n, &pt), name);
    for (int j = 0; j < n; j++)
        worst = fmax(worst, fabs(v[j] - f((j + step) % n)));
    judge(worst < bound);
    printf("%-24s %9d slots, worst error 2^%.1f\n", name, n, log2(worst));
    ckks_pt_clear(&pt);
    free(v);
}

/* Bounds of the error of a slot; they follow N and the scale.
 *
 *   fresh    a division rounds c_0 and c_1 by up to 1/2, and what is in c_1
 *            times s has standard deviation 0.24 N in a slot; a product of two
 *            Gaussians has long tails: 16 of them (under the secret key alone
 *            the error is less: 3.24 sqrt(N))
 *   turned   and what switching adds: digits are not centred, so that of the
 *            largest prime has mean P/2 in every coefficient, in slot 0 2 N / pi
 *            times that, times the key's error: for each digit at most
 *            3.24 sqrt(N) N / pi; 8 of them
 *   product  the errors of x and y times values up to 1, and another rounding
 */
static double fresh(const world *w)
{
    return 8 * (double)ckks_ctx_slots(w->ctx) / w->x.scale;
}

static double turned(const world *w)
{
    double digits = ckks_ctx_top_level(w->ctx) + 1;

    return fresh(w)
           * (1 + 2 * sqrt(2 * (double)ckks_ctx_slots(w->ctx) * digits));
}

static double multiplied(const world *w, const ckks_ct *ct)
{
    return 2 * fresh(w) + 8 * (double)ckks_ctx_slots(w->ctx) / ct->scale;
}

static double slot_xy(int j)
{
    return slot_x(j) * slot_y(j);
}

/* ---- the list: what seal.js calls operations() -------------------------- */

typedef void emit_ct(const char *name, const ckks_ct *ct);
typedef void emit_pt(const char *name, const ckks_pt *pt);

static void operations(const world *w, emit_ct *ct, emit_pt *pt)
{
    ckks_ct r = { 0 }, product = { 0 }, relin = { 0 }, low = { 0 };
    ckks_ct square = { 0 }, rotated = { 0 };
    ckks_pt p = { 0 };

    must(ckks_mul(&product, &w->x, &w->y), "multiply");
    must(ckks_relin(&relin, &product, w->relin), "relinearise");
    must(ckks_rescale(&low, &relin), "rescale");
    must(ckks_square(&square, &low), "square");
    must(ckks_rotate(&rotated, &w->x, w->galois, 1), "rotate");
    must(ckks_add(&r, &w->x, &w->y), "add");
    ct("add", &r);
    must(ckks_sub(&r, &w->x, &w->y), "sub");
    ct("sub", &r);
    must(ckks_neg(&r, &w->x), "negate");
    ct("negate", &r);
    must(ckks_add_plain(&r, &w->x, &w->pt), "add_plain");
    ct("add_plain", &r);
    must(ckks_mul_plain(&r, &w->x, &w->pt), "multiply_plain");
    ct("multiply_plain", &r);
    ct("multiply", &product);
    must(ckks_square(&r, &w->x), "square");
    ct("square", &r);
    ct("relinearise", &relin);
    ct("rescale", &low);
    must(ckks_rescale(&r, &product), "rescale_of_three");
    ct("rescale_of_three", &r);
    must(ckks_drop_level(&r, &w->x, w->x.level - 1), "drop_level");
    ct("drop_level", &r);
    ct("rotate_1", &rotated);
    must(ckks_rotate(&r, &w->x, w->galois, -3), "rotate_-3");
    ct("rotate_-3", &r);
    must(ckks_conj(&r, &w->x, w->galois), "conjugate");
    ct("conjugate", &r);
    must(ckks_rotate(&r, &low, w->galois, 8), "rotate_8_low");
    ct("rotate_8_low", &r);
    ct("square_low", &square);
    must(ckks_relin(&r, &square, w->relin), "relinearise_low");
    ct("relinearise_low", &r);
    must(ckks_decrypt(&p, &w->x, w->sk), "decrypt");
    pt("decrypt", &p);
    must(ckks_decrypt(&p, &product, w->sk), "decrypt_of_three");
    pt("decrypt_of_three", &p);
    must(ckks_decrypt(&p, &rotated, w->sk), "decrypt_rotated");
    pt("decrypt_rotated", &p);
    must(ckks_decrypt(&p, &low, w->sk), "decrypt_low");
    pt("decrypt_low", &p);
    ckks_ct_clear(&r);
    ckks_ct_clear(&product);
    ckks_ct_clear(&relin);
    ckks_ct_clear(&low);
    ckks_ct_clear(&square);
    ckks_ct_clear(&rotated);
    ckks_pt_clear(&p);
}

static char *result_name(const char *name)
{
    static char text[64];

    snprintf(text, sizeof text, "r_%s", name);
    return text;
}

static void put_ct(const char *name, const ckks_ct *ct)
{
    bytes b;

    SAVED(b, ct, ct);
    put(result_name(name), b);
}

static void put_pt(const char *name, const ckks_pt *pt)
{
    bytes b;

    SAVED(b, pt, pt);
    put(result_name(name), b);
}

static void compare_file(const char *name, const char *file, bytes got)
{
    bytes want = get(file);

    compare(name, got, want);
    free(got.at);
    ckks_file_free(want.at, want.size);
}

static void compare_ct(const char *name, const ckks_ct *ct)
{
    bytes b;

    SAVED(b, ct, ct);
    compare_file(name, result_name(name), b);
}

static void compare_pt(const char *name, const ckks_pt *pt)
{
    bytes b;

    SAVED(b, pt, pt);
    compare_file(name, result_name(name), b);
}

/* ---- make --------------------------------------------------------------- */

static void make(int log_n, int log_scale, int k, char **bits)
{
    static const int step[] = { 1, 2, 4, 8, -3 };
    const uint8_t seed[CKKS_SEED_BYTES] = { 7 };
    ckks_params p = { .log_n = log_n, .num_primes = k - 1, .dnum = k - 1,
                      .num_special = 1, .generator = 3, .uncentred_digits = 1,
                      .security = CKKS_INSECURE };
    ckks_key_request want[7] = { { CKKS_KEY_RELIN, 0, k - 2 },
                                 { CKKS_KEY_CONJ, 0, k - 2 } };
    ckks_rng rng = { 0 };
    ckks_pt pt = { 0 };
    world w = { 0 };
    bytes b;

    for (int t = 0; t < k; t++)
        *(t < k - 1 ? &p.primes[t] : &p.special[0]) = strtoul(bits[t], NULL,
                                                              10);
    for (int i = 0; i < 5; i++)
        want[2 + i] = (ckks_key_request){ CKKS_KEY_ROTATE, step[i], k - 2 };
    must(ckks_ctx_init(&w.ctx, &p), "context");
    must(ckks_rng_init(&rng, seed), "rng");
    must(ckks_sk_init(&w.sk, w.ctx, &rng), "sk");
    must(ckks_pk_init(&w.pk, &rng, w.sk), "pk");
    must(ckks_keys_init(&w.relin, &rng, w.sk, want, 7), "keys");
    w.galois = w.relin;
    encode(&w.pt, &w, slot_y, ldexp(1, log_scale));
    encode(&pt, &w, slot_x, ldexp(1, log_scale));
    must(ckks_encrypt(&w.x, &rng, &pt, w.pk), "x");
    must(ckks_encrypt_sk(&w.y, &rng, &w.pt, w.sk), "y");
    SAVED(b, params, w.ctx);
    put("parms", b);
    SAVED(b, sk, w.sk);
    put("sk", b);
    SAVED(b, pk, w.pk);
    put("pk", b);
    SAVED(b, relin, w.relin);
    put("relin", b);
    SAVED(b, galois, w.galois);
    put("galois", b);
    SAVED(b, pt, &w.pt);
    put("pt", b);
    SAVED(b, ct, &w.x);
    put("x", b);
    SAVED(b, ct, &w.y);
    put("y", b);
    operations(&w, put_ct, put_pt);
    ckks_pt_clear(&pt);
    world_clear(&w);
}

/* ---- check -------------------------------------------------------------- */

static void open_world(world *w)
{
    ckks_params p;
    bytes b = get("parms");

    must(ckks_seal_params_load(&p, b.at, b.size), "parms");
    ckks_file_free(b.at, b.size);
    p.security = CKKS_INSECURE;         /* test sizes; SEAL's none           */
    must(ckks_ctx_init(&w->ctx, &p), "context");
}

/* Loads an object of a kind from a file, saves it and compares with another
 * file: the same one, or what SEAL made of the same seed. */
#define LOADED(kind, object, in, name, same)                              \
    do {                                                                  \
        bytes b_ = get(in);                                               \
        must(ckks_seal_##kind##_load((object), w.ctx, b_.at, b_.size), in); \
        ckks_file_free(b_.at, b_.size);                                   \
        SAVED(b_, kind, name);                                            \
        compare_file(in, same, b_);                                       \
    } while (0)

static void refuse_compressed(const world *w, const char *name)
{
    bytes b = get(name);
    ckks_ct ct = { 0 };
    ckks_status s = ckks_seal_ct_load(&ct, w->ctx, b.at, b.size);

    judge(s == CKKS_EFORMAT && strstr(ckks_last_error(), "compressed")
                                   != NULL && ct.limb == NULL);
    printf("%-24s refused\n", name);
    ckks_file_free(b.at, b.size);
}

/* Coefficients encoded here and by SEAL, both rounded from doubles. */
static void compare_encoding(const world *w)
{
    size_t n = 2 * ckks_ctx_slots(w->ctx), off = 0;
    uint64_t p = ckks_ctx_prime(w->ctx, 0), worst = 0;
    bytes b = get("pt");
    ckks_pt a = { 0 }, c = { 0 };

    encode(&a, w, slot_y, w->pt.scale);
    must(ckks_seal_pt_load(&c, w->ctx, b.at, b.size), "pt");
    must(ckks_ntt_inverse(a.limb, w->ctx, 0), "coefficients");
    must(ckks_ntt_inverse(c.limb, w->ctx, 0), "coefficients");
    for (size_t i = 0; i < n; i++) {
        uint64_t d = (a.limb[i] + p - c.limb[i]) % p;

        d = d > p / 2 ? p - d : d;
        off += d != 0;
        worst = d > worst ? d : worst;
    }
    judge((double)worst <= 1 + w->pt.scale * 0x1p-44);
    printf("%-24s %9zu coefficients, %zu off, by at most %llu\n",
           "encode (doubles)", n, off, (unsigned long long)worst);
    ckks_file_free(b.at, b.size);
    ckks_pt_clear(&a);
    ckks_pt_clear(&c);
}

static void check(void)
{
    const uint8_t seed[CKKS_SEED_BYTES] = { 8 };
    ckks_rng rng = { 0 };
    ckks_pk *pk = NULL;
    ckks_keys *keys = NULL;
    ckks_ct ct = { 0 };
    ckks_pt pt = { 0 };
    world w = { 0 };
    bytes b;

    open_world(&w);
    printf("  kernel %s\n", ckks_ctx_kernel(w.ctx));
    SAVED(b, params, w.ctx);
    compare_file("parameters", "parms", b);
    LOADED(sk, &w.sk, "sk", w.sk, "sk");
    LOADED(pk, &w.pk, "pk", w.pk, "pk");
    LOADED(relin, &w.relin, "relin", w.relin, "relin");
    LOADED(galois, &w.galois, "galois", w.galois, "galois");
    LOADED(pt, &w.pt, "pt", &w.pt, "pt");
    LOADED(ct, &w.x, "x", &w.x, "x");
    LOADED(ct, &w.y, "y", &w.y, "y");
    LOADED(pk, &pk, "pk_seeded", pk, "pk_expanded");
    LOADED(relin, &keys, "relin_seeded", keys, "relin_expanded");
    LOADED(galois, &keys, "galois_seeded", keys, "galois_expanded");
    LOADED(ct, &ct, "x_seeded", &ct, "x_expanded");
    near("Volley decodes x_seeded", &w, &ct, slot_x, 0, fresh(&w));
    refuse_compressed(&w, "x_zlib");
    refuse_compressed(&w, "x_zstd");
    operations(&w, compare_ct, compare_pt);
    near("Volley decodes x", &w, &w.x, slot_x, 0, fresh(&w));
    must(ckks_rotate(&ct, &w.x, w.galois, 1), "rotate");
    near("Volley decodes x rotated", &w, &ct, slot_x, 1, turned(&w));
    must(ckks_mul(&ct, &w.x, &w.y), "multiply");
    must(ckks_relin_rescale(&ct, &ct, w.relin), "fused");
    near("fused, no SEAL twin", &w, &ct, slot_xy, 0, multiplied(&w, &ct));
    compare_encoding(&w);
    must(ckks_rng_init(&rng, seed), "rng");
    encode(&pt, &w, slot_x, w.x.scale);
    must(ckks_encrypt(&ct, &rng, &pt, w.pk), "back");
    SAVED(b, ct, &ct);
    put("back", b);
    ckks_pk_clear(&pk);
    ckks_keys_clear(&keys);
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    world_clear(&w);
}

static void back(void)
{
    static const struct { const char *name, *file; } list[] = {
        { "pk of ours, SEAL, ours", "back" },
        { "sk of ours, SEAL, ours", "back_seeded" }
    };
    world w = { 0 };
    bytes b;

    open_world(&w);
    b = get("sk");
    must(ckks_seal_sk_load(&w.sk, w.ctx, b.at, b.size), "sk");
    ckks_file_free(b.at, b.size);
    for (int i = 0; i < 2; i++) {
        b = get(list[i].file);
        must(ckks_seal_ct_load(&w.x, w.ctx, b.at, b.size), list[i].file);
        ckks_file_free(b.at, b.size);
        near(list[i].name, &w, &w.x, slot_x, 0, fresh(&w));
    }
    world_clear(&w);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    dir = argv[2];
    if (strcmp(argv[1], "make") == 0 && argc > 6)
        make(atoi(argv[3]), atoi(argv[4]), argc - 5, argv + 5);
    else if (strcmp(argv[1], "check") == 0)
        check();
    else if (strcmp(argv[1], "back") == 0)
        back();
    else
        return 2;
    if (strcmp(argv[1], "make") != 0)
        printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
