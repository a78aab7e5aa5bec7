/* client.c -- keygen and encrypt: the owner of the images. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "volley.h"

/* ---- keygen ------------------------------------------------------------- */

static int client_save_secret(const ckks_sk *sk, const char *path)
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

static int client_save_keys(const ckks_keys *keys, const char *path,
                            uint64_t *bytes)
{
    size_t size = ckks_keys_size(keys);
    uint8_t *data = malloc(size);
    int code;

    if (data == NULL)
        return volley_fail("no memory for %zu bytes", size);
    code = volley_check_ckks(ckks_keys_save(data, size, keys), path);
    if (code == VOLLEY_DONE)
        code = volley_write(path, data, size, 0644);
    free(data);
    *bytes = size;
    return code;
}

int volley_keygen(volley_source *s, const char *folder, uint64_t *key_bytes)
{
    char *secret = volley_join(folder, "secret.key");
    char *eval = volley_join(folder, "eval.keys");
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    int code = secret != NULL && eval != NULL ? VOLLEY_DONE
                                              : volley_fail("no memory");

    if (code == VOLLEY_DONE)
        code = volley_source_context(s, NULL);
    if (code == VOLLEY_DONE)
        code = volley_folder(folder);
    if (code == VOLLEY_DONE)
        code = volley_check_ckks(ckks_rng_init(&rng, NULL), NULL);
    if (code == VOLLEY_DONE)
        code = volley_check(unet_keygen(&sk, &keys, &rng, s->ctx, &s->plan));
    if (code == VOLLEY_DONE)
        code = client_save_keys(keys, eval, key_bytes);
    if (code == VOLLEY_DONE)
        code = client_save_secret(sk, secret);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&s->ctx);
    free(secret);
    free(eval);
    return code;
}

/* A secret key that is there may be the only way to results not yet read. */
static int client_check_absent(const char *folder)
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

int volley_run_keygen(const volley_args *a)
{
    const double start = volley_clock();
    const char *folder = a->value[OPT_OUT];
    char text[32], time[32];
    volley_source s;
    nn_aim aim = {0};
    uint64_t bytes = 0;
    int code = volley_goal(&aim, a);

    if (code == VOLLEY_DONE && a->value[OPT_FORCE] == NULL)
        code = client_check_absent(folder);
    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], false, NULL, &aim);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_keygen(&s, folder, &bytes);
    if (code == VOLLEY_DONE && a->value[OPT_JSON] != NULL) {
        nni_json_writer w;

        nni_json_writer_init(&w, stdout, 2);
        nni_json_put_object(&w, NULL);
        nni_json_put_word(&w, "keys", s.plan.num_keys);
        nni_json_put_word(&w, "evaluation_key_bytes", bytes);
        nni_json_put_double(&w, "seconds", volley_clock() - start);
        nni_json_put_end(&w);
        code = volley_json_end(&w);
    } else if (code == VOLLEY_DONE) {
        printf("%s: secret.key (keep it), eval.keys (%zu keys, %s, for the "
               "server), %s\n", folder, s.plan.num_keys,
               volley_bytes(text, (double)bytes),
               volley_time(time, volley_clock() - start));
    }
    volley_source_clear(&s);
    return code;
}

int volley_load_secret(ckks_sk **out, const volley_source *s, const char *path)
{
    uint8_t *data = NULL;
    size_t size;
    size_t most = 4096 + ((size_t)CKKS_MAX_PRIMES + CKKS_MAX_SPECIAL) * 16
                         * s->plan.layout.slots;
    int code = volley_read(&data, &size, path, most);

    if (code != VOLLEY_DONE)
        return code;
    code = volley_check_ckks(ckks_sk_load(out, s->ctx, data, size), path);
    ckks_file_free(data, size);
    return code;
}

/* ---- encrypt ------------------------------------------------------------ */

int volley_encrypt(volley_source *s, const char *key_path,
                   const volley_input *images, const char *out,
                   uint64_t *bytes)
{
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
        code = volley_load_secret(&sk, s, key_path);
    if (code == VOLLEY_DONE)
        code = volley_check_ckks(ckks_rng_init(&rng, NULL), NULL);
    if (code == VOLLEY_DONE) {
        volley_progress_init(&progress, "encrypt");
        status = unet_encrypt(out, bytes, &rng, &s->plan, &job, &images->pixels,
                              s->ctx, sk, &progress.hooks);
        volley_progress_end(&progress);
        code = volley_check(status);
    }
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&s->ctx);
    unet_job_clear(&job);
    return code;
}

int volley_run_encrypt(const volley_args *a)
{
    const double start = volley_clock();
    uni_album album = {0};
    volley_input images = {0};
    volley_source s;
    nn_aim aim = {0};
    uint64_t bytes = 0;
    char text[32], time[32];
    int code = volley_goal(&aim, a);

    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], false, NULL, &aim);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_album(&album, a, &s.plan, a->word + 1, a->words - 1);
    if (code == VOLLEY_DONE) {
        images = volley_album_input(&album);
        code = volley_encrypt(&s, a->value[OPT_KEY], &images,
                              a->value[OPT_OUT], &bytes);
    }
    if (code == VOLLEY_DONE && a->value[OPT_JSON] != NULL) {
        nni_json_writer w;

        nni_json_writer_init(&w, stdout, 2);
        nni_json_put_object(&w, NULL);
        nni_json_put_word(&w, "images", images.count);
        nni_json_put_word(&w, "upload_bytes", bytes);
        nni_json_put_double(&w, "seconds", volley_clock() - start);
        nni_json_put_end(&w);
        code = volley_json_end(&w);
    } else if (code == VOLLEY_DONE) {
        printf("%s: %zu image%s, %s, %s\n", a->value[OPT_OUT], images.count,
               images.count == 1 ? "" : "s",
               volley_bytes(text, (double)bytes),
               volley_time(time, volley_clock() - start));
    }
    uni_album_clear(&album);
    volley_source_clear(&s);
    return code;
}
