/* encrypt.c -- keygen and encrypt: the owner of the images. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "volley.h"

/* ---- keygen ------------------------------------------------------------- */

static int keygen_save_secret(const ckks_sk *sk, const char *path)
{
    size_t size = ckks_sk_size(sk);
    uint8_t *data = malloc(size);
    int code;

    if (data == NULL)
        return volley_fail("no memory for %zu bytes", size);
    code = volley_check_ckks(ckks_sk_save(data, size, sk), path);
    if (code == VOLLEY_DONE)
        code = volley_write(path, data, size, 0600);
    for (volatile uint8_t *b = data; b < data + size; b++)
        *b = 0;
    free(data);
    return code;
}

/* A buffer that only grows. */
typedef struct keygen_room {
    uint8_t *data;
    size_t size;
} keygen_room;

static int keygen_need(keygen_room *room, size_t size)
{
    uint8_t *more = size <= room->size ? room->data
                                       : realloc(room->data, size);

    if (more == NULL)
        return volley_fail("no memory for %zu bytes", size);
    room->data = more;
    room->size = size > room->size ? size : room->size;
    return VOLLEY_DONE;
}

/* One key after the other into a file that is open.  The head is known last: it
 * takes the place that is left for it. */
static int keygen_make_keys(ckks_file *f, ckks_keys_maker *keys,
                            keygen_room *room, const char *path)
{
    const size_t head = ckks_keys_maker_head_size(keys);
    size_t next;
    int code = keygen_need(room, head);

    if (code != VOLLEY_DONE)
        return code;
    memset(room->data, 0, head);
    code = volley_check_ckks(ckks_file_put(f, room->data, head), NULL);
    while (code == VOLLEY_DONE
           && (next = ckks_keys_maker_next_size(keys)) > 0) {
        code = keygen_need(room, next);
        if (code == VOLLEY_DONE)
            code = volley_check_ckks(ckks_keys_maker_next(room->data, next,
                                                          keys), path);
        if (code == VOLLEY_DONE)
            code = volley_check_ckks(ckks_file_put(f, room->data, next), NULL);
    }
    if (code == VOLLEY_DONE)
        code = volley_check_ckks(ckks_keys_maker_head(room->data, head, keys),
                                 path);
    if (code == VOLLEY_DONE)
        code = volley_check_ckks(ckks_file_put_at(f, 0, room->data, head),
                                 NULL);
    return code;
}

static int keygen_save_keys(ckks_keys_maker *keys, const char *path,
                            uint64_t *bytes)
{
    keygen_room room = {0};
    ckks_file *f = NULL;
    int code = volley_check_ckks(ckks_file_open(&f, path, 0644), NULL);

    if (code == VOLLEY_DONE)
        code = keygen_make_keys(f, keys, &room, path);
    if (code == VOLLEY_DONE)
        code = volley_check_ckks(ckks_file_finish(&f), NULL);
    ckks_file_clear(&f);
    free(room.data);
    *bytes = ckks_keys_maker_size(keys);
    return code;
}

int volley_keygen(volley_source *s, const char *folder, bool trust_server,
                  uint64_t *key_bytes)
{
    volley_owner owner;
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_keys_maker *keys = NULL;
    int code = volley_owner_paths(&owner, folder);

    if (code != VOLLEY_DONE)
        return code;
    owner.trust_server = trust_server;
    code = volley_source_context(s, NULL);
    if (code == VOLLEY_DONE)
        code = volley_folder(folder);
    if (code == VOLLEY_DONE)
        code = volley_check_ckks(ckks_rng_init(&rng, NULL), NULL);
    if (code == VOLLEY_DONE)
        code = volley_check(unet_keygen_maker(&sk, &keys, &rng, s->ctx,
                                              &s->plan));
    if (code == VOLLEY_DONE)
        code = keygen_save_keys(keys, owner.eval, key_bytes);
    if (code == VOLLEY_DONE)
        code = volley_owner_save(&owner, &s->plan);
    if (code == VOLLEY_DONE)
        code = keygen_save_secret(sk, owner.secret);
    ckks_keys_maker_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&s->ctx);
    volley_owner_clear(&owner);
    return code;
}

/* A secret key that is there may be the only way to results not yet read. */
static int keygen_check_absent(const char *folder)
{
    char *path = volley_join(folder, "secret.key");
    struct stat st;
    int code = VOLLEY_DONE;

    if (path == NULL)
        return volley_fail("no memory");
    if (stat(path, &st) == 0)
        code = volley_fail("%s is there already; --force replaces it", path);
    free(path);
    return code;
}

/* Number i of `count` key folders: DIR itself, or DIR/001, ...; malloc. */
static char *keygen_key_folder(const char *folder, int i, int count)
{
    char name[16];

    snprintf(name, sizeof name, "%03d", i + 1);
    return count == 1 ? volley_join(folder, "") : volley_join(folder, name);
}

/* All folders, or none is begun whose secret key is there already. */
static int keygen_all(volley_source *s, const volley_args *a, int count,
                             uint64_t *bytes)
{
    int code = VOLLEY_DONE;

    for (int round = a->value[OPT_FORCE] != NULL; round < 2; round++) {
        if (round == 1 && code == VOLLEY_DONE)
            volley_state(s, a, UNET_KEYGEN, (size_t)count);
        for (int i = 0; i < count && code == VOLLEY_DONE; i++) {
            char *folder = keygen_key_folder(a->value[OPT_OUT], i, count);

            code = folder == NULL ? volley_fail("no memory for a name")
                   : round == 0   ? keygen_check_absent(folder)
                                  : volley_keygen(s, folder,
                                                  a->value[OPT_TRUST] != NULL,
                                                  bytes);
            free(folder);
        }
    }
    return code;
}

static int keygen_tell(const volley_source *s, const volley_args *a,
                              int count, uint64_t bytes, double seconds)
{
    char text[32], time[32];
    nni_json_writer w;

    if (a->value[OPT_JSON] == NULL) {
        printf("%s: ", a->value[OPT_OUT]);
        if (count > 1)
            printf("%d folders of ", count);
        printf("secret.key (keep it), eval.keys (%zu keys, %s, for the "
               "server), owner.json, %s\n", s->plan.num_keys,
               volley_bytes(text, (double)bytes), volley_time(time, seconds));
        return VOLLEY_DONE;
    }
    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_int(&w, "folders", count);
    nni_json_put_word(&w, "keys", s->plan.num_keys);
    nni_json_put_word(&w, "evaluation_key_bytes", bytes);
    volley_put_cost(&w, s, UNET_KEYGEN);
    nni_json_put_bool(&w, "trust_server", a->value[OPT_TRUST] != NULL);
    nni_json_put_double(&w, "seconds", seconds);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

int volley_run_keygen(const volley_args *a)
{
    const double start = volley_clock();
    volley_source s;
    nn_aim aim = {0};
    uint64_t bytes = 0;
    int count, code = volley_goal(&aim, a);

    if (code == VOLLEY_DONE)
        code = volley_int(&count, a, OPT_FOLDERS, 1, 999, 1);
    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], false, NULL, &aim);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_accept(&s, a, UNET_KEYGEN);
    if (code == VOLLEY_DONE)
        code = keygen_all(&s, a, count, &bytes);
    if (code == VOLLEY_DONE)
        code = keygen_tell(&s, a, count, bytes,
                                  volley_clock() - start);
    volley_source_clear(&s);
    return code;
}

/* ---- encrypt ------------------------------------------------------------ */

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
