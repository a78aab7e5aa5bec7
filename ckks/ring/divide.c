/* divide.c -- division by some of the primes, with rounding.
 *
 * Read first: rns.h, docs/03-rns.md.
 */
#include "ring/rns.h"

#include <string.h>

cki_division cki_divide_by_q(const cki_rns *r, int level)
{
    cki_division d = { .r = r, .c = r->last[level] };

    memcpy(d.inv, r->q_inv[level], sizeof d.inv);
    return d;
}

cki_division cki_divide_by_p(const cki_rns *r, int level)
{
    const int k = r->specials[level];
    cki_division d = { .r = r, .c = r->down[k] };

    memcpy(d.inv, r->p_inv[k], sizeof d.inv);
    return d;
}

cki_division cki_divide_by_pq(const cki_rns *r, int level)
{
    cki_division d = { .r = r, .c = r->down_rescale[level] };

    for (int i = 0; i < level; i++)
        d.inv[i] = cki_mul(r->p_inv[r->specials[level]][i],
                           r->q_inv[level][i], &r->mod[i]);
    return d;
}

void cki_divide_begin(uint64_t *const *from, uint64_t *v,
                      const cki_division *d)
{
    const cki_rns *r = d->r;

    for (int j = 0; j < d->c->len; j++)
        cki_ntt_inv_times(r, from[j], from[j], d->c->inv[j], d->c->src[j]);
    r->kernel->convert_begin(from, v, d->c, true, r->n);
}

void cki_divide_limbs(uint64_t *const *out, cki_ending *q, int first,
                      int count, uint64_t *const *from, const uint64_t *v,
                      const cki_division *d, uint64_t *work)
{
    const cki_rns *r = d->r;
    const size_t n = r->n;
    uint64_t *z[CKI_GROUP] = { NULL };
    int target[CKI_GROUP] = { 0 };

    VERIFY(count <= CKI_GROUP);
    for (int i = 0; i < count; i++) {
        z[i] = work + (size_t)i * n;
        target[i] = first + i;
    }
    r->kernel->convert_end(z, target, count, (const uint64_t *const *)from, v,
                           d->c, true, n);
    for (int i = 0; i < count; i++) {
        q[i].w = d->inv[first + i];
        r->kernel->ntt_head(z[i], r->ntt[first + i], true);
        r->kernel->ntt_finish(out[i], z[i], &q[i], r->ntt[first + i]);
    }
}

/* Limbs 0 .. count - 1 of whole polynomials. */
static void divide_all(uint64_t *out, const uint64_t *in, int count,
                       uint64_t *const *from, const cki_division *d,
                       uint64_t *work)
{
    const size_t n = d->r->n;

    cki_divide_begin(from, work, d);
    for (int i = 0; i < count; i += CKI_GROUP) {
        int some = count - i < CKI_GROUP ? count - i : CKI_GROUP;
        uint64_t *to[CKI_GROUP];
        cki_ending q[CKI_GROUP];

        for (int g = 0; g < some; g++) {
            to[g] = out + (size_t)(i + g) * n;
            q[g] = (cki_ending){ .in = in + (size_t)(i + g) * n, .u = 1 };
        }
        cki_divide_limbs(to, q, i, some, from, work, d, work + n);
    }
}

/* Half of q_l is below all primes before it: what is centred modulo q_l is a
 * number of (-p, p) for each. */
static bool small_remainders(const cki_rns *r, int level)
{
    for (int i = 0; i < level; i++)
        if (r->mod[level].p / 2 >= r->mod[i].p)
            return false;
    return true;
}

/* That case, prime after prime, so that what a transform reads of one is read
 * once for all parts.  work: 1 + parts limbs. */
static void rescale_small(uint64_t *out, const uint64_t *in, int parts,
                          int level, const cki_rns *r, uint64_t *work)
{
    const size_t n = r->n;
    const uint64_t q = r->mod[level].p;

    for (int k = 0; k < parts; k++)
        cki_ntt_inv(r, work + (size_t)(1 + k) * n,
                    in + (size_t)(k * (level + 1) + level) * n, level);
    for (int i = 0; i < level; i++)
        for (int k = 0; k < parts; k++) {
            const cki_ending e = {
                .in = in + (size_t)(k * (level + 1) + i) * n,
                .w = r->q_inv[level][i], .u = 1
            };

            r->kernel->lift(work, work + (size_t)(1 + k) * n, q / 2,
                            r->mod[i].p - q, n);
            r->kernel->ntt_head(work, r->ntt[i], false);
            r->kernel->ntt_finish(out + (size_t)(k * level + i) * n, work, &e,
                                  r->ntt[i]);
        }
}

void cki_rescale(uint64_t *out, const uint64_t *in, int parts, int level,
                 const cki_rns *r, uint64_t *work)
{
    const cki_division d = cki_divide_by_q(r, level);

    if (small_remainders(r, level)) {
        rescale_small(out, in, parts, level, r, work);
        return;
    }
    for (int k = 0; k < parts; k++) {
        const uint64_t *c = in + (size_t)(k * (level + 1)) * r->n;

        memcpy(work, c + (size_t)level * r->n, r->n * sizeof *work);
        divide_all(out + (size_t)(k * level) * r->n, c, level, &work, &d,
                   work + r->n);
    }
}

/* Limbs l+1 .. of in, of the level's special primes, and limb l behind. */
static void special_limbs(uint64_t **from, uint64_t *in, int level,
                          const cki_rns *r)
{
    const int k = r->specials[level];

    for (int j = 0; j < k; j++)
        from[j] = in + (size_t)(level + 1 + j) * r->n;
    from[k] = in + (size_t)level * r->n;
}

void cki_mod_down(uint64_t *out, uint64_t *in, int level, const cki_rns *r,
                  uint64_t *work)
{
    const cki_division d = cki_divide_by_p(r, level);
    uint64_t *from[CKKS_MAX_SPECIAL + 1];

    special_limbs(from, in, level, r);
    divide_all(out, in, level + 1, from, &d, work);
}

void cki_mod_down_rescale(uint64_t *out, uint64_t *in, int level,
                          const cki_rns *r, uint64_t *work)
{
    const cki_division d = cki_divide_by_pq(r, level);
    uint64_t *from[CKKS_MAX_SPECIAL + 1];

    special_limbs(from, in, level, r);
    divide_all(out, in, level, from, &d, work);
}
