/* test_owner.c -- keys, encryption and decryption around a network that
 * computes nothing: results made by hand. */
#include "test.h"
#include "unet_support.h"

static const uint8_t owner_id[UNET_ID] = { 9, 8, 7 };

typedef struct owner {
    nn_plan p;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    unet_job job;
    test_folder folder;
    double pixel_a[9 * 8], pixel_b[3 * 5];
    const double *pixel[2];
    unet_pixels pixels;
} owner;

static bool owner_open(owner *o)
{
    static const unet_size size[2] = { { 9, 8 }, { 3, 5 } };

    memset(o, 0, sizeof *o);
    plan_identity(&o->p, NN_HALO, 5, 2, 4, 3, 1, 0);
    for (int j = 0; j < 9 * 8; j++)
        o->pixel_a[j] = j;
    for (int j = 0; j < 3 * 5; j++)
        o->pixel_b[j] = 255 - j;
    o->pixel[0] = o->pixel_a;
    o->pixel[1] = o->pixel_b;
    o->pixels = unet_pixels_array(o->pixel);
    return folder_open(&o->folder)
           && CHECK_OK(nn_plan_context(&o->ctx, &o->p, NULL))
           && CHECK_OK(ckks_rng_init(&o->rng, (const uint8_t *)
                                     "abcdef0123456789abcdef0123456789"))
           && CHECK_OK(unet_keygen(&o->sk, &o->keys, &o->rng, o->ctx, &o->p))
           && CHECK_OK(unet_job_init(&o->job, &o->p, size, 2));
}

static void owner_close(owner *o)
{
    folder_close(&o->folder);
    unet_job_clear(&o->job);
    ckks_keys_clear(&o->keys);
    ckks_sk_clear(&o->sk);
    ckks_rng_clear(&o->rng);
    ckks_ctx_clear(&o->ctx);
}

/* The inputs decrypt to the packed pixels, and every ciphertext is of half
 * size. */
TEST(owner_encrypts_what_is_packed)
{
    owner o;
    double slots[4 * 16], re[16];
    unet_reader *r = NULL;
    ckks_ct ct = {0};
    ckks_pt pt = {0};
    uint64_t bytes = 0;

    if (!owner_open(&o))
        goto done;
    CHECK_OK(unet_encrypt(o.folder.path, &bytes, NULL, &o.rng, &o.p, &o.job,
                          &o.pixels, o.ctx, o.sk, NULL));
    if (!CHECK_OK(unet_reader_open(&r, o.folder.path, &o.p, UNET_INPUT)))
        goto done;
    CHECK(bytes == unet_reader_bytes(r), "bytes");
    for (size_t set = 0; set < o.job.sets; set++) {
        CHECK_OK(unet_pack(slots, &o.p, &o.job, &o.pixels, set));
        for (int k = 0; k < 4; k++) {
            CHECK_OK(unet_reader_next(&ct, r, o.ctx));
            CHECK(ct.seeded, "not seeded");
            CHECK_OK(ckks_decrypt(&pt, &ct, o.sk));
            CHECK_OK(ckks_decode(re, NULL, 16, &pt));
            for (int j = 0; j < 16; j++)
                CHECK(re[j] > slots[16 * k + j] - 1e-6
                      && re[j] < slots[16 * k + j] + 1e-6,
                      "set %zu ct %d slot %d: %g, want %g", set, k, j, re[j],
                      slots[16 * k + j]);
        }
    }
done:
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    unet_reader_close(&r);
    owner_close(&o);
}

/* A file of results that says what was packed, with an imaginary part. */
static bool make_results(owner *o, double imaginary)
{
    unet_writer *w = NULL;
    ckks_ct ct = {0};
    ckks_pt pt = {0};
    double slots[4 * 16], im[16];
    bool ok = CHECK_OK(unet_writer_open(&w, o->folder.path, &o->p, &o->job,
                                        UNET_OUTPUT, owner_id, NULL));

    for (int j = 0; j < 16; j++)
        im[j] = j == 11 ? imaginary : 0;
    for (size_t set = 0; set < o->job.sets && ok; set++) {
        ok = CHECK_OK(unet_pack(slots, &o->p, &o->job, &o->pixels,
                                set));
        for (int k = 0; k < 4 && ok; k++)
            ok = CHECK_OK(ckks_encode(&pt, o->ctx, slots + 16 * k,
                                      k == 2 ? im : NULL, 16, 0,
                                      o->p.out_scale))
                 && CHECK_OK(ckks_encrypt_sk(&ct, &o->rng, &pt, o->sk))
                 && CHECK_OK(unet_writer_put(w, &ct));
    }
    if (ok)
        ok = CHECK_OK(unet_writer_finish(w, NULL));
    unet_writer_clear(&w);
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    return ok;
}

static ckks_status second_fails(const double **out, void *user, size_t image)
{
    const owner *o = user;

    *out = o->pixel[image];
    return image == 0 ? CKKS_OK : nn_fail(CKKS_EFORMAT, "image %zu", image);
}

/* An image that cannot be had ends the encryption, and no file is left. */
TEST(owner_source_fails)
{
    owner o;
    const unet_pixels pixels = { second_fails, &o };
    uint64_t bytes = 7;

    if (owner_open(&o)) {
        CHECK_STATUS(unet_encrypt(o.folder.path, &bytes, NULL, &o.rng, &o.p,
                                  &o.job, &pixels, o.ctx, o.sk, NULL),
                     CKKS_EFORMAT);
        CHECK(strcmp(nn_last_error(), "image 1") == 0 && bytes == 7, "%s",
              nn_last_error());
        CHECK(folder_files(&o.folder) == 0, "a file is left");
    }
    owner_close(&o);
}

TEST(owner_decrypts_all_tiles)
{
    owner o;
    unet_result r = {0};

    if (owner_open(&o) && make_results(&o, 0)
        && CHECK_OK(unet_decrypt(&r, NULL, &(const char *){o.folder.path}, 1,
                                 &o.p, o.ctx, o.sk, NULL))) {
        CHECK(r.job.images == 2 && r.bound == 1e-3 && r.stray < 1e-3,
              "%zu images, %g under %g", r.job.images, r.stray, r.bound);
        for (int j = 0; j < 9 * 8; j++)
            CHECK(r.logit[0][j] > j - 1e-6 && r.logit[0][j] < j + 1e-6,
                  "image 0 pixel %d: %g", j, r.logit[0][j]);
        for (int j = 0; j < 3 * 5; j++)
            CHECK(r.logit[1][j] > 255 - j - 1e-6
                  && r.logit[1][j] < 255 - j + 1e-6,
                  "image 1 pixel %d: %g", j, r.logit[1][j]);
    }
    unet_result_clear(&r);
    owner_close(&o);
}

/* The imaginary part of any slot counts, kept or not. */
TEST(owner_refuses_results_out_of_range)
{
    owner o;
    unet_result r = {0};

    if (owner_open(&o) && make_results(&o, 0.5)) {
        CHECK_STATUS(unet_decrypt(&r, NULL, &(const char *){o.folder.path}, 1,
                                  &o.p, o.ctx, o.sk, NULL),
                     CKKS_EPARAM);
        CHECK(r.logit == NULL && strstr(nn_last_error(), "0.5") != NULL,
              "%s", nn_last_error());
        o.p.error_sd = 0.5 / 63;
        CHECK(unet_bound(&o.p) > 0.5, "%g", unet_bound(&o.p));
    }
    owner_close(&o);
}

TEST(owner_refuses_another_key)
{
    owner o;
    unet_result r = {0};
    ckks_sk *other = NULL;

    if (owner_open(&o) && make_results(&o, 0)
        && CHECK_OK(ckks_sk_init(&other, o.ctx, &o.rng)))
        CHECK_STATUS(unet_decrypt(&r, NULL, &(const char *){o.folder.path}, 1,
                                  &o.p, o.ctx, other, NULL),
                     CKKS_EPARAM);
    ckks_sk_clear(&other);
    owner_close(&o);
}

TEST(owner_keys_are_the_plans)
{
    owner o;
    nn_plan more;

    if (owner_open(&o)) {
        CHECK_OK(unet_check_keys(&o.p, o.keys));
        more = o.p;
        more.key[2] = (ckks_key_request){ CKKS_KEY_ROTATE, 3, 1 };
        more.num_keys = 3;
        CHECK_STATUS(unet_check_keys(&more, o.keys), CKKS_EKEY);
        CHECK(strstr(nn_last_error(), "step 3") != NULL, "%s",
              nn_last_error());
        CHECK_STATUS(unet_check_keys(NULL, o.keys), CKKS_EARG);
        CHECK_STATUS(unet_check_keys(&o.p, NULL), CKKS_EARG);
    }
    owner_close(&o);
}

TEST(owner_misuse)
{
    owner o;
    unet_result r = {0};
    uint64_t bytes = 7;

    if (owner_open(&o)) {
        CHECK_STATUS(unet_keygen(NULL, &o.keys, &o.rng, o.ctx, &o.p),
                     CKKS_EARG);
        CHECK_STATUS(unet_encrypt(NULL, &bytes, NULL, &o.rng, &o.p, &o.job,
                                  &o.pixels, o.ctx, o.sk, NULL),
                     CKKS_EARG);
        CHECK_STATUS(unet_encrypt("/no/such/x", &bytes, NULL, &o.rng, &o.p,
                                  &o.job, &o.pixels, o.ctx, o.sk, NULL),
                     CKKS_EIO);
        CHECK_STATUS(unet_decrypt(&r, NULL, &(const char *){"/no/such/x"}, 1,
                                  &o.p, o.ctx, o.sk, NULL),
                     CKKS_EIO);
        CHECK_STATUS(unet_decrypt(NULL, NULL, &(const char *){o.folder.path}, 1,
                                  &o.p, o.ctx, o.sk, NULL),
                     CKKS_EARG);
        CHECK_STATUS(unet_evaluate("x", NULL, "y", NULL, NULL, &o.p, NULL,
                                   o.ctx, o.keys, NULL),
                     CKKS_EARG);
        CHECK(bytes == 7 && r.logit == NULL, "an output changed");
    }
    owner_close(&o);
}
