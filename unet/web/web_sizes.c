/* web_sizes.c -- how many bytes the files will have, before they are made: an
 * upload in pieces says so first.  Formats: unet.h, docs/conventions.md.
 */
#include "web.h"

/* Bytes of a frame, of a file of keys behind it and of each key's entry; of a
 * seeded ciphertext before its limbs, with the length in front. */
enum { SIZE_FRAME = 40, SIZE_KEYS = 8, SIZE_ENTRY = 48,
       SIZE_CIPHERTEXT = 8 + SIZE_FRAME + 24 + CKKS_SEED_BYTES };
/* Of a file of ciphertexts: the head with its digest, and an image's entry. */
enum { SIZE_HEAD = 64 + 16, SIZE_IMAGE = 8 };

/* A limb has as many bits a word as its prime has. */
static uint64_t limb_size(uint64_t prime)
{
    uint64_t bits = 0;

    for (; prime != 0; prime >>= 1)
        bits++;
    return ((bits << web.plan.params.log_n) + 7) / 8;
}

static uint64_t limbs_size(int level)
{
    uint64_t size = 0;

    for (int i = 0; i <= level; i++)
        size += limb_size(ckks_ctx_prime(web.ctx, i));
    return size;
}

/* The file of evaluation keys; 0 without a plan. */
double WEB_EXPORT(web_keys_bytes)(void)
{
    const nn_plan *p = &web.plan;
    const int dnum = p->params.dnum;
    uint64_t size = SIZE_FRAME + SIZE_KEYS, special = 0;
    int whole;

    if (web.ctx == NULL)
        return 0;
    whole = (p->params.num_primes + dnum - 1) / dnum;
    for (int t = 0; t < p->params.num_special; t++)
        special += limb_size(ckks_ctx_special(web.ctx, t));
    for (size_t i = 0; i < p->num_keys; i++)
        size += SIZE_ENTRY + (uint64_t)(p->key[i].level / whole + 1)
                             * (limbs_size(p->key[i].level) + special);
    return (double)size;
}

/* The file that the images at hand become; 0 without a plan or images. */
double WEB_EXPORT(web_upload_bytes)(void)
{
    const web_images *images = &web.images;
    unet_job job = {0};
    uint64_t size;

    if (web.ctx == NULL || images->count == 0
        || unet_job_init(&job, &web.plan, images->size, images->count)
           != CKKS_OK)
        return 0;
    size = SIZE_HEAD + SIZE_IMAGE * (uint64_t)job.images
           + (uint64_t)job.sets * (uint64_t)nn_plan_inputs(&web.plan)
             * (SIZE_CIPHERTEXT + limbs_size(web.plan.in_level));
    unet_job_clear(&job);
    return (double)size;
}

/* Sets of the images at hand. */
size_t WEB_EXPORT(web_sets)(void)
{
    const web_images *images = &web.images;
    unet_job job = {0};
    size_t sets;

    if (web.ctx == NULL || images->count == 0
        || unet_job_init(&job, &web.plan, images->size, images->count)
           != CKKS_OK)
        return 0;
    sets = job.sets;
    unet_job_clear(&job);
    return sets;
}
