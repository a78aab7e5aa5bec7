/* test_partial.c -- sets of a result that is not yet whole: what was cut,
 * damaged, or is of something else. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net_support.h"
#include "partial.h"
#include "unet_support.h"

enum { SETS = 3, CTS = 4, SLOTS = 128 };

static const uint8_t mark[UNET_ID] = "what it is from.";

/* Three sets of four ciphertexts, N = 256, and their bytes. */
typedef struct sets {
    nn_plan p;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_ct ct[SETS][CTS];
    test_folder folder;
    char path[96];                      /* of the partial file               */
    uint8_t *whole;                     /* such a file                       */
    size_t size, end[SETS + 1];         /* of its records                    */
} sets;

static bool put_all(sets *x)
{
    uni_partial *w = NULL;
    bool other = true;
    bool ok = NN_OK(uni_partial_open(&w, &other, x->folder.path, mark, &x->p,
                                     x->ctx))
              && CHECK(!other && uni_partial_sets(w) == 0, "%zu sets",
                       uni_partial_sets(w));

    x->end[0] = 24;
    for (int i = 0; i < SETS && ok; i++) {
        ok = NN_OK(uni_partial_put(w, x->ct[i]));
        x->end[i + 1] = x->end[i] + 24;
        for (int k = 0; k < CTS; k++)
            x->end[i + 1] += 8 + ckks_ct_size(&x->ct[i][k]);
    }
    if (ok)
        uni_partial_close(&w, false);
    x->whole = ok ? bytes_read(x->path, &x->size) : NULL;
    return ok && CHECK(x->size == x->end[SETS], "%zu bytes, want %zu",
                       x->size, x->end[SETS]);
}

static bool sets_open(sets *x)
{
    double slots[SLOTS] = {0};
    ckks_pt pt = {0};
    bool ok;

    memset(x, 0, sizeof *x);
    plan_identity(&x->p, NN_ZERO, 8, 2, 4, 4, 0, 0);
    ok = folder_open(&x->folder)
         && NN_OK(nn_plan_context(&x->ctx, &x->p, NULL))
         && CHECK_OK(ckks_rng_init(&x->rng, (const uint8_t *)
                                   "0123456789abcdef0123456789abcdef"))
         && CHECK_OK(ckks_sk_init(&x->sk, x->ctx, &x->rng));
    for (int i = 0; i < SETS * CTS && ok; i++) {
        slots[i] = i;
        ok = CHECK_OK(ckks_encode(&pt, x->ctx, slots, NULL, SLOTS,
                                  x->p.out_level, x->p.out_scale))
             && CHECK_OK(ckks_encrypt_sk(&x->ct[i / CTS][i % CTS], &x->rng,
                                         &pt, x->sk));
    }
    ckks_pt_clear(&pt);
    snprintf(x->path, sizeof x->path, "%s.partial", x->folder.path);
    return ok && put_all(x);
}

static void sets_close(sets *x)
{
    for (int i = 0; i < SETS * CTS; i++)
        ckks_ct_clear(&x->ct[i / CTS][i % CTS]);
    free(x->whole);
    remove(x->path);
    folder_close(&x->folder);
    ckks_sk_clear(&x->sk);
    ckks_rng_clear(&x->rng);
    ckks_ctx_clear(&x->ctx);
}

static bool same_words(const ckks_ct *a, const ckks_ct *b)
{
    const size_t n = ckks_ct_size(a);
    uint8_t *x = malloc(2 * n);
    bool same = x != NULL && ckks_ct_size(b) == n
                && ckks_ct_save(x, n, a) == CKKS_OK
                && ckks_ct_save(x + n, n, b) == CKKS_OK
                && memcmp(x, x + n, n) == 0;

    free(x);
    return same;
}

/* A file of these bytes gives the first `want` sets and no other; what follows
 * them is cut off. */
static void check_sets(sets *x, const uint8_t *data, size_t size, size_t want,
                       const char *what)
{
    uni_partial *w = NULL;
    ckks_ct ct[CTS] = {{0}};
    bool other, found = true;
    size_t n = 0, left = 0;
    uint8_t *now;

    if (!bytes_write(x->path, data, size)
        || !NN_OK(uni_partial_open(&w, &other, x->folder.path, mark, &x->p,
                                   x->ctx)))
        return;
    CHECK(!other && uni_partial_sets(w) == want, "%s: %zu sets, want %zu",
          what, uni_partial_sets(w), want);
    while (NN_OK(uni_partial_next(ct, &found, w)) && found && n < SETS) {
        for (int k = 0; k < CTS; k++) {
            CHECK(same_words(&ct[k], &x->ct[n][k]), "%s: set %zu", what, n);
            ckks_ct_clear(&ct[k]);
        }
        n++;
    }
    CHECK(n == want, "%s: %zu sets were read, want %zu", what, n, want);
    uni_partial_close(&w, false);
    if (want > 0) {
        now = bytes_read(x->path, &left);
        CHECK(left == x->end[want], "%s: %zu bytes are left", what, left);
        free(now);
    }
}

TEST(partial_cut_and_damaged)
{
    sets x;

    if (sets_open(&x)) {
        uint8_t *copy = malloc(x.size + 1);
        char what[40];

        check_sets(&x, x.whole, x.size, SETS, "whole");
        for (size_t cut = 25; cut < x.size; cut += x.size / 150) {
            size_t want = 0;

            while (x.end[want + 1] <= cut)
                want++;
            snprintf(what, sizeof what, "cut at %zu", cut);
            check_sets(&x, x.whole, cut, want, what);
        }
        for (size_t at = 24; at < x.size; at += x.size / 150) {
            size_t want = 0;

            while (x.end[want + 1] <= at)
                want++;
            memcpy(copy, x.whole, x.size);
            copy[at] ^= 4;
            snprintf(what, sizeof what, "damaged at %zu", at);
            check_sets(&x, copy, x.size, want, what);
        }
        /* sets that changed places; surplus bytes */
        memcpy(copy, x.whole, x.size);
        memcpy(copy + x.end[0], x.whole + x.end[1], x.end[2] - x.end[1]);
        check_sets(&x, copy, x.size, 0, "the second set first");
        memcpy(copy, x.whole, x.size);
        copy[x.size] = 7;
        check_sets(&x, copy, x.size + 1, SETS, "a byte behind");
        free(copy);
    }
    sets_close(&x);
}

/* Digests that fit do not make ciphertexts: one word beyond its prime. */
TEST(partial_fits_and_is_wrong)
{
    sets x;

    if (sets_open(&x)) {
        const size_t size = x.end[1] - x.end[0] - 24;
        uint8_t *copy = malloc(x.size), *set = calloc(1, 8 + size);

        memcpy(copy, x.whole, x.size);
        memset(copy + 48 + size - 64, 0xff, 40);
        memcpy(set + 8, copy + 48, size);
        ckks_blake2b(copy + 32, UNET_ID, set, 8 + size, mark, UNET_ID);
        if (bytes_write(x.path, copy, x.size)) {
            uni_partial *w = NULL;
            ckks_ct ct[CTS] = {{0}};
            bool other, found = true;

            NN_OK(uni_partial_open(&w, &other, x.folder.path, mark, &x.p,
                                   x.ctx));
            CHECK(uni_partial_sets(w) == SETS, "the digests do not fit");
            NN_OK(uni_partial_next(ct, &found, w));
            CHECK(!found && ct[0].limb == NULL, "it was taken");
            uni_partial_close(&w, true);
        }
        free(copy);
        free(set);
    }
    sets_close(&x);
}

TEST(partial_of_something_else)
{
    static const uint8_t others[UNET_ID] = "what it is from,";
    sets x;

    if (sets_open(&x)) {
        uni_partial *w = NULL;
        bool other = false;
        size_t size = 0;
        uint8_t *now;

        NN_OK(uni_partial_open(&w, &other, x.folder.path, others, &x.p,
                               x.ctx));
        CHECK(other && uni_partial_sets(w) == 0, "taken under another mark");
        uni_partial_close(&w, false);
        CHECK(access(x.path, F_OK) != 0, "an empty one was left");
        bytes_write(x.path, (const uint8_t *)"my own notes, not a result", 26);
        CHECK_STATUS(uni_partial_open(&w, &other, x.folder.path, mark, &x.p,
                                      x.ctx), CKKS_EFORMAT);
        now = bytes_read(x.path, &size);
        CHECK(size == 26, "a file of somebody else's was changed");
        free(now);
        remove(x.path);
        CHECK(symlink("nothing", x.path) == 0, "no link");
        CHECK_STATUS(uni_partial_open(&w, &other, x.folder.path, mark, &x.p,
                                      x.ctx), CKKS_EIO);
    }
    sets_close(&x);
}

/* Two evaluations of one name: the second is refused. */
TEST(partial_of_two)
{
    sets x;

    if (sets_open(&x)) {
        uni_partial *w = NULL;
        bool other;
        int status = 0;
        pid_t child;

        NN_OK(uni_partial_open(&w, &other, x.folder.path, mark, &x.p, x.ctx));
        child = fork();
        if (child == 0) {
            uni_partial *second = NULL;

            _exit(uni_partial_open(&second, &other, x.folder.path, mark, &x.p,
                                   x.ctx) == CKKS_EIO ? 0 : 1);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0,
              "status %d", status);
        uni_partial_close(&w, false);
    }
    sets_close(&x);
}
