/* sparse.c -- tables of short transforms, and the transforms. */
#include "sparse.h"

#include <stdlib.h>
#include <string.h>

#include "nn.h"

enum { SPARSE_LEAST = 64 };     /* coefficients                              */

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
    const size_t parts = s->r->n / s->block;
    cki_ntt *t = &s->table[(size_t)l * parts + i];

    part[0] = 1;
    for (size_t m = 1; m < s->block; m *= 2)
        memcpy(part + m, root + (parts + i) * m, m * sizeof *part);
    *t = (cki_ntt){ .mod = s->r->rns.mod[l], .n = s->block,
                    .own = (char *)s->own + ((size_t)l * parts + i) * bytes,
                    .own_size = bytes };
    while ((size_t)1 << t->log_n < t->n)
        t->log_n++;
    /* transforms back are never asked for: any numbers do for them */
    t->n_inv = t->n_inv_v = 1;
    s->r->rns.kernel->ntt_prepare(t, part, part);
}

ckks_status blind_sparse_init(blind_sparse *s, const blind_ring *r,
                              size_t extent)
{
    size_t bytes, parts;
    uint64_t *root;

    memset(s, 0, sizeof *s);
    s->r = r;
    s->block = SPARSE_LEAST;
    while (s->block < extent)
        s->block *= 2;
    if (4 * s->block > r->n) {
        s->block = r->n;
        return CKKS_OK;
    }
    parts = r->n / s->block;
    bytes = (r->rns.kernel->ntt_bytes(s->block) + 63) / 64 * 64;
    s->own_size = (size_t)r->limbs * parts * bytes;
    s->table_size = (size_t)r->limbs * parts * sizeof *s->table;
    s->own = blind_alloc(s->own_size);
    s->table = blind_alloc(s->table_size);
    root = blind_alloc(2 * r->n * sizeof *root);
    if (s->own == NULL || s->table == NULL || root == NULL) {
        blind_free(root, 2 * r->n * sizeof *root);
        blind_sparse_clear(s);
        return nn_fail(CKKS_EMEM, "no memory for tables of short transforms");
    }
    for (int l = 0; l < r->limbs; l++) {
        sparse_roots(root, r, l);
        for (size_t i = 0; i < parts; i++)
            sparse_table(s, l, i, root + r->n, root, bytes);
    }
    blind_free(root, 2 * r->n * sizeof *root);
    return CKKS_OK;
}

void blind_sparse_clear(blind_sparse *s)
{
    blind_free(s->own, s->own_size);
    blind_free(s->table, s->table_size);
    memset(s, 0, sizeof *s);
}

void blind_sparse_fwd(uint64_t *out, const uint64_t *in, int l,
                      const blind_sparse *s)
{
    const size_t parts = s->r->n / s->block;

    for (size_t i = 0; i < parts; i++) {
        memcpy(out + i * s->block, in, s->block * sizeof *in);
        if (parts == 1)
            cki_ntt_fwd(&s->r->rns, out, l);
        else
            s->r->rns.kernel->ntt_fwd(out + i * s->block,
                                      &s->table[(size_t)l * parts + i]);
    }
}
