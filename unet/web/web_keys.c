/* web_keys.c -- the secret key, and the evaluation keys made with it.
 * Contracts in web.h. */
#include <stdlib.h>
#include <string.h>

#include "web.h"

/* Of evaluation keys on their way; NULL: none. */
static ckks_keys_maker *keys_maker;

void WEB_EXPORT(web_keys_end)(void)
{
    ckks_keys_maker_clear(&keys_maker);
}

/* errors  CKKS_ERNG; CKKS_EARG: there is a secret key already */
ckks_status WEB_EXPORT(web_secret_make)(void)
{
    ckks_rng rng = {0};
    ckks_status s = web_need_plan();

    if (s != CKKS_OK)
        return s;
    if (web.sk != NULL)
        return nn_fail(CKKS_EARG, "there is a secret key already");
    s = ckks_rng_init(&rng, NULL);
    if (s == CKKS_OK)
        s = ckks_sk_init(&web.sk, web.ctx, &rng);
    ckks_rng_clear(&rng);
    return nn_relay(s, NULL);
}

size_t WEB_EXPORT(web_secret_size)(void)
{
    return ckks_sk_size(web.sk);
}

ckks_status WEB_EXPORT(web_secret_save)(uint8_t *out, size_t size)
{
    ckks_status s = web_need_key();

    return s == CKKS_OK ? nn_relay(ckks_sk_save(out, size, web.sk), NULL)
                        : s;
}

/* Takes the place of the secret key there was, and ends what was begun with it;
 * in is wiped.
 *   errors  CKKS_EFORMAT  bytes refused, of another plan's parameters */
ckks_status WEB_EXPORT(web_secret_load)(uint8_t *in, size_t size)
{
    ckks_sk *sk = NULL;
    ckks_status s = web_need_plan();

    if (s == CKKS_OK)
        s = nn_relay(ckks_sk_load(&sk, web.ctx, in, size), "secret key");
    for (volatile uint8_t *b = in; b < in + size; b++)
        *b = 0;
    if (s != CKKS_OK)
        return s;
    web_keys_end();
    web_encrypt_end();
    ckks_sk_clear(&web.sk);
    web.sk = sk;
    return CKKS_OK;
}

/* ---- evaluation keys, one at a time --------------------------------------- */

/* Draws what the keys will be made of; keys begun before are given up. */
ckks_status WEB_EXPORT(web_keys_begin)(void)
{
    ckks_rng rng = {0};
    ckks_status s = web_need_key();

    if (s != CKKS_OK)
        return s;
    web_keys_end();
    s = ckks_rng_init(&rng, NULL);
    if (s == CKKS_OK)
        s = ckks_keys_maker_init(&keys_maker, &rng, web.sk, web.plan.key,
                                 web.plan.num_keys);
    ckks_rng_clear(&rng);
    return nn_relay(s, NULL);
}

/* Bytes of the file; of what web_keys_next gives next, 0: all keys are made;
 * of the head, which stands in front of them. */
double WEB_EXPORT(web_keys_size)(void)
{
    return (double)ckks_keys_maker_size(keys_maker);
}

size_t WEB_EXPORT(web_keys_next_size)(void)
{
    return ckks_keys_maker_next_size(keys_maker);
}

size_t WEB_EXPORT(web_keys_head_size)(void)
{
    return ckks_keys_maker_head_size(keys_maker);
}

/* errors  CKKS_EARG  another size; no key left */
ckks_status WEB_EXPORT(web_keys_next)(uint8_t *out, size_t size)
{
    return nn_relay(ckks_keys_maker_next(out, size, keys_maker), NULL);
}

/* After the last key. */
ckks_status WEB_EXPORT(web_keys_head)(uint8_t *out, size_t size)
{
    return nn_relay(ckks_keys_maker_head(out, size, keys_maker), NULL);
}
