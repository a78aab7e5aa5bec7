/* serial_params.c -- the parameters of a context as bytes.
 *
 * Read first: serial.h; docs/conventions.md, "Primes and roots".
 *
 * Fields behind the frame, all words: version of the conventions (1), log N,
 * number of primes, of special primes, dnum, generator, switching (bit 0
 * uncentred digits, bit 1 fitted special primes, bit 2 real ring), all primes;
 * then security, 0 for none.  The fingerprint is BLAKE2b-128 of all words but
 * the last, so it can be checked without a context.
 */
#include <string.h>

#include "base/bytes.h"
#include "bytes/serial.h"

enum { CONVENTIONS = 1, PARAM_WORDS = 7 };

static size_t params_words_size(size_t primes)
{
    return 8 * (PARAM_WORDS + primes);
}

size_t ckks_params_size(const ckks_ctx *ctx)
{
    if (ctx == NULL)
        return 0;
    return CKI_HEAD + 8
           + params_words_size((size_t)(ctx->num_primes + ctx->num_special));
}

ckks_status ckks_params_save(uint8_t *out, size_t size, const ckks_ctx *ctx)
{
    static const char name[] = "ckks_params_save";
    uint8_t *b;
    ckks_status s;

    if (ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_check_room(out, size, ckks_params_size(ctx), name);
    if (s != CKKS_OK)
        return s;
    const uint64_t word[PARAM_WORDS] = {
        CONVENTIONS, (uint64_t)ctx->log_n, (uint64_t)ctx->num_primes,
        (uint64_t)ctx->num_special, (uint64_t)ctx->dnum,
        (uint64_t)ctx->generator, cki_ctx_flags(ctx)
    };

    cki_head_write(out, size, CKI_KIND_PARAMS, ctx);
    b = out + CKI_HEAD;
    for (int i = 0; i < PARAM_WORDS; i++, b += 8)
        cki_store64(b, word[i]);
    for (int i = 0; i < ctx->num_primes + ctx->num_special; i++, b += 8)
        cki_store64(b, ctx->rns.mod[i].p);
    cki_store64(b, ctx->security == CKKS_INSECURE
                       ? 0 : (uint64_t)ctx->security);
    cki_head_seal(out, size);
    return CKKS_OK;
}

static ckks_status params_check_security(uint64_t security, int flags,
                                         const char *name)
{
    if (security != 0 && security != 128 && security != 192
        && security != 256)
        return cki_fail(CKKS_EFORMAT, "%s: field 'security' is %llu, not 0, "
                        "128, 192 or 256", name,
                        (unsigned long long)security);
    if (flags != (security == 0))
        return cki_fail(CKKS_EFORMAT, "%s: flags %d with a field 'security' "
                        "of %llu", name, flags,
                        (unsigned long long)security);
    return CKKS_OK;
}

/* A prime p of the file as an entry of ckks_params.  One up to 61 would be
 * read as a size; it is the largest of its size for the N it suits, so its
 * size stands for it: 17 by 5 bits, 41 by 6.  0: no prime has this form. */
static uint64_t prime_entry(uint64_t p, uint64_t order)
{
    uint64_t bits = 0;

    if (p >> CKKS_MAX_BITS != 0 || p % order != 1 || p == 1)
        return 0;
    if (p > CKKS_MAX_BITS)
        return p;
    while (p >> bits != 0)
        bits++;
    return p == 17 || p == 41 ? bits : 0;
}

/* The words against their ranges and the size. */
static ckks_status params_check(const uint64_t *word, size_t size,
                                const char *name)
{
    static const struct { const char *field; uint64_t low, high; } range[] = {
        { "conventions", CONVENTIONS, CONVENTIONS },
        { "log_n", CKKS_MIN_LOG_N, CKKS_MAX_LOG_N },
        { "num_primes", 1, CKKS_MAX_PRIMES },
        { "num_special", 0, CKKS_MAX_SPECIAL },
        { "dnum", 1, CKKS_MAX_PRIMES },
        { "generator", 3, 5 },
        { "switching", 0, 7 }
    };
    ckks_status s = CKKS_OK;

    for (int i = 0; i < PARAM_WORDS && s == CKKS_OK; i++)
        s = cki_check_field(word[i], range[i].low, range[i].high,
                            range[i].field, name);
    if (s == CKKS_OK && word[4] > word[2])
        s = cki_check_field(word[4], 1, word[2], "dnum", name);
    if (s == CKKS_OK && word[5] == 4)
        s = cki_fail(CKKS_EFORMAT, "%s: field 'generator' is 4, not 3 or 5",
                     name);
    if (s == CKKS_OK)
        s = cki_check_size(size, CKI_HEAD + 8
                           + params_words_size((size_t)(word[2] + word[3])),
                           name);
    return s;
}

ckks_status ckks_params_load(ckks_params *out, const uint8_t *in, size_t size)
{
    static const char name[] = "ckks_params_load";
    ckks_params p = { 0 };
    uint64_t word[PARAM_WORDS], security, order;
    uint8_t fingerprint[16];
    const uint8_t *b;
    size_t primes;
    ckks_status s = cki_head_read(in, size, CKI_KIND_PARAMS,
                                  params_words_size(0) + 8, NULL, name);

    if (s == CKKS_OK && out == NULL)
        s = cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (s != CKKS_OK)
        return s;
    for (int i = 0; i < PARAM_WORDS; i++)
        word[i] = cki_load64(in + CKI_HEAD + 8 * i);
    s = params_check(word, size, name);
    if (s != CKKS_OK)
        return s;
    primes = (size_t)(word[2] + word[3]);
    security = cki_load64(in + size - 8);
    s = params_check_security(security, in[7], name);
    if (s != CKKS_OK)
        return s;
    ckks_blake2b(fingerprint, sizeof fingerprint, in + CKI_HEAD,
                 params_words_size(primes), NULL, 0);
    if (memcmp(fingerprint, in + 24, sizeof fingerprint) != 0)
        return cki_fail(CKKS_EFORMAT, "%s: fingerprint %016llx..., the "
                        "fields give %016llx...", name,
                        (unsigned long long)cki_load64(in + 24),
                        (unsigned long long)cki_load64(fingerprint));
    p.log_n = (int)word[1];
    p.num_primes = (int)word[2];
    p.num_special = (int)word[3];
    p.dnum = (int)word[4];
    p.generator = (int)word[5];
    p.uncentred_digits = (int)(word[6] & 1);
    p.fitted_special = (int)(word[6] >> 1 & 1);
    p.ring = word[6] >> 2 != 0 ? CKKS_RING_REAL : CKKS_RING_COMPLEX;
    order = (uint64_t)(p.ring == CKKS_RING_REAL ? 4 : 2) << p.log_n;
    p.security = security == 0 ? CKKS_INSECURE : (int)security;
    b = in + CKI_HEAD + params_words_size(0);
    for (size_t i = 0; i < primes; i++, b += 8) {
        uint64_t e = prime_entry(cki_load64(b), order);

        if (e == 0)
            return cki_fail(CKKS_EFORMAT, "%s: prime %zu is %llu, not 1 mod "
                            "%llu below 2^%d", name, i,
                            (unsigned long long)cki_load64(b),
                            (unsigned long long)order, CKKS_MAX_BITS);
        if (i < word[2])
            p.primes[i] = e;
        else
            p.special[i - word[2]] = e;
    }
    *out = p;
    return CKKS_OK;
}
