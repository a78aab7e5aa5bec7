/* keygen.c -- keys of the owner of the images: a key folder for a plan. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "volley.h"

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

/* Bytes that are free where the folder is or will be; false: who knows. */
static bool keygen_free(double *out, const char *folder)
{
    char *place = volley_join(folder, ""), *end;
    struct statvfs disk;
    bool known;

    if (place == NULL)
        return false;
    while (!(known = statvfs(place, &disk) == 0)
           && (end = strrchr(place, '/')) != NULL)
        end[end == place && end[1] != '\0'] = '\0';
    known = known || (folder[0] != '/' && statvfs(".", &disk) == 0);
    free(place);
    *out = known ? (double)disk.f_bavail * (double)disk.f_frsize : 0;
    return known;
}

/* What the plan asks for must have room where the keys go, before anything is
 * made; where that cannot be told, writing tells it. */
static int keygen_check_disk(const volley_source *s, const char *folder)
{
    char need[32], have[32];
    double most;

    if (!keygen_free(&most, folder) || (double)s->cost.keys <= most)
        return VOLLEY_DONE;
    return volley_fail("%s asks keygen for up to %s of keys, and %s are free "
                       "for %s: take a plan with fewer keys, or another place",
                       s->path, volley_bytes(need, (double)s->cost.keys),
                       volley_bytes(have, most), folder);
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
    code = keygen_check_disk(s, folder);
    if (code == VOLLEY_DONE)
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
