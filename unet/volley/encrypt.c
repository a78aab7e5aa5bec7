/* encrypt.c -- images of their owner, packed and encrypted. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

/* Images on their way into the packing, each named when it passes first. */
typedef struct encrypt_named {
    unet_pixels from;
    const unet_size *size;
    int channels;
    uni_record *record;
    size_t next;                /* those before are named                    */
} encrypt_named;

static ckks_status encrypt_get(const double **out, void *user, size_t image)
{
    encrypt_named *n = user;
    ckks_status s = n->from.get(out, n->from.user, image);

    if (s != CKKS_OK || image < n->next)
        return s;
    n->next = image + 1;
    return uni_record_pixels(n->record->image[image].pixels, *out,
                             n->channels, n->size[image]);
}

int volley_encrypt(volley_source *s, const volley_owner *owner,
                   const volley_input *images, uni_record *record,
                   const char *out, uint64_t *bytes)
{
    encrypt_named named = { images->pixels, images->size, s->plan.channels,
                            record, 0 };
    const unet_pixels pixels = record == NULL ? images->pixels
                               : (unet_pixels){ encrypt_get, &named };
    volley_progress progress;
    unet_job job = {0};
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_status status;
    int code = volley_check(unet_job_init(&job, &s->plan, images->size,
                                          images->count));

    if (code == VOLLEY_DONE)
        code = volley_source_context(s, NULL);
    if (code == VOLLEY_DONE)
        code = volley_load_secret(&sk, s, owner->secret);
    if (code == VOLLEY_DONE)
        code = volley_folder(owner->requests);
    if (code == VOLLEY_DONE)
        code = volley_check_ckks(ckks_rng_init(&rng, NULL), NULL);
    if (code == VOLLEY_DONE) {
        volley_progress_init(&progress, "encrypt");
        if (record != NULL)
            volley_progress_keep(&progress, record, owner->requests);
        status = unet_encrypt(out, bytes, owner->requests, &rng, &s->plan, &job,
                              &pixels, s->ctx, sk, &progress.hooks);
        volley_progress_end(&progress);
        code = volley_check(status);
    }
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&s->ctx);
    unet_job_clear(&job);
    return code;
}

int volley_encrypt_ready(uni_record *record, const volley_source *s,
                         const volley_args *a, const uni_album *album)
{
    unet_job job = {0};
    int code = volley_record(record, album);

    record->asked = s->asked;
    record->rule = s->images.values;
    record->low = s->images.low;
    record->high = s->images.high;
    if (code == VOLLEY_DONE)
        code = volley_check(unet_job_init(&job, &s->plan, album->size,
                                          album->images));
    if (code == VOLLEY_DONE) {
        volley_state_images(s, a, album);
        volley_state_work(s, a, &job);
        volley_state(s, a, UNET_ENCRYPT, 1);
    }
    unet_job_clear(&job);
    return code;
}

static int encrypt_tell(const volley_args *a, const volley_source *s,
                        size_t images, uint64_t bytes, double seconds)
{
    char text[32], time[32];
    nni_json_writer w;

    if (a->value[OPT_JSON] == NULL) {
        printf("%s: %zu image%s, %s, %s\n", a->value[OPT_OUT], images,
               images == 1 ? "" : "s", volley_bytes(text, (double)bytes),
               volley_time(time, seconds));
        return VOLLEY_DONE;
    }
    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_word(&w, "images", images);
    nni_json_put_word(&w, "upload_bytes", bytes);
    volley_put_cost(&w, s, UNET_ENCRYPT);
    nni_json_put_double(&w, "seconds", seconds);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

int volley_run_encrypt(const volley_args *a)
{
    const double start = volley_clock();
    uni_album album = {0};
    volley_input images = {0};
    volley_owner owner = {0};
    uni_record record = {0};
    volley_source s;
    nn_aim aim = {0};
    uint64_t bytes = 0;
    int code = volley_goal(&aim, a);

    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], false, NULL, &aim);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_accept(&s, a, UNET_ENCRYPT);
    if (code == VOLLEY_DONE)
        code = volley_owner_open(&owner, a->value[OPT_KEY], &s.plan);
    if (code == VOLLEY_DONE)
        code = volley_values(&s, a);
    if (code == VOLLEY_DONE)
        code = volley_album(&album, a, &s, a->word + 1, a->words - 1);
    if (code == VOLLEY_DONE)
        code = volley_encrypt_ready(&record, &s, a, &album);
    if (code == VOLLEY_DONE) {
        images = volley_album_input(&album);
        code = volley_encrypt(&s, &owner, &images, &record, a->value[OPT_OUT],
                              &bytes);
    }
    if (code == VOLLEY_DONE)
        code = encrypt_tell(a, &s, images.count, bytes,
                            volley_clock() - start);
    uni_record_clear(&record);
    uni_album_clear(&album);
    volley_owner_clear(&owner);
    volley_source_clear(&s);
    return code;
}
