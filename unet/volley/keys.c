/* keys.c -- key files, and files that are none: what they are is said by their
 * first bytes, before a key of another plan is refused for its size.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "volley.h"

/* The head of an object of libckks: "VLLY", version, kind, ..., at 24 what
 * names its parameters (ckks.h). */
enum { KEYS_HEAD = 40, KEYS_CONTEXT = 24 };

static const char *const keys_kind[] = {
    "an object of no known kind", "parameters", "a plaintext", "a ciphertext",
    "a secret key", "a public key", "evaluation keys"
};

/* What a file that is no object is. */
static const char *keys_other(const uint8_t *head, size_t size)
{
    switch (volley_sniff(head, size)) {
    case VOLLEY_MODEL: return "a model";
    case VOLLEY_PLAN: return "a plan, or JSON";
    case VOLLEY_VCT: return "a file of ciphertexts";
    default: return "no key file";
    }
}

/* What it is, against what is wanted. */
static int keys_check(const char *path, int kind, const ckks_ctx *ctx,
                      const char *way)
{
    uint8_t head[UNI_HEAD], context[UNET_ID];
    const size_t size = uni_file_head(head, sizeof head, path);
    int is;

    if (size == 0)                      /* whoever reads it says why         */
        return VOLLEY_DONE;
    if (volley_sniff(head, size) != VOLLEY_OBJECT || size < KEYS_HEAD)
        return volley_fail("%s is %s, want %s: %s", path,
                           keys_other(head, size), keys_kind[kind], way);
    is = head[5] <= VOLLEY_KEYS ? head[5] : 0;
    if (is != kind)
        return volley_fail("%s holds %s, want %s: %s", path, keys_kind[is],
                           keys_kind[kind], way);
    ckks_ctx_fingerprint(context, ctx);
    if (memcmp(context, head + KEYS_CONTEXT, sizeof context) != 0)
        return volley_fail("%s: these keys are of another plan (their "
                           "parameters differ): take the keys that were made "
                           "for this one, or the plan they were made for",
                           path);
    return VOLLEY_DONE;
}

int volley_load_secret(ckks_sk **out, const volley_source *s, const char *path)
{
    uint8_t *data = NULL;
    size_t size;
    size_t most = 4096 + ((size_t)CKKS_MAX_PRIMES + CKKS_MAX_SPECIAL) * 16
                         * s->plan.layout.slots;
    int code = keys_check(path, VOLLEY_SK, s->ctx,
                          "--key takes secret.key, or the folder it lies in");

    if (code == VOLLEY_DONE)
        code = volley_read(&data, &size, path, most);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_check_ckks(ckks_sk_load(out, s->ctx, data, size), path);
    ckks_file_free(data, size);
    return code;
}

/* No key file of this plan is larger: 16 bytes a word pair, two polynomials a
 * digit, and no seeds. */
static size_t keys_most_bytes(const nn_plan *p)
{
    size_t words = 0;

    for (size_t i = 0; i < p->num_keys; i++)
        words += (size_t)p->params.dnum
                 * (size_t)(p->key[i].level + 1 + p->params.num_special);
    return ((size_t)1 << 20) + words * 2 * p->layout.slots * 16;
}

static ckks_status key_file_read(void *user, uint64_t at, void *out,
                                 size_t size)
{
    const volley_key_file *file = user;
    uint8_t *to = out;

    while (size > 0) {
        const ssize_t n = pread(file->fd, to, size, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return CKKS_EIO;
        to += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return CKKS_OK;
}

void volley_key_file_close(volley_key_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}

/* Opens it; a pipe is not waited for. */
static int key_file_open(volley_key_file *file, size_t *size, const char *path,
                         size_t most)
{
    struct stat st;

    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &st) != 0)
        return volley_fail("reading %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return volley_fail("%s is not a regular file", path);
    if (st.st_size < 0 || (uint64_t)st.st_size > most)
        return volley_fail("%s has %lld bytes, more than the %zu that keys of "
                           "this plan may have", path, (long long)st.st_size,
                           most);
    *size = (size_t)st.st_size;
    return VOLLEY_DONE;
}

/* The file as a whole: its keys, unless out is NULL, and what names it, unless
 * digest is. */
static int key_file_whole(ckks_keys **out, uint8_t *digest, size_t *size,
                          const volley_source *s, const char *path,
                          size_t most)
{
    uint8_t *data = NULL;
    int code = volley_read(&data, size, path, most);

    if (code != VOLLEY_DONE)
        return code;
    if (out != NULL)
        code = volley_check_ckks(ckks_keys_load(out, s->ctx, data, *size),
                                 path);
    if (digest != NULL)
        ckks_blake2b(digest, UNET_ID, data, *size, NULL, 0);
    ckks_file_free(data, *size);
    return code;
}

int volley_load_keys(ckks_keys **out, volley_key_file *file, uint64_t *bytes,
                     uint8_t *digest, const volley_source *s, const char *path)
{
    const bool stay = !s->plan.keys_by_stage;
    const size_t most = keys_most_bytes(&s->plan);
    size_t size = 0;
    int code = keys_check(path, VOLLEY_KEYS, s->ctx, "--keys takes eval.keys");

    if (code == VOLLEY_DONE && (stay || digest != NULL))
        code = key_file_whole(stay ? out : NULL, digest, &size, s, path, most);
    if (code == VOLLEY_DONE && !stay)
        code = key_file_open(file, &size, path, most);
    if (code == VOLLEY_DONE && !stay) {
        const ckks_source from = { key_file_read, file, size };

        code = volley_check_ckks(ckks_keys_open(out, s->ctx, &from), path);
    }
    *bytes = size;
    if (code == VOLLEY_DONE && unet_check_keys(&s->plan, *out) != CKKS_OK)
        code = volley_fail("%s: these keys are of another plan: %s", path,
                           nn_last_error());
    return code;
}
