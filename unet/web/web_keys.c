/* web_keys.c -- the secret key, and the evaluation keys made with it.
 * Contracts in web.h. */
#include <stdlib.h>
#include <string.h>

#include "web.h"

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

/* Takes the place of the secret key there was; in is wiped.
 *   errors  CKKS_EFORMAT  bytes refused, of another plan's parameters */
ckks_status WEB_EXPORT(web_secret_load)(uint8_t *in, size_t size)
{
    ckks_status s = web_need_plan();

    if (s == CKKS_OK)
        s = nn_relay(ckks_sk_load(&web.sk, web.ctx, in, size), "secret key");
    for (volatile uint8_t *b = in; b < in + size; b++)
        *b = 0;
    return s;
}

/* Evaluation keys into a file of this name. */
ckks_status WEB_EXPORT(web_keys)(const char *path)
{
    ckks_rng rng = {0};
    ckks_keys *keys = NULL;
    uint8_t *data = NULL;
    size_t size = 0;
    ckks_status s = web_need_key();

    if (s != CKKS_OK)
        return s;
    s = ckks_rng_init(&rng, NULL);
    if (s == CKKS_OK)
        s = ckks_keys_init(&keys, &rng, web.sk, web.plan.key,
                           web.plan.num_keys);
    ckks_rng_clear(&rng);
    if (s != CKKS_OK)
        return nn_relay(s, NULL);
    size = ckks_keys_size(keys);
    data = malloc(size);
    s = data == NULL ? nn_fail(CKKS_EMEM, "no memory for %zu bytes", size)
        : nn_relay(ckks_keys_save(data, size, keys), NULL);
    ckks_keys_clear(&keys);
    if (s == CKKS_OK)
        s = nn_relay(ckks_file_write(path, data, size, 0644), NULL);
    free(data);
    return s;
}
