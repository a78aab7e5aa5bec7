/* hand_support.c -- see hand_support.h. */
#include "hand_support.h"

static const uint8_t seed[CKKS_SEED_BYTES] = { 7, 7 };

ckks_rng hand_rng(void)
{
    ckks_rng rng = {0};

    CHECK_OK(ckks_rng_init(&rng, seed));
    return rng;
}

ckks_status hand_answer(hand_world *w, const unet_sink *sink,
                        const unet_part *part)
{
    const unet_part all = { 0, w->job.sets }, *sets = part ? part : &all;
    unet_writer *writer = NULL;
    ckks_ct ct = {0};
    ckks_pt pt = {0};
    double slots[4 * 16];
    ckks_status s = unet_writer_to(&writer, sink, &w->p, &w->job, UNET_OUTPUT,
                                   w->request.id, part);

    for (size_t i = 0; i < sets->count && s == CKKS_OK; i++) {
        s = unet_pack(slots, &w->p, &w->job, &w->pixels, sets->first + i);
        for (int k = 0; k < 4 && s == CKKS_OK; k++) {
            CHECK_OK(ckks_encode(&pt, w->ctx, slots + 16 * k, NULL, 16, 0,
                                 w->p.out_scale));
            CHECK_OK(ckks_encrypt_sk(&ct, &w->rng, &pt, w->sk));
            s = unet_writer_put(writer, &ct);
        }
    }
    if (s == CKKS_OK)
        s = unet_writer_finish(writer, NULL);
    unet_writer_clear(&writer);
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    return s;
}

bool hand_open(hand_world *w)
{
    static const unet_size size[2] = { { 9, 8 }, { 3, 5 } };
    unet_sink in, out;
    ckks_rng rng = hand_rng();

    memset(w, 0, sizeof *w);
    plan_identity(&w->p, NN_HALO, 5, 2, 4, 3, 1, 0);
    for (int j = 0; j < 9 * 8; j++)
        w->pixel_a[j] = j;
    for (int j = 0; j < 3 * 5; j++)
        w->pixel_b[j] = 255 - j;
    w->pixel[0] = w->pixel_a;
    w->pixel[1] = w->pixel_b;
    w->pixels = unet_pixels_array(w->pixel);
    w->rng = rng;
    w->rng.key[0] ^= 1;         /* what is uploaded has other streams        */
    in = unet_memory_sink(&w->inputs, "inputs");
    out = unet_memory_sink(&w->results, "results");
    return NN_OK(nn_plan_context(&w->ctx, &w->p, NULL))
           && CHECK_OK(ckks_sk_init(&w->sk, w->ctx, &w->rng))
           && NN_OK(unet_job_init(&w->job, &w->p, size, 2))
           && NN_OK(unet_encrypt_to(&in, &w->request, &rng, &w->p, &w->job,
                                    &w->pixels, w->ctx, w->sk, NULL))
           && CHECK(w->job.sets >= 2, "%zu sets", w->job.sets)
           && NN_OK(hand_answer(w, &out, NULL));
}

void hand_close(hand_world *w)
{
    unet_request_clear(&w->request);
    unet_memory_clear(&w->inputs);
    unet_memory_clear(&w->results);
    unet_job_clear(&w->job);
    ckks_sk_clear(&w->sk);
    ckks_ctx_clear(&w->ctx);
}
