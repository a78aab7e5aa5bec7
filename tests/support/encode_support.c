/* encode_support.c -- see encode_support.h. */
#include "encode_support.h"

const cki_fft_engine *const fft_engines[MAX_ENGINES] = {
    &cki_fft_builtin,
#ifdef CKKS_FFT_FFTW
    &cki_fft_fftw,
#endif
};
#ifdef CKKS_FFT_FFTW
const size_t num_fft_engines = 2;
#else
const size_t num_fft_engines = 1;
#endif

void *aligned_memory(size_t size)
{
    static const ckks_memory memory;
    void *p = cki_alloc(&memory, size);

    if (p == NULL)
        abort();
    return p;
}

double random_unit(uint64_t *state)
{
    return (double)(int64_t)test_word(state) * 0x1p-63;
}

bool fixture_init(fixture *f, int log_n, int encoder, const int *bits,
                  int num_primes)
{
    const int generator = encoder == GENERATOR_3 ? 3 : 5;
    const bool real = encoder == REAL_RING;
    ckks_params p = { .log_n = log_n, .num_primes = num_primes, .dnum = 1,
                      .security = CKKS_INSECURE, .generator = generator,
                      .ring = real ? CKKS_RING_REAL : CKKS_RING_COMPLEX };
    uint64_t prime[CKKS_MAX_PRIMES];

    memset(f, 0, sizeof *f);
    for (int i = 0; i < num_primes; i++)
        p.primes[i] = (uint64_t)bits[i];
    if (!CHECK_OK(ckks_ctx_init(&f->ctx, &p)))
        return false;
    for (int i = 0; i < num_primes; i++)
        prime[i] = ckks_ctx_prime(f->ctx, i);
    f->n = (size_t)1 << log_n;
    f->real = real;
    f->generator = generator;
    oracle_init(&f->o, f->n, real, prime, num_primes, 0, 1, generator, true,
                false);
    f->slots = f->o.n / 2;
    f->re = aligned_memory(f->n * sizeof *f->re);
    f->im = aligned_memory(f->n * sizeof *f->im);
    f->got_re = aligned_memory(f->n * sizeof *f->got_re);
    f->got_im = aligned_memory(f->n * sizeof *f->got_im);
    f->want_re = aligned_memory(f->n * sizeof *f->want_re);
    f->want_im = aligned_memory(f->n * sizeof *f->want_im);
    f->coeff = aligned_memory(f->o.n * sizeof *f->coeff);
    return true;
}

void fixture_clear(fixture *f)
{
    if (f->ctx == NULL)
        return;
    oracle_clear(&f->o);
    ckks_ctx_clear(&f->ctx);
    free(f->re);
    free(f->im);
    free(f->got_re);
    free(f->got_im);
    free(f->want_re);
    free(f->want_im);
    free(f->coeff);
}

void fixture_complete(const fixture *f, opoly *m)
{
    for (size_t k = f->n; k < f->o.n; k++) {
        if (k == f->n)
            mpz_set_ui(m->c[k], 0);
        else
            mpz_neg(m->c[k], m->c[f->o.n - k]);
    }
}

void fixture_engine(fixture *f, const cki_fft_engine *e)
{
    cki_embed_clear(&f->ctx->embed, &f->ctx->memory);
    if (cki_embed_init_engine(&f->ctx->embed, &f->ctx->memory, f->ctx->log_n,
                            f->generator, f->real, e) != CKKS_OK)
        abort();
}
