/* sparse.c -- tables of short transforms, and the transforms. */
#include "sparse.h"

#include <stdlib.h>
#include <string.h>

#include "nn.h"

/* Coefficients: shorter transforms are not made for wide registers. */
enum { SPARSE_LEAST = 128 };

/* root[m + k] of the long transform (kernel.h). */
static void sparse_roots(uint64_t *root, const blind_ring *r, int l)
{
    const cki_mod *mod = &r->rns.mod[l];

    root[0] = 1;
    for (int layer = 0; layer < r->rns.log_n; layer++) {
        const size_t m = (size_t)1 << layer;
        const uint64_t step = cki_pow(r->rns.psi[l], r->n / m, mod);
        uint64_t y = cki_pow(r->rns.psi[l], r->n / (2 * m), mod);

        for (size_t k = 0; k < m; k++, y = cki_mul(y, step, mod))
            root[m + (layer == 0 ? 0 : cki_bitrev((uint32_t)k, layer))] = y;
    }
}

/* Table number i of limb l; part: room for b twiddles. */
static void sparse_table(blind_sparse *s, int l, size_t i, uint64_t *part,
                         const uint64_t *root, size_t bytes)
{
    const size_t count = s->r->n / s->block;
    cki_ntt *t = &s->table[(size_t)l * count + i];

    part[0] = 1;
    for (size_t m = 1; m < s->block; m *= 2)
        memcpy(part + m, root + (count + i) * m, m * sizeof *part);
    *t = (cki_ntt){ .mod = s->r->rns.mod[l], .n = s->block,
                    .own = (char *)s->own + ((size_t)l * count + i) * bytes,
                    .own_size = bytes };
    while ((size_t)1 << t->log_n < t->n)
        t->log_n++;
    /* transforms back are never asked for: any numbers do for them */
    t->n_inv = t->n_inv_v = 1;
    s->r->rns.kernel->ntt_prepare(t, part, part);
}

/* Twiddles and tables of all limbs. */
static ckks_status sparse_tables(blind_sparse *s)
{
    const blind_ring *r = s->r;
    const size_t count = r->n / s->block, word = sizeof(uint64_t);
    const bool points = s->block == 1;
    const size_t bytes = points ? 0
        : (r->rns.kernel->ntt_bytes(s->block) + 63) / 64 * 64;
    uint64_t *part = blind_alloc(r->n * word);

    s->root_size = (size_t)r->limbs * r->n * word;
    s->own_size = (size_t)r->limbs * count * bytes + 64;
    s->table_size = (size_t)r->limbs * count * sizeof *s->table;
    s->root = blind_alloc(s->root_size);
    s->own = blind_alloc(s->own_size);
    s->table = blind_alloc(s->table_size);
    if (part == NULL || s->root == NULL || s->own == NULL || s->table == NULL) {
        blind_free(part, r->n * word);
        blind_sparse_clear(s);
        return nn_fail(CKKS_EMEM, "no memory for tables of short transforms");
    }
    for (int l = 0; l < r->limbs; l++) {
        uint64_t *root = s->root + (size_t)l * r->n;

        sparse_roots(root, r, l);
        for (size_t i = 0; i < count && !points; i++)
            sparse_table(s, l, i, part, root, bytes);
    }
    blind_free(part, r->n * word);
    return CKKS_OK;
}

ckks_status blind_sparse_init(blind_sparse *s, const blind_ring *r,
                              size_t parts, size_t extent)
{
    memset(s, 0, sizeof *s);
    s->r = r;
    s->parts = parts;
    s->block = extent == 1 ? 1 : SPARSE_LEAST;
    while (s->block < extent)
        s->block *= 2;
    if (2 * s->block * parts > r->n) {  /* nothing is copied                 */
        s->parts = 1;
        s->block = r->n;
        return CKKS_OK;
    }
    return sparse_tables(s);
}

void blind_sparse_clear(blind_sparse *s)
{
    blind_free(s->root, s->root_size);
    blind_free(s->own, s->own_size);
    blind_free(s->table, s->table_size);
    memset(s, 0, sizeof *s);
}

/* ---- the transform ------------------------------------------------------- */

/* The layers over columns: a, b become a + y b, a - y b. */
static void sparse_columns(uint64_t *in, int l, const blind_sparse *s)
{
    const cki_kernel *k = s->r->rns.kernel;
    const cki_mod *p = &s->r->rns.mod[l];
    const uint64_t *root = s->root + (size_t)l * s->r->n;

    for (size_t m = 1; m < s->parts; m *= 2) {
        const size_t half = s->parts / (2 * m) * s->block;

        for (size_t i = 0; i < m; i++) {
            uint64_t *a = in + 2 * i * half, *b = a + half;

            k->scale_add(b, b, root[m + i], NULL, half, p);
            k->add(a, a, b, half, p);
            k->add(b, b, b, half, p);
            k->sub(b, a, b, half, p);
        }
    }
}

/* count words, a power of two, of one value. */
static void sparse_fill(uint64_t *out, uint64_t value, size_t count)
{
    out[0] = value;
    for (size_t have = 1; have < count; have *= 2)
        memcpy(out + have, out, have * sizeof *out);
}

void blind_sparse_fwd(uint64_t *out, uint64_t *in, int l,
                      const blind_sparse *s)
{
    const size_t count = s->r->n / s->block, copies = count / s->parts;

    if (count == 1) {
        memcpy(out, in, s->r->n * sizeof *in);
        cki_ntt_fwd(&s->r->rns, out, l);
        return;
    }
    sparse_columns(in, l, s);
    for (size_t k = 0; k < s->parts; k++) {
        if (s->block == 1)
            sparse_fill(out + k * copies, in[k], copies);
        for (size_t i = k * copies; s->block > 1 && i < (k + 1) * copies; i++) {
            uint64_t *to = out + i * s->block;

            memcpy(to, in + k * s->block, s->block * sizeof *in);
            s->r->rns.kernel->ntt_fwd(to, &s->table[(size_t)l * count + i]);
        }
    }
}
