/* web_encrypt.c -- images to ciphertexts, one at a time, and the request that
 * recognises their result.  Contracts in web.h. */
#include <string.h>

#include "web.h"

/* An encryption on its way, all zero: none. */
static struct {
    unet_encryption *work;
    ckks_rng rng;
    unet_memory out;            /* bytes not yet fetched                     */
} encrypt;

void WEB_EXPORT(web_encrypt_end)(void)
{
    unet_encryption_clear(&encrypt.work);
    ckks_rng_clear(&encrypt.rng);
    unet_memory_clear(&encrypt.out);
}

/* Begins with the images at hand; web_encrypt_bytes has the head of the file.
 *   errors  CKKS_EARG  no image, no key; CKKS_ERNG */
ckks_status WEB_EXPORT(web_encrypt_begin)(void)
{
    const web_images *images = &web.images;
    const unet_sink sink = unet_memory_sink(&encrypt.out, "the upload");
    unet_job job = {0};
    ckks_status s = web_need_key();

    if (s == CKKS_OK && images->count == 0)
        s = nn_fail(CKKS_EARG, "there is no image");
    if (s != CKKS_OK)
        return s;
    web_encrypt_end();
    s = unet_job_init(&job, &web.plan, images->size, images->count);
    if (s == CKKS_OK)
        s = nn_relay(ckks_rng_init(&encrypt.rng, NULL), NULL);
    if (s == CKKS_OK)
        s = unet_encryption_init(&encrypt.work, &sink, &encrypt.rng, &web.plan,
                                 &job, &images->pixels, web.ctx, web.sk);
    unet_job_clear(&job);
    if (s != CKKS_OK)
        web_encrypt_end();
    return s;
}

/* Bytes since the last call, and how many; there until the next ciphertext. */
const uint8_t *WEB_EXPORT(web_encrypt_bytes)(void)
{
    return encrypt.out.data;
}

size_t WEB_EXPORT(web_encrypt_size)(void)
{
    return encrypt.out.size;
}

/* 1: ciphertexts are left. */
int WEB_EXPORT(web_encrypt_left)(void)
{
    return unet_encryption_left(encrypt.work) > 0;
}

/* A copy by way of its bytes. */
static ckks_status request_keep(const unet_request *r)
{
    const size_t size = unet_request_size(r);
    unet_memory m = {0};
    ckks_status s = CKKS_OK;

    m.data = web_alloc(size);
    if (m.data == NULL)
        s = nn_fail(CKKS_EMEM, "no memory for a request of %zu bytes", size);
    if (s == CKKS_OK)
        s = unet_request_bytes(m.data, size, r);
    if (s == CKKS_OK)
        s = unet_request_parse(&web.request, m.data, size, &web.plan);
    unet_memory_clear(&m);
    return s;
}

/* The next ciphertext takes the place of the bytes before; with the last one
 * the request is kept in place of the one before. */
ckks_status WEB_EXPORT(web_encrypt_next)(void)
{
    const unet_request *r;
    ckks_status s;

    encrypt.out.size = 0;
    s = unet_encryption_next(encrypt.work);
    r = s == CKKS_OK ? unet_encryption_request(encrypt.work) : NULL;
    return r == NULL ? s : request_keep(r);
}

/* ---- the request, for another day ----------------------------------------- */

size_t WEB_EXPORT(web_request_size)(void)
{
    return unet_request_size(&web.request);
}

ckks_status WEB_EXPORT(web_request_save)(uint8_t *out, size_t size)
{
    return unet_request_bytes(out, size, &web.request);
}

/* errors  CKKS_EFORMAT  bytes refused, of another plan */
ckks_status WEB_EXPORT(web_request_load)(const uint8_t *in, size_t size)
{
    ckks_status s = web_need_plan();

    return s == CKKS_OK ? unet_request_parse(&web.request, in, size, &web.plan)
                        : s;
}
