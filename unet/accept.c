/* accept.c -- what a plan costs its owner, and whether he takes it.
 *
 * Read first: docs/security.md.  The plan has passed nn_plan_check, so every
 * product below fits 64 bits: at most 2^20 ciphertexts of 2^18 words a limb and
 * 96 limbs, 2^8 keys.
 */
#include <math.h>
#include <string.h>

#include "unet.h"

/* Bytes of one limb as words, and in a file: as many bits as its prime has. */
static uint64_t limb_bytes(const nn_plan *p)
{
    return (uint64_t)8 << p->params.log_n;
}

static uint64_t limbs(const nn_plan *p)
{
    return (uint64_t)p->params.num_primes + (uint64_t)p->params.num_special;
}

/* Two polynomials a digit, over primes of the level and the special ones. */
static uint64_t key_bytes(const nn_plan *p, const ckks_key_request *key)
{
    const int whole = (p->params.num_primes + p->params.dnum - 1)
                      / p->params.dnum;
    const uint64_t digits = (uint64_t)(key->level / whole + 1);

    return digits * ((uint64_t)key->level + 1
                     + (uint64_t)p->params.num_special) * 2 * limb_bytes(p);
}

/* The file of keys, and the largest of them there; one half is a seed. */
static uint64_t keys_bytes(uint64_t *largest, const nn_plan *p)
{
    uint64_t sum = 4096;

    *largest = 0;
    for (size_t i = 0; i < p->num_keys; i++) {
        const uint64_t half = key_bytes(p, &p->key[i]) / 2;

        sum += half;
        *largest = half > *largest ? half : *largest;
    }
    return sum;
}

/* Ciphertexts with both halves and a head. */
static uint64_t set_bytes(const nn_plan *p, int ciphertexts, int level)
{
    return (uint64_t)ciphertexts
           * (2 * ((uint64_t)level + 1) * limb_bytes(p) + 256);
}

/* Tables of a context, its encoder, and a few ciphertexts at the top, in a
 * program with its libraries. */
static uint64_t base_bytes(const nn_plan *p)
{
    return 16 * limbs(p) * limb_bytes(p) + ((uint64_t)16 << 20);
}

static uint64_t doubles(const nn_plan *p, uint64_t ciphertexts)
{
    return ciphertexts * (uint64_t)p->layout.slots * sizeof(double);
}

static uint64_t area(const nn_plan *p)
{
    return (uint64_t)p->layout.height * (uint64_t)p->layout.width
           * sizeof(double);
}

static int table_security(int log_n, double log_qp)
{
    int best = 0;

    for (int bits = 128; bits <= 256; bits += 64)
        if (log_qp <= ckks_max_log_qp(log_n, bits))
            best = bits;
    return best;
}

void unet_plan_cost(unet_cost *out, const nn_plan *p)
{
    const ckks_params *q = &p->params;
    const int in = nn_plan_inputs(p), back = nn_plan_outputs(p);
    uint64_t key;

    memset(out, 0, sizeof *out);
    for (int i = 0; i < q->num_primes; i++)
        out->log_qp += log2((double)q->primes[i]);
    for (int i = 0; i < q->num_special; i++)
        out->log_qp += log2((double)q->special[i]);
    out->security = table_security(q->log_n, out->log_qp);
    out->estimate = ckks_security_estimate(q->log_n, out->log_qp);
    out->keys = keys_bytes(&key, p);
    out->upload = set_bytes(p, in, p->in_level) / 2;
    out->download = set_bytes(p, back, p->out_level);
    /* a key and, for each thread, of which there is no more than one a limb,
     * four limbs of its making, with errors and a permutation in a fifth; slots
     * and tiles of a set; slots of a set and a tile */
    out->memory[UNET_KEYGEN] = base_bytes(p) + key
                               + 5 * limbs(p) * limb_bytes(p);
    out->memory[UNET_ENCRYPT] =
        base_bytes(p) + doubles(p, (uint64_t)in)
        + (uint64_t)p->layout.batch * (uint64_t)p->channels * area(p);
    out->memory[UNET_DECRYPT] =
        base_bytes(p) + doubles(p, (uint64_t)back + 1)
        + (uint64_t)p->out_channels * area(p);
}

static ckks_status check_security(const unet_cost *cost, const nn_plan *p,
                                  const unet_policy *policy)
{
    const int want = policy->security == 0 ? 128 : policy->security;

    if (want != 128 && want != 192 && want != 256)
        return nn_fail(CKKS_EARG, "unet_accept: security %d, not 128, 192 or "
                       "256", want);
    if (policy->insecure || cost->security >= want)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "the plan %s has N = 2^%d and log2 QP = %.1f: "
                   "%d bits of security need log2 QP <= %d (about %.0f bits "
                   "estimated)", p->name, p->params.log_n, cost->log_qp, want,
                   ckks_max_log_qp(p->params.log_n, want), cost->estimate);
}

ckks_status unet_accept(unet_cost *cost, const nn_plan *p,
                        const unet_policy *policy, unet_work work)
{
    static const char *const name[] = { "keygen", "encrypt", "decrypt" };
    unet_cost c;
    ckks_status s;

    if (p == NULL || policy == NULL || (int)work < 0 || work >= UNET_WORKS)
        return nn_fail(CKKS_EARG, "unet_accept: null pointer, or work %d",
                       (int)work);
    s = nn_plan_check(p);
    if (s != CKKS_OK)
        return s;
    unet_plan_cost(&c, p);
    if (cost != NULL)
        *cost = c;
    s = check_security(&c, p, policy);
    if (s == CKKS_OK && policy->memory > 0 && c.memory[work] > policy->memory)
        s = nn_fail(CKKS_EMEM, "the plan %s asks %s for %.0f MiB of memory "
                    "(%zu keys, a set of %d ciphertexts in and %d out at N = "
                    "2^%d); the limit is %.0f MiB", p->name, name[work],
                    (double)c.memory[work] / 1048576, p->num_keys,
                    nn_plan_inputs(p), nn_plan_outputs(p), p->params.log_n,
                    (double)policy->memory / 1048576);
    return s;
}
