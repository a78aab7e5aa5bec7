/* test_request.c -- what the owner keeps of an upload, parts of results, and
 * what a forged c_1 looks like. */
#include <dirent.h>
#include <math.h>

#include "net_support.h"
#include "unet_support.h"
#include "vct.h"

enum { DEGREE = 256, IMAGES = 5, SETS = 3 };

/* An owner of five images in three sets, N = 256; 4 ciphertexts a set. */
typedef struct owner {
    nn_plan p;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    unet_job job;
    test_folder folder;             /* of requests                           */
    test_folder files;
    double pixel[IMAGES][64];
    const double *pixels[IMAGES];
} owner;

static bool request_open(owner *o)
{
    unet_size size[IMAGES];

    memset(o, 0, sizeof *o);
    plan_identity(&o->p, NN_ZERO, 8, 2, 4, 4, 0, 0);
    o->p.layout.batch = 2;
    for (int i = 0; i < IMAGES; i++) {
        size[i] = (unet_size){ 8, 8 };
        o->pixels[i] = o->pixel[i];
        for (int j = 0; j < 64; j++)
            o->pixel[i][j] = (i * 64 + j) % 256;
    }
    return folder_open(&o->folder) && folder_open(&o->files)
           && NN_OK(nn_plan_context(&o->ctx, &o->p, NULL))
           && CHECK_OK(ckks_rng_init(&o->rng, (const uint8_t *)
                                     "0123456789abcdef0123456789abcdef"))
           && NN_OK(unet_keygen(&o->sk, &o->keys, &o->rng, o->ctx, &o->p))
           && NN_OK(unet_job_init(&o->job, &o->p, size, IMAGES))
           && CHECK(o->job.sets == SETS, "%zu sets", o->job.sets);
}

static void empty(const test_folder *f)
{
    DIR *d = opendir(f->name);
    char path[320];

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", f->name, e->d_name);
        if (e->d_name[0] != '.')
            remove(path);
    }
    if (d != NULL)
        closedir(d);
}

static void request_close(owner *o)
{
    empty(&o->folder);
    empty(&o->files);
    folder_close(&o->folder);
    folder_close(&o->files);
    unet_job_clear(&o->job);
    ckks_keys_clear(&o->keys);
    ckks_sk_clear(&o->sk);
    ckks_rng_clear(&o->rng);
    ckks_ctx_clear(&o->ctx);
}

static const char *file_of(const owner *o, const char *name)
{
    static char path[4][160];
    static int next;

    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", o->files.name, name);
    return path[next];
}

static bool upload(owner *o, const char *name)
{
    const unet_pixels pixels = unet_pixels_array(o->pixels);
    uint64_t bytes;

    return NN_OK(unet_encrypt(file_of(o, name), &bytes, o->folder.name,
                              &o->rng, &o->p, &o->job, &pixels, o->ctx, o->sk,
                              NULL));
}

/* What a network that computes nothing gives, under the identity of an upload:
 * sets of a part, fresh ciphertexts. */
static bool answer(owner *o, const char *name, const char *to,
                   const unet_part *part)
{
    const unet_pixels pixels = unet_pixels_array(o->pixels);
    unet_part all = { 0, SETS };
    unet_reader *r = NULL;
    unet_writer *w = NULL;
    unet_info info;
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    double slots[4 * DEGREE / 2];
    bool ok = NN_OK(unet_reader_open(&r, file_of(o, to), &o->p, UNET_INPUT));

    part = part != NULL ? part : &all;
    if (ok)
        unet_reader_info(&info, r);
    unet_reader_close(&r);
    ok = ok && NN_OK(unet_writer_open(&w, file_of(o, name), &o->p, &o->job,
                                      UNET_OUTPUT, info.request, part));
    for (size_t set = 0; set < part->count && ok; set++) {
        ok = NN_OK(unet_pack(slots, &o->p, &o->job, &pixels,
                             part->first + set));
        for (int k = 0; k < 4 && ok; k++)
            ok = CHECK_OK(ckks_encode(&pt, o->ctx, slots + DEGREE / 2 * k,
                                      NULL, DEGREE / 2, 0, o->p.out_scale))
                 && CHECK_OK(ckks_encrypt_sk(&ct, &o->rng, &pt, o->sk))
                 && NN_OK(unet_writer_put(w, &ct));
    }
    ok = ok && NN_OK(unet_writer_finish(w, NULL));
    unet_writer_clear(&w);
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    return ok;
}

/* Decrypts one file, as an answer to what its name in the folder says. */
static ckks_status decrypt(owner *o, const char *name)
{
    const char *path = file_of(o, name);
    unet_request q = {0};
    unet_result r = {0};
    ckks_status s = unet_request_load(&q, o->folder.name, path, &o->p);

    if (s == CKKS_OK)
        s = unet_decrypt(&r, &q, &path, 1, &o->p, o->ctx, o->sk, NULL);
    if (s == CKKS_OK)
        s = unet_request_save(o->folder.name, &q);
    for (int i = 0; i < IMAGES && s == CKKS_OK; i++)
        for (int j = 0; j < 64; j++)
            CHECK(fabs(r.logit[i][j] - o->pixel[i][j]) < 0.01,
                  "image %d pixel %d: %g", i, j, r.logit[i][j]);
    unet_result_clear(&r);
    unet_request_clear(&q);
    return s;
}

TEST(request_answers_its_own_once)
{
    owner o;

    if (request_open(&o) && upload(&o, "in") && upload(&o, "in2")
        && answer(&o, "out", "in", NULL) && answer(&o, "other", "in", NULL)) {
        CHECK(folder_files(&o.folder) == 2, "%d requests",
              folder_files(&o.folder));
        NN_OK(decrypt(&o, "out"));
        NN_OK(decrypt(&o, "out"));              /* the same words            */
        NN_STATUS(decrypt(&o, "other"), CKKS_EPARAM);
        CHECK(strstr(nn_last_error(), "a second result") != NULL, "%s",
              nn_last_error());
        NN_OK(decrypt(&o, "out"));
    }
    request_close(&o);
}

/* All parts together in any order; nothing missing, nothing twice. */
TEST(request_parts)
{
    owner o;
    unet_request q = {0};
    unet_result r = {0};

    if (request_open(&o) && upload(&o, "in")
        && answer(&o, "a", "in", &(unet_part){ 0, 1 })
        && answer(&o, "b", "in", &(unet_part){ 1, 2 })
        && answer(&o, "all", "in", NULL)
        && NN_OK(unet_request_load(&q, o.folder.name, file_of(&o, "a"),
                                   &o.p))) {
        const char *path[3] = { file_of(&o, "b"), file_of(&o, "a"),
                                file_of(&o, "all") };

        NN_STATUS(unet_decrypt(&r, &q, path, 1, &o.p, o.ctx, o.sk, NULL),
                  CKKS_EPARAM);
        CHECK(strstr(nn_last_error(), "set 1 of 3") != NULL, "%s",
              nn_last_error());
        NN_STATUS(unet_decrypt(&r, &q, path, 3, &o.p, o.ctx, o.sk, NULL),
                  CKKS_EPARAM);
        CHECK(strstr(nn_last_error(), "another part") != NULL
              && r.logit == NULL, "%s", nn_last_error());
        NN_OK(unet_decrypt(&r, &q, path, 2, &o.p, o.ctx, o.sk, NULL));
        NN_OK(unet_decrypt(&r, &q, path, 2, &o.p, o.ctx, o.sk, NULL));
        NN_STATUS(unet_decrypt(&r, &q, path + 2, 1, &o.p, o.ctx, o.sk, NULL),
                  CKKS_EPARAM);
        unet_request_forget(&q);
        NN_OK(unet_decrypt(&r, &q, path + 2, 1, &o.p, o.ctx, o.sk, NULL));
        NN_OK(unet_decrypt(&r, NULL, path, 2, &o.p, o.ctx, o.sk, NULL));
        NN_STATUS(unet_decrypt(&r, NULL, path, 0, &o.p, o.ctx, o.sk, NULL),
                  CKKS_EARG);
        path[1] = NULL;
        NN_STATUS(unet_decrypt(&r, NULL, path, 2, &o.p, o.ctx, o.sk, NULL),
                  CKKS_EARG);
    }
    unet_result_clear(&r);
    unet_request_clear(&q);
    request_close(&o);
}

/* What came of images one by one; after `stop` of them there is no memory. */
typedef struct come {
    double logit[IMAGES][64];
    size_t images, stop;
} come;

static ckks_status come_image(void *user, const unet_job *job, size_t image,
                              const double *logit)
{
    come *c = user;

    CHECK(image == c->images && job->images == IMAGES, "image %zu after %zu",
          image, c->images);
    if (c->images == c->stop)
        return nn_fail(CKKS_EMEM, "no memory");
    memcpy(c->logit[c->images++], logit, sizeof c->logit[0]);
    return CKKS_OK;
}

/* Images as they come are those of a whole result, whatever order their parts
 * are in, and none is kept. */
TEST(request_images_one_by_one)
{
    owner o;
    unet_result whole = {0}, r = {0};

    if (request_open(&o) && upload(&o, "in")
        && answer(&o, "a", "in", &(unet_part){ 0, 1 })
        && answer(&o, "b", "in", &(unet_part){ 1, 2 })) {
        const char *path[3] = { file_of(&o, "a"), file_of(&o, "b"),
                                file_of(&o, "a") };

        NN_OK(unet_decrypt(&whole, NULL, path, 2, &o.p, o.ctx, o.sk, NULL));
        for (int turn = 0; turn < 2; turn++) {
            come c = { .stop = IMAGES };
            const unet_progress by = { .image = come_image,
                                       .step = { .user = &c } };

            NN_OK(unet_decrypt(&r, NULL, path + turn, 2, &o.p, o.ctx, o.sk,
                               &by));
            CHECK(c.images == IMAGES, "%zu images came", c.images);
            for (int i = 0; i < IMAGES; i++)
                CHECK(r.logit[i] == NULL
                      && memcmp(c.logit[i], whole.logit[i],
                                sizeof c.logit[i]) == 0, "image %d", i);
        }
        for (size_t stop = 0; stop < IMAGES; stop++) {
            come c = { .stop = stop };
            const unet_progress by = { .image = come_image,
                                       .step = { .user = &c } };

            NN_STATUS(unet_decrypt(&whole, NULL, path, 2, &o.p, o.ctx, o.sk,
                                   &by), CKKS_EMEM);
            CHECK(whole.logit[0] != NULL, "a refused result changed another");
        }
    }
    unet_result_clear(&whole);
    unet_result_clear(&r);
    request_close(&o);
}

static ckks_status keep_nothing(void *user, const uint8_t id[UNET_ID])
{
    memcpy(user, id, UNET_ID);
    return nn_fail(CKKS_EIO, "nothing is kept");
}

/* What is kept beside the request comes before the file has its name. */
TEST(request_kept_before_the_file)
{
    owner o;
    uint8_t id[UNET_ID] = {0};
    const unet_progress keep = { .request = keep_nothing,
                                 .step = { .user = id } };

    if (request_open(&o)) {
        const unet_pixels pixels = unet_pixels_array(o.pixels);

        NN_STATUS(unet_encrypt(file_of(&o, "in"), NULL, o.folder.name, &o.rng,
                               &o.p, &o.job, &pixels, o.ctx, o.sk, &keep),
                  CKKS_EIO);
        CHECK(folder_files(&o.files) == 0 && folder_files(&o.folder) == 1
              && id[0] + id[1] + id[2] + id[3] != 0, "%d files, %d requests",
              folder_files(&o.files), folder_files(&o.folder));
    }
    request_close(&o);
}

/* Whole sets are passed over; what comes then is the next set. */
TEST(request_reader_skips_sets)
{
    owner o;
    unet_reader *r = NULL, *all = NULL;
    ckks_ct a = {0}, b = {0};

    if (request_open(&o) && upload(&o, "in")
        && NN_OK(unet_reader_open(&r, file_of(&o, "in"), &o.p, UNET_INPUT))
        && NN_OK(unet_reader_open(&all, file_of(&o, "in"), &o.p,
                                  UNET_INPUT))) {
        NN_STATUS(unet_reader_skip(r, 4), CKKS_EARG);
        NN_OK(unet_reader_skip(r, 2));
        for (int k = 0; k < 9; k++)
            NN_OK(unet_reader_next(&b, all, o.ctx));
        NN_OK(unet_reader_next(&a, r, o.ctx));
        CHECK(memcmp(a.limb, b.limb, 4 * DEGREE * sizeof *a.limb) == 0,
              "another ciphertext");
        NN_STATUS(unet_reader_skip(r, 0), CKKS_EARG);   /* within a set      */
        NN_STATUS(unet_reader_skip(NULL, 0), CKKS_EARG);
    }
    ckks_ct_clear(&a);
    ckks_ct_clear(&b);
    unet_reader_close(&r);
    unet_reader_close(&all);
    request_close(&o);
}

static ckks_status load(owner *o)
{
    unet_request q = {0};
    ckks_status s = unet_request_load(&q, o->folder.name, file_of(o, "out"),
                                      &o->p);

    unet_request_clear(&q);
    return s;
}

/* The note of a request: every truncation, every byte, surplus, another plan;
 * and a note under another's name. */
TEST(request_note_is_checked)
{
    owner o;
    DIR *d;
    char path[320] = "";
    uint8_t *bytes = NULL;
    size_t size = 0;

    if (!request_open(&o) || !upload(&o, "in")
        || !answer(&o, "out", "in", NULL) || !NN_OK(load(&o)))
        goto done;
    d = opendir(o.folder.name);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        if (strstr(e->d_name, ".req") != NULL)
            snprintf(path, sizeof path, "%s/%s", o.folder.name, e->d_name);
    closedir(d);
    bytes = bytes_read(path, &size);
    if (!CHECK(bytes != NULL, "no note in %s", path))
        goto done;
    for (size_t n = 0; n < size; n++) {
        bytes_write(path, bytes, n);
        CHECK(load(&o) == CKKS_EFORMAT, "%zu of %zu bytes taken", n, size);
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= (uint8_t)(1 << i % 8);
        bytes_write(path, bytes, size);
        bytes[i] ^= (uint8_t)(1 << i % 8);
        CHECK(load(&o) == CKKS_EFORMAT, "byte %zu", i);
    }
    bytes = realloc(bytes, size + 1);
    bytes[size] = 0;
    bytes_write(path, bytes, size + 1);
    NN_STATUS(load(&o), CKKS_EFORMAT);
    bytes_write(path, bytes, size);
    NN_OK(load(&o));
    for (size_t at = 40; at < 56; at += 4) {    /* counts that lie          */
        bytes[at] ^= 1;
        ckks_blake2b(bytes + size - 16, 16, bytes, size - 16, NULL, 0);
        bytes_write(path, bytes, size);
        bytes[at] ^= 1;
        CHECK(load(&o) == CKKS_EFORMAT, "count at %zu", at);
    }
    bytes[8] ^= 1;                              /* of another request        */
    ckks_blake2b(bytes + size - 16, 16, bytes, size - 16, NULL, 0);
    bytes_write(path, bytes, size);
    NN_STATUS(load(&o), CKKS_EFORMAT);
    remove(path);
    NN_STATUS(load(&o), CKKS_EPARAM);
done:
    free(bytes);
    request_close(&o);
}

/* ---- forged c_1 ---------------------------------------------------------- */

/* A result of level 1 whose c_1 has the coefficients x, or these words in NTT
 * form, in both limbs; with `far`, coefficient 3 is half the prime. */
static bool forge(ckks_ct *ct, const owner *o, const uint64_t *x, bool ntt,
                  bool far)
{
    bool ok = true;

    for (int l = 0; l < 2 && ok; l++) {
        uint64_t *c1 = ct->limb + (2 + l) * DEGREE;

        memcpy(c1, x, DEGREE * sizeof *x);
        if (far)
            c1[3] = ckks_ctx_prime(o->ctx, l) / 2;
        ok = ntt || CHECK_OK(ckks_ntt(c1, o->ctx, l));
    }
    return ok;
}

TEST(request_sees_forged_c1)
{
    owner o;
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    double re[2] = { 1, 2 };
    uint64_t x[DEGREE], state = 5;

    if (!request_open(&o)
        || !CHECK_OK(ckks_encode(&pt, o.ctx, re, NULL, 2, 1, 0x1p30))
        || !CHECK_OK(ckks_encrypt_sk(&ct, &o.rng, &pt, o.sk)))
        goto done;
    NN_OK(uni_check_forged(&ct, NULL, "honest"));
    for (int kind = 0; kind < 7; kind++)
        for (int ntt = 0; ntt < 2; ntt++) {
            /* the last kinds stand at the edge, and pass */
            const bool seen = kind < 5 && !(kind == 4 && ntt);

            for (int j = 0; j < DEGREE; j++) {
                const uint64_t any = test_word(&state) >> 25;   /* < 2^39    */

                x[j] = kind == 0   ? 0
                       : kind == 1 ? (j == 0) * 77u
                       : kind == 2 ? 77u
                       : kind == 3 ? (j % 16 == 0 ? any : 0)
                       : kind == 4 ? any % 1000
                       : kind == 5 ? (j % 2 ? any : 0)
                                   : any;
            }
            if (!forge(&ct, &o, x, ntt, kind >= 5))
                break;
            CHECK(uni_check_forged(&ct, NULL, "x")
                      == (seen ? CKKS_EPARAM : CKKS_OK),
                  "kind %d, %s form: %s", kind, ntt ? "NTT" : "coefficient",
                  nn_last_error());
        }
done:
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    request_close(&o);
}

/* One set of a job that claims 60 images of 65,536 x 65,536 pixels: refused for
 * the sets that are missing, before memory is asked for by such a claim (two
 * terabytes of logits: CKKS_EMEM would say that it was). */
TEST(request_vast_claims_are_not_believed)
{
    static const uint8_t id[UNET_ID] = { 1 };
    unet_size size[60];
    unet_part one = { 0, 1 };
    owner o;
    unet_job vast = {0};
    unet_writer *w = NULL;
    unet_result r = {0};
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    const char *path;

    for (int i = 0; i < 60; i++)
        size[i] = (unet_size){ NN_MAX_SIDE, NN_MAX_SIDE };
    if (!request_open(&o))
        goto done;
    o.p.border = NN_HALO;
    path = file_of(&o, "vast");
    if (!NN_OK(unet_job_init(&vast, &o.p, size, 60))
        || !NN_OK(unet_writer_open(&w, path, &o.p, &vast, UNET_OUTPUT, id,
                                   &one))
        || !CHECK_OK(ckks_encode(&pt, o.ctx, o.pixel[0], NULL, 64, 0,
                                 o.p.out_scale))
        || !CHECK_OK(ckks_encrypt_sk(&ct, &o.rng, &pt, o.sk)))
        goto done;
    for (int k = 0; k < 4; k++)
        NN_OK(unet_writer_put(w, &ct));
    NN_OK(unet_writer_finish(w, NULL));
    NN_STATUS(unet_decrypt(&r, NULL, &path, 1, &o.p, o.ctx, o.sk, NULL),
              CKKS_EPARAM);
    CHECK(strstr(nn_last_error(), "set 2 of ") != NULL, "%s",
          nn_last_error());
done:
    unet_writer_clear(&w);
    unet_job_clear(&vast);
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    request_close(&o);
}
