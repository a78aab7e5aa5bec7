/* web_encrypt.c -- images to ciphertexts, and the request that recognises their
 * result.  Contracts in web.h. */
#include "web.h"

/* The file in.vct, and the note of its request beside it. */
ckks_status WEB_EXPORT(web_encrypt)(void)
{
    const web_images *images = &web.images;
    unet_job job = {0};
    ckks_rng rng = {0};
    uint64_t bytes = 0;
    ckks_status s = web_need_key();

    if (s == CKKS_OK && images->count == 0)
        s = nn_fail(CKKS_EARG, "there is no image");
    if (s == CKKS_OK)
        s = unet_job_init(&job, &web.plan, images->size, images->count);
    if (s == CKKS_OK)
        s = nn_relay(ckks_rng_init(&rng, NULL), NULL);
    if (s == CKKS_OK)
        s = unet_encrypt("/work/in.vct", &bytes, "/work", &rng, &web.plan,
                         &job, &images->pixels, web.ctx, web.sk, NULL);
    ckks_rng_clear(&rng);
    unet_job_clear(&job);
    return s;
}
