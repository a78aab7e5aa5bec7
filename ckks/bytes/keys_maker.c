/* keys_maker.c -- evaluation keys made one at a time, straight into bytes.
 *
 * Read first: serial_evalkey.c, key.h.  The checksum runs over the front of the
 * file first, where the seeds of all keys stand.  The generator's streams have
 * numbers, and a key takes as many as it has digits and one more, so all seeds
 * are drawn at the beginning, each from the stream that ckks_keys_init would
 * take it from, and the errors of a key when its turn comes.
 */
#include <string.h>

#include "bytes/serial_evalkey.h"

struct ckks_keys_maker {
    const ckks_ctx *ctx;
    ckks_rng rng;           /* before the next key's streams                 */
    cki_making work;
    cki_checksum sum;       /* of the front and the keys made so far         */
    size_t made, count;
    uint64_t size;          /* of the file                                   */
    cki_key *key;           /* shape (count), without limbs                  */
};

/* Limbs of a thread: two of the making, and two halves. */
enum { MAKER_LIMBS = 4 };

static size_t maker_bytes(size_t count)
{
    return sizeof(ckks_keys_maker) + count * sizeof(cki_key);
}

void ckks_keys_maker_clear(ckks_keys_maker **m)
{
    const ckks_ctx *ctx;
    size_t size;

    if (m == NULL || *m == NULL)
        return;
    ctx = (*m)->ctx;
    size = maker_bytes((*m)->count);
    cki_making_clear(&(*m)->work);
    cki_wipe(*m, size);
    cki_free(&ctx->memory, *m, size);
    *m = NULL;
}

/* What the requests ask for, and how large the file becomes. */
static ckks_status maker_requests(ckks_keys_maker *m,
                                  const ckks_key_request *request,
                                  const char *name)
{
    ckks_status s = CKKS_OK;

    m->size = cki_keys_front(m->count);
    for (size_t i = 0; i < m->count && s == CKKS_OK; i++) {
        s = cki_key_numbers(&m->key[i], m->ctx, request[i].kind,
                            request[i].step, request[i].level, name);
        if (s == CKKS_OK)
            m->size += cki_key_limbs_size(m->ctx, m->key[i].level);
    }
    return s;
}

/* The seeds, and the generator behind all that the keys will take; the maker's
 * own stays in front of it.  The checksum begins.  front: room for the front. */
static void maker_begin(ckks_keys_maker *m, uint8_t *front, ckks_rng *rng)
{
    m->rng = *rng;
    for (size_t i = 0; i < m->count; i++) {
        cki_draw_seed(m->key[i].seed, m->ctx, rng);
        rng->counter += cki_making_streams(&m->key[i]) - 1;
    }
    cki_keys_front_write(front, m->size, m->key, m->count, m->ctx);
    cki_checksum_start(&m->sum, front, (size_t)cki_keys_front(m->count));
}

ckks_status ckks_keys_maker_init(ckks_keys_maker **out, ckks_rng *rng,
                                 const ckks_sk *sk,
                                 const ckks_key_request *request, size_t n)
{
    CKI_NEAREST;
    static const char name[] = "ckks_keys_maker_init";
    const size_t size = maker_bytes(n), front = (size_t)cki_keys_front(n);
    ckks_keys_maker *m;
    uint8_t *bytes = NULL;
    ckks_status s = cki_making_check(out, rng, sk, request, n, name);

    if (s == CKKS_OK)
        s = cki_check_special(sk->ctx, name);
    if (s != CKKS_OK)
        return s;
    m = cki_alloc(&sk->ctx->memory, size);
    if (m == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, size);
    memset(m, 0, size);
    m->ctx = sk->ctx;
    m->count = n;
    m->key = (cki_key *)(void *)(m + 1);
    s = maker_requests(m, request, name);
    if (s == CKKS_OK)
        s = cki_making_init(&m->work, sk, MAKER_LIMBS, name);
    if (s == CKKS_OK) {
        bytes = cki_alloc(&m->ctx->memory, front);
        if (bytes == NULL)
            s = cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                         front);
    }
    if (s == CKKS_OK)
        s = cki_rng_begin(rng, name);
    if (s == CKKS_OK)
        maker_begin(m, bytes, rng);
    cki_free(&sk->ctx->memory, bytes, front);
    if (s != CKKS_OK) {
        ckks_keys_maker_clear(&m);
        return s;
    }
    ckks_keys_maker_clear(out);
    *out = m;
    return CKKS_OK;
}

uint64_t ckks_keys_maker_size(const ckks_keys_maker *m)
{
    return m == NULL ? 0 : m->size;
}

size_t ckks_keys_maker_head_size(const ckks_keys_maker *m)
{
    return m == NULL ? 0 : (size_t)cki_keys_front(m->count);
}

size_t ckks_keys_maker_next_size(const ckks_keys_maker *m)
{
    return m == NULL || m->made == m->count ? 0
           : (size_t)cki_key_limbs_size(m->ctx, m->key[m->made].level);
}

/* Limb t of all digits of a key, packed to where it belongs: first bytes behind
 * the limbs before it in each digit. */
static void maker_limb(uint8_t *out, const cki_key *key, int t, size_t first,
                       size_t digit, const cki_making *w)
{
    const cki_secrets s = cki_making_secrets(key, t, w);
    uint64_t *b = cki_making_limb(w, 2), *a = cki_making_limb(w, 3);

    for (int j = 0; j < key->digits; j++) {
        cki_making_put(b, a, key, j, &s, w);
        (void)cki_limb_write(out + (size_t)j * digit + first, b, s.prime,
                             w->sk->ctx);
    }
}

ckks_status ckks_keys_maker_next(uint8_t *out, size_t size, ckks_keys_maker *m)
{
    CKI_NEAREST;
    static const char name[] = "ckks_keys_maker_next";
    size_t first[CKKS_MAX_PRIMES + CKKS_MAX_SPECIAL], digit = 0;
    cki_key *key;
    int limbs;
    ckks_status s;

    if (m == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (m->made == m->count)
        return cki_fail(CKKS_EARG, "%s: all of %zu keys are made", name,
                        m->count);
    s = cki_check_room(out, size, ckks_keys_maker_next_size(m), name);
    if (s != CKKS_OK)
        return s;
    key = &m->key[m->made];
    limbs = key->level + 1 + m->ctx->num_special;
    for (int t = 0; t < limbs; t++) {
        first[t] = digit;
        digit += cki_limb_size(m->ctx, cki_key_prime(key, m->ctx, t));
    }
    cki_making_draw(key, &m->work, &m->rng);
    CKI_PARALLEL_OF(m->work.threads)
    for (int t = 0; t < limbs; t++) {
        CKI_NEAREST;
        maker_limb(out, key, t, first[t], digit, &m->work);
    }
    cki_checksum_update(&m->sum, out, size);
    m->made++;
    return CKKS_OK;
}

ckks_status ckks_keys_maker_head(uint8_t *out, size_t size,
                                 const ckks_keys_maker *m)
{
    static const char name[] = "ckks_keys_maker_head";
    ckks_status s;

    if (m == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (m->made < m->count)
        return cki_fail(CKKS_EARG, "%s: %zu of %zu keys are made", name,
                        m->made, m->count);
    s = cki_check_room(out, size, ckks_keys_maker_head_size(m), name);
    if (s != CKKS_OK)
        return s;
    cki_keys_front_write(out, m->size, m->key, m->count, m->ctx);
    cki_head_seal_with(out, cki_checksum_digest(&m->sum));
    return CKKS_OK;
}
