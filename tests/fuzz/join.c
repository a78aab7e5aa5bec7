/* join.c -- parts of one result: a file with itself, and with others that are
 * it but for a number or an identity in the head. */
#include "join.h"

#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "vct.h"

enum { AT_PLAN = 8, AT_REQUEST = 24, AT_IMAGES = 40, AT_SETS = 44,
       AT_FIRST = 52, AT_COUNT = 56, MARKED = 6 };

/* A file with this word in its head, by a digest that fits; sets: 0, or of the
 * whole request; cut: no ciphertext is left. */
static void write_other(const char *path, const fuzz_input *in, size_t at,
                        uint32_t word, uint32_t sets, bool cut)
{
    const size_t head = uni_vct_head(cki_load32(in->data + AT_IMAGES),
                                     in->data[MARKED]);
    uint8_t *b = fuzz_room(in->size + UNET_ID);
    size_t size = in->size;

    memcpy(b, in->data, size);
    cki_store32(b + at, word);
    if (sets > 0)
        cki_store32(b + AT_SETS, sets);
    ckks_blake2b(b + head, VCT_DIGEST, b, head, NULL, 0);
    if (cut) {                          /* the name of no ciphertext         */
        memcpy(b + head + VCT_DIGEST, b + head - UNET_ID, UNET_ID);
        size = head + VCT_DIGEST + UNET_ID;
    }
    (void)!ckks_file_write(path, b, size, 0600);
    fuzz_free(b);
}

static void told(void *user, size_t set, size_t sets)
{
    (void)user;
    fuzz_must(set < sets, "join: set %zu of %zu", set, sets);
}

static ckks_status join_files(const char *a, const char *b)
{
    const unet_progress progress = { .set = told };
    const char *path[] = { a, b };
    unet_joined done = { 0 };

    return unet_join(fuzz_place("whole.vct"), &done, path, b == NULL ? 1 : 2,
                     &progress);
}

/* Other plans, requests and marks; the same set twice, sets in none of them. */
static void join_others(const fuzz_input *in, const char *path)
{
    const size_t mark = uni_vct_head(cki_load32(in->data + AT_IMAGES), 1)
                        - UNET_ID;
    const size_t place[] = { AT_PLAN, AT_REQUEST, mark };
    char a[128], b[128];

    strcpy(a, fuzz_place("a.vct"));
    strcpy(b, fuzz_place("b.vct"));
    for (size_t k = 0; k < sizeof place / sizeof *place; k++) {
        write_other(b, in, place[k], ~cki_load32(in->data + place[k]), 0,
                    false);
        fuzz_must(join_files(path, b) != CKKS_OK, "join: two results");
    }
    fuzz_must(join_files(path, path) != CKKS_OK, "join: a set twice");
    for (uint32_t sets = 3; sets < 20000; sets += 10004) {
        write_other(a, in, AT_FIRST, 0, sets, false);
        write_other(b, in, AT_FIRST, sets / 2 + 1, sets, false);
        fuzz_must(join_files(a, b) != CKKS_OK, "join: sets are missing");
    }
    write_other(b, in, AT_COUNT, 0, 0, true);
    (void)!join_files(path, b);
    (void)unlink(a);
    (void)unlink(b);
}

void fuzz_join(const fuzz_input *in, const char *path)
{
    fuzz_must(unet_join(NULL, NULL, &path, 1, NULL) == CKKS_EARG
                  && unet_join(fuzz_place("whole.vct"), NULL,
                               &(const char *){ NULL }, 1, NULL) == CKKS_EARG,
              "join: misuse was taken");
    (void)!join_files(path, NULL);
    if (in->data[MARKED])
        join_others(in, path);
    (void)unlink(fuzz_place("whole.vct"));
}
