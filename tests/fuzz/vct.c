/* vct.c -- files of ciphertexts, inputs and results.  variant: the network
 * whose plan and keys they are for; FUZZ_OTHER: results.
 */
#include "vct.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "bytes/serial.h"
#include "join.h"

enum { MOST_IMAGES = 4, AT_IMAGES = 24 + UNET_ID,
       FIRST = VCT_HEAD + VCT_ENTRY + VCT_DIGEST };    /* of one image       */

static const fuzz_net *net_of(const fuzz_input *in)
{
    return fuzz_net_at(in->variant);
}

static unet_kind kind_of(const fuzz_input *in)
{
    return in->flags & FUZZ_OTHER ? UNET_OUTPUT : UNET_INPUT;
}

/* Length and frame of every ciphertext that there is room for before `end`;
 * name gets theirs. */
static void mend_ciphertexts(fuzz_input *in, size_t at, size_t end,
                             uint8_t name[UNET_ID])
{
    const ckks_ctx *ctx = net_of(in)->ctx;

    while (at + VCT_LENGTH + CKI_HEAD <= end) {
        const size_t left = end - at - VCT_LENGTH;
        uint64_t size = cki_load64(in->data + at);
        uint8_t *ct = in->data + at + VCT_LENGTH;
        const bool sealed = ct[6] & 1;

        if (size < CKI_HEAD || size > left)
            size = left;
        cki_store64(in->data + at, size);
        cki_head_write(ct, size, CKI_KIND_CT, ctx);
        if (sealed)
            cki_head_seal(ct, size);
        else
            ct[6] = 0;
        uni_vct_chain(name, ct, (size_t)size);
        at += VCT_LENGTH + size;
    }
}

/* Behind the table: the mark of a part, the digest; at the end of a part what
 * names its ciphertexts. */
static void mend_rest(fuzz_input *in, uint32_t images)
{
    const bool part = kind_of(in) == UNET_OUTPUT && in->data[6] & 1;
    const size_t head = uni_vct_head(images, part);
    uint8_t name[UNET_ID] = { 0 };
    size_t end;

    in->data[6] = part;
    if (in->size < head + VCT_DIGEST + (part ? UNET_ID : 0))
        fuzz_resize(in, head + VCT_DIGEST + (part ? UNET_ID : 0));
    ckks_blake2b(in->data + head, VCT_DIGEST, in->data, head, NULL, 0);
    end = in->size - (part ? UNET_ID : 0);
    if (part)
        memcpy(name, in->data + head - UNET_ID, UNET_ID);
    mend_ciphertexts(in, head + VCT_DIGEST, end, name);
    if (part)
        memcpy(in->data + end, name, UNET_ID);
}

static void mend_vct(fuzz_input *in)
{
    uint32_t images;

    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < VCT_HEAD)
        fuzz_resize(in, VCT_HEAD);
    memcpy(in->data, "VVCT", 4);
    in->data[4] = VCT_VERSION;
    in->data[5] = (uint8_t)kind_of(in);
    (void)!nn_plan_fingerprint(in->data + 8, &net_of(in)->plan);
    images = (cki_load32(in->data + AT_IMAGES) - 1) % MOST_IMAGES + 1;
    cki_store32(in->data + AT_IMAGES, images);
    mend_rest(in, images);
}

/* The bytes as a source, which is fuzz_free's; skips: it can pass over some;
 * there: so many are there, whatever it says. */
static unet_source source_of(const fuzz_input *in, bool skips, size_t there)
{
    unet_memory *m = fuzz_room(sizeof *m);
    unet_source source;

    *m = (unet_memory){ .data = in->data, .size = in->size };
    source = unet_memory_source(m, "memory");
    m->size = there;
    if (!skips)
        source.skip = NULL;
    return source;
}

static ckks_status load_vct(void *x, const fuzz_input *in)
{
    const unet_source source = source_of(in, true, in->size);

    return uni_reader_from(x, &source, fuzz_free, &net_of(in)->plan,
                           kind_of(in));
}

static void clear_vct(void *x)
{
    unet_reader_close(x);
}

/* A set is passed over, as for a part of the work: of a file, or of a source
 * that can or cannot, and may end before its size. */
static void skip(const fuzz_input *in, const char *path, bool skips,
                 size_t there)
{
    const fuzz_net *net = net_of(in);
    const unet_source source = source_of(in, skips, there);
    unet_reader *r = NULL;
    ckks_ct ct = { 0 };
    ckks_status s = path != NULL
        ? unet_reader_open(&r, path, &net->plan, kind_of(in))
        : unet_reader_from(&r, &source, &net->plan, kind_of(in));

    if (s == CKKS_OK) {
        (void)!unet_reader_skip(r, 1);
        (void)!unet_reader_next(&ct, r, net->ctx);
        fuzz_must(unet_reader_skip(r, SIZE_MAX) == CKKS_EARG,
                  "vct: more sets skipped than there are");
    }
    unet_reader_close(&r);
    ckks_ct_clear(&ct);
    fuzz_free(source.user);
}

/* A result from memory as from its file: the same status, the same logits. */
static void decrypt(const fuzz_input *in, const char *path)
{
    const fuzz_net *net = net_of(in);
    const unet_source source = source_of(in, false, in->size);
    unet_result r = { 0 }, same = { 0 };
    ckks_status s = unet_decrypt(&r, NULL, &path, 1, &net->plan, net->ctx,
                                 net->sk, NULL);
    ckks_status t = unet_decrypt_from(&same, NULL, &source, 1, &net->plan,
                                      net->ctx, net->sk, NULL);

    fuzz_must(in->fault != 0 || s == t, "vct: %s by a path, %s from memory",
              ckks_status_name(s), ckks_status_name(t));
    if (s == CKKS_OK && t == CKKS_OK)
        fuzz_must(r.bytes == same.bytes && r.largest == same.largest
                      && r.logit[0][0] == same.logit[0][0],
                  "vct: another result from memory");
    unet_result_clear(&r);
    unet_result_clear(&same);
    fuzz_free(source.user);
}

/* The owner's side of a result, the server's of inputs. */
static void take(const fuzz_input *in, const char *path)
{
    const fuzz_net *net = net_of(in);
    nn_weights *w = NULL;
    unet_done done;

    fuzz_join(in, path);
    if (kind_of(in) == UNET_OUTPUT)
        decrypt(in, path);
    else if (nn_weights_init(&w, &net->model, &net->plan) == CKKS_OK)
        (void)!unet_evaluate(fuzz_place("out.vct"), &done, path, NULL, NULL,
                             &net->plan, w, net->ctx, net->keys, NULL);
    (void)unlink(fuzz_place("out.vct"));
    nn_weights_clear(&w);
}

/* What was read is written again; the files must be equal if all is read. */
static bool copy(const fuzz_input *in, unet_reader *r, const char *path)
{
    const fuzz_net *net = net_of(in);
    unet_writer *w = NULL;
    ckks_ct ct = { 0 };
    unet_info info;
    uint64_t bytes = 0;
    ckks_status s;

    unet_reader_info(&info, r);
    s = uni_writer_open(&w, path, &info, unet_reader_job(r));
    for (uint64_t k = 0; k < (uint64_t)info.part.count * info.ciphertexts
                         && s == CKKS_OK; k++) {
        s = unet_reader_next(&ct, r, net->ctx);
        if (s == CKKS_OK)
            s = unet_writer_put(w, &ct);
    }
    if (s == CKKS_OK)
        s = unet_writer_finish(w, &bytes);
    if (s == CKKS_OK && in->fault == 0)
        fuzz_must(bytes == in->size && unet_reader_next(&ct, r, net->ctx)
                                           == CKKS_EARG,
                  "vct: %zu bytes read, %llu written", in->size,
                  (unsigned long long)bytes);
    ckks_ct_clear(&ct);
    unet_writer_clear(&w);
    return s == CKKS_OK;
}

/* Bytes differ only in checksums that an object does without. */
static void compare(const fuzz_input *in, const char *path)
{
    uint8_t *bytes = NULL;
    size_t size = 0, differ = 0;

    if (ckks_file_read(&bytes, &size, path, FUZZ_LARGEST) != CKKS_OK)
        return;
    for (size_t i = 0; i < size && size == in->size; i++)
        differ += bytes[i] != in->data[i];
    fuzz_must(size == in->size && (differ == 0 || in->flags & FUZZ_MEND),
              "vct: written again, %zu bytes differ", differ);
    ckks_file_free(bytes, size);
}

static void use_vct(void *x, const fuzz_input *in)
{
    char path[128];

    (void)unet_reader_bytes(*(unet_reader **)x);
    strcpy(path, fuzz_place("copy.vct"));
    if (copy(in, *(unet_reader **)x, path) && in->fault == 0)
        compare(in, path);
    (void)unlink(path);
    skip(in, fuzz_file(in->data, in->size), false, in->size);
    for (int k = 0; k < 4; k++)
        skip(in, NULL, k % 2, k < 2 ? in->size : in->size / 2);
    if (fuzz_patient(in))
        take(in, fuzz_file(in->data, in->size));
}

/* Writing, jobs and the owner. */
static void misuse_owner(const fuzz_input *in)
{
    const fuzz_net *net = net_of(in);
    const nn_plan *p = &net->plan;
    const unet_size size = { p->core_height, p->core_width };
    const unet_size none = { 0, 1 }, odd = { p->core_height + 1, 1 };
    const uint8_t id[UNET_ID] = { 1 };
    const unet_part far = { 5, 1 };
    nn_plan *empty = fuzz_room(sizeof *empty);
    unet_job job = { 0 };
    unet_writer *w = NULL;
    unet_result r = { 0 };
    ckks_sk *sk = NULL;
    ckks_ct ct = { 0 };

    fuzz_must(unet_job_init(NULL, p, &size, 1) == CKKS_EARG
                  && unet_job_init(&job, p, &size, 0) == CKKS_EARG
                  && unet_job_init(&job, empty, &size, 1) == CKKS_EARG
                  && unet_job_init(&job, p, &none, 1) == CKKS_EARG
                  && (p->border == NN_HALO
                      || unet_job_init(&job, p, &odd, 1) == CKKS_EARG)
                  && unet_job_init(&job, p, &size, 1) == CKKS_OK, "a job");
    fuzz_must(unet_writer_open(NULL, "x", p, &job, UNET_INPUT, id,
                                   NULL) == CKKS_EARG
                  && unet_writer_open(&w, "x", p, &job, (unet_kind)3, id, NULL)
                         == CKKS_EARG
                  && unet_writer_open(&w, fuzz_folder(), p, &job, UNET_INPUT,
                                      id, NULL)
                         == CKKS_EIO
                  && unet_writer_open(&w, "/none/x", p, &job, UNET_INPUT, id,
                                      NULL)
                         == CKKS_EIO
                  && unet_writer_put(NULL, &ct) == CKKS_EARG
                  && unet_writer_finish(NULL, NULL) == CKKS_EARG
                  && unet_writer_open(&w, "x", p, &job, UNET_INPUT, id, &far)
                         == CKKS_EARG
                  && unet_writer_open(&w, fuzz_place("w.vct"), p, &job,
                                      UNET_INPUT, id, NULL) == CKKS_OK
                  && unet_writer_put(w, &ct) != CKKS_OK
                  && unet_writer_finish(w, NULL) == CKKS_EARG, "a writer");
    unet_writer_clear(&w);
    unet_writer_clear(NULL);
    fuzz_must(unet_keygen(NULL, NULL, fuzz_rng(), net->ctx, p) == CKKS_EARG
                  && unet_encrypt(NULL, NULL, NULL, fuzz_rng(), p, &job, NULL,
                                  net->ctx, net->sk, NULL) == CKKS_EARG
                  && unet_decrypt(NULL, NULL, NULL, 0, p, net->ctx, net->sk,
                                  NULL)
                         == CKKS_EARG && sk == NULL, "an owner");
    unet_result_clear(&r);
    unet_result_clear(NULL);
    unet_job_clear(&job);
    unet_job_clear(NULL);
    fuzz_free(empty);
}

/* Heads alone, paths that are no files, objects of other kinds. */
static void misuse_vct(const fuzz_input *in)
{
    const fuzz_net *net = net_of(in);
    const char *path = fuzz_file(in->data, in->size);
    unet_reader *r = NULL;
    ckks_ct ct = { 0 };

    fuzz_must(unet_reader_open(NULL, path, NULL, UNET_INPUT) == CKKS_EARG
                  && unet_reader_open(&r, NULL, NULL, UNET_INPUT) == CKKS_EARG
                  && unet_reader_open(&r, path, NULL, (unet_kind)3)
                         == CKKS_EARG
                  && unet_reader_open(&r, fuzz_folder(), NULL, UNET_INPUT)
                         == CKKS_EIO
                  && unet_reader_open(&r, fuzz_place("none"), NULL, UNET_INPUT)
                         == CKKS_EIO
                  && unet_reader_next(&ct, NULL, net->ctx) == CKKS_EARG,
              "vct: misuse was taken");
    if (unet_reader_open(&r, path, NULL, kind_of(in)) == CKKS_OK)
        fuzz_must(unet_reader_next(&ct, r, net->ctx) == CKKS_EARG,
                  "vct: ciphertexts without a plan");
    unet_reader_close(&r);
    unet_reader_close(NULL);
    misuse_owner(in);
}

/* ---- seeds --------------------------------------------------------------- */

static void seed_file(const fuzz_target *t, uint8_t i, uint8_t flags)
{
    uint8_t *bytes = NULL;
    size_t size = 0, first;

    fuzz_must(ckks_file_read(&bytes, &size, fuzz_place("seed.vct"),
                             FUZZ_LARGEST) == CKKS_OK, "seed of vct");
    first = FIRST + (bytes[6] ? UNET_ID : 0);
    fuzz_seed(t, i, flags | FUZZ_MEND, 0, bytes, size);
    if (i == 0) {               /* other kinds and plans, and cut            */
        fuzz_seed(t, i, flags ^ FUZZ_OTHER, 0, bytes, size);
        fuzz_seed(t, i + 1, flags, 0, bytes, size);
        fuzz_seed(t, i, flags, 0, bytes, 3);
        fuzz_seed(t, i, flags, 0, bytes, 80);
        fuzz_seed(t, i, flags, 0, bytes,
                  first + VCT_LENGTH + cki_load64(bytes + first) + 4);
    }
    if (i < 2)
        fuzz_seed(t, i, flags | FUZZ_SWEEP | FUZZ_MISUSE, 0, bytes, size);
    ckks_file_free(bytes, size);
}

static void seed_net(const fuzz_target *t, uint8_t i)
{
    const fuzz_net *net = fuzz_net_at(i);
    const nn_plan *p = &net->plan;
    const unet_size size = { p->core_height, p->core_width };
    double *pixel = fuzz_room((size_t)(size.height * size.width * p->channels)
                              * sizeof *pixel);
    const double *all[] = { pixel };
    const unet_pixels pixels = unet_pixels_array(all);
    static const uint8_t origin[UNET_ID] = { 3 };
    const unet_keep part = { .origin = origin };
    unet_job job = { 0 };
    nn_weights *w = NULL;
    char in[128];
    bool ok;

    strcpy(in, fuzz_place("seed.vct"));
    ok = unet_job_init(&job, p, &size, 1) == CKKS_OK
         && unet_encrypt(in, NULL, NULL, fuzz_rng(), p, &job, &pixels, net->ctx,
                         net->sk, NULL) == CKKS_OK;
    fuzz_must(ok, "inputs of network %u", i);
    seed_file(t, i, 0);
    ok = nn_weights_init(&w, &net->model, p) == CKKS_OK
         && unet_evaluate(in, NULL, in, NULL, NULL, p, w, net->ctx, net->keys,
                          NULL) == CKKS_OK;
    fuzz_must(ok, "results of network %u", i);
    seed_file(t, i, FUZZ_OTHER);
    ok = unet_encrypt(in, NULL, NULL, fuzz_rng(), p, &job, &pixels, net->ctx,
                      net->sk, NULL) == CKKS_OK
         && unet_evaluate(in, NULL, in, NULL, &part, p, w, net->ctx,
                          net->keys, NULL) == CKKS_OK;
    fuzz_must(ok, "a part of the results of network %u", i);
    seed_file(t, i, FUZZ_OTHER);
    (void)unlink(in);
    nn_weights_clear(&w);
    unet_job_clear(&job);
    fuzz_free(pixel);
}

static void seeds_vct(const fuzz_target *t)
{
    static const uint8_t small[] = { 0, 2, 3, 6 };

    for (size_t i = 0; i < sizeof small; i++)
        seed_net(t, small[i]);
}

const fuzz_target fuzz_vct = {
    "vct", sizeof(unet_reader *), mend_vct, load_vct, NULL, NULL, use_vct,
    clear_vct, misuse_vct, seeds_vct
};
