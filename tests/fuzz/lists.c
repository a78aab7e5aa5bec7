/* lists.c -- files of many: IDX, labels of a classifier, lists of images. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_mend.h"
#include "volley.h"

/* ---- IDX ----------------------------------------------------------------- */

/* variant: 1 through a file, there 2 of 2 x 1 pixels, 4 one image at most. */
static ckks_status load_idx(void *x, const fuzz_input *in)
{
    const uni_image_want want = { .channels = 1, .height = 2, .width = 1 };

    if (!(in->variant & 1))
        return uni_idx_decode(x, "x", in->data, in->size);
    return uni_idx_load(x, fuzz_file(in->data, in->size),
                        in->variant & 2 ? &want : NULL,
                        in->variant & 4 ? 1 : UNET_MAX_IMAGES);
}

static void clear_idx(void *x)
{
    uni_idx_clear(x);
}

static void use_idx(void *x, const fuzz_input *in)
{
    const uni_idx *idx = x;
    const size_t n = (size_t)idx->channels * (size_t)idx->height
                     * (size_t)idx->width;
    double *pixel = fuzz_room(n * sizeof *pixel);

    uni_idx_image(pixel, idx, 0);
    uni_idx_image(pixel, idx, idx->count - 1);
    fuzz_must(pixel[n - 1] == idx->data[idx->count * n - 1]
                  && in->size > 0, "idx: the last value");
    fuzz_free(pixel);
}

static void misuse_idx(const fuzz_input *in)
{
    uni_idx idx = { 0 };

    fuzz_must(uni_idx_decode(NULL, "x", in->data, in->size) == CKKS_EARG
                  && uni_idx_decode(&idx, NULL, in->data, in->size)
                         == CKKS_EARG
                  && uni_idx_decode(&idx, "x", NULL, 1) == CKKS_EARG
                  && uni_idx_decode(&idx, "x", NULL, 0) == CKKS_EFORMAT
                  && uni_idx_load(NULL, "x", NULL, 1) == CKKS_EARG
                  && uni_idx_load(&idx, NULL, NULL, 1) == CKKS_EARG
                  && uni_idx_load(&idx, "/none", NULL, 1) == CKKS_EIO,
              "idx: misuse was taken");
    uni_idx_clear(NULL);
}

/* Bytes with their zeros. */
#define SEED(t, variant, flags, text) \
    fuzz_seed(t, variant, flags, 0, text, sizeof text - 1)

static void seeds_idx(const fuzz_target *t)
{
#define LABELS "\0\0\10\1\0\0\0\3\0\1\2"
#define GREY "\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\1abcd"
#define COLOUR "\0\0\10\4\0\0\0\1\0\0\0\1\0\0\0\2\0\0\0\3abcdef"
    static const uint8_t flags[] = { 0, FUZZ_MEND, FUZZ_SWEEP | FUZZ_MISUSE,
                                     FUZZ_OTHER | FUZZ_SWEEP,
                                     FUZZ_OTHER | FUZZ_MEND };

    for (size_t i = 0; i < sizeof flags; i++) {
        SEED(t, i % 2, flags[i], LABELS);
        SEED(t, i % 2, flags[i], GREY);
        SEED(t, i % 2, flags[i], COLOUR);
        SEED(t, 3, flags[i], GREY);
        SEED(t, 3, flags[i], COLOUR);
        SEED(t, 5, flags[i], GREY);
    }
    SEED(t, 0, 0, "\0\0\10\3\0\0\0\2\0\1\0\0\0\1\0\0");
    SEED(t, 0, 0, "\0\0\10\4\0\0\0\1\0\0\0\1\0\0\0\2\0\0\0\4abcdefgh");
    SEED(t, 0, 0, "\0\0\10\3\xff\xff\xff\xff\0\0\0\2\0\0\0\2");
    SEED(t, 0, FUZZ_OTHER, "\0\0\10\2\0\0\0\2\0\0\0\2abcd");
}

const fuzz_target fuzz_idx = {
    "idx", sizeof(uni_idx), fuzz_mend_idx, load_idx, NULL, NULL, use_idx,
    clear_idx, misuse_idx, seeds_idx
};

/* ---- labels -------------------------------------------------------------- */

enum { NAMES = 4 };
static const char *const names[NAMES] = { "dir/a.png", "b#1", "2", "c" };

typedef struct labels {
    int label[NAMES];
    bool taken;
} labels;

/* variant: low half the network with classes; 16: --first 1; 32: one image. */
static ckks_status load_labels(void *x, const fuzz_input *in)
{
    static const uint8_t classifier[] = { 2, 3, 6 };
    const nn_plan *p =
        &fuzz_net_at(classifier[in->variant % 16 % 3])->plan;
    volley_args a = { 0 };
    volley_answers answers = { .plan = p, .images = NAMES,
                               .name = (char **)(uintptr_t)names };
    labels *l = x, got = { .taken = true };

    a.value[OPT_LABELS] = fuzz_file(in->data, in->size);
    a.value[OPT_FIRST] = in->variant & 16 ? "1" : NULL;
    if (in->variant & 32)
        answers.images = 1;
    if (volley_labels(got.label, &answers, &a) != VOLLEY_DONE)
        return CKKS_EFORMAT;
    for (size_t i = 0; i < answers.images; i++)
        fuzz_must(got.label[i] >= 0 && got.label[i] < p->num_classes,
                  "labels: %d of %d classes", got.label[i], p->num_classes);
    *l = got;
    return CKKS_OK;
}

static void clear_labels(void *x)
{
    memset(x, 0, sizeof(labels));
}

/* How good answers are beside them. */
static void use_labels(void *x, const fuzz_input *in)
{
    const nn_plan *p = &fuzz_net_at(3)->plan;
    static const double logit[NAMES][8] = { { 1, 2 }, { 2, 1 }, { 0 }, { 3 } };
    const double *all[NAMES] = { logit[0], logit[1], logit[2], logit[3] };
    labels *l = x;
    uni_quality q;

    for (int i = 0; i < NAMES; i++)
        l->label[i] %= 2;
    if (uni_quality_init(&q, p, all, l->label, NAMES) == CKKS_OK)
        fuzz_must(q.right <= NAMES && in->size > 0, "labels: %zu right",
                  q.right);
}

static void seeds_labels(const fuzz_target *t)
{
    static const char *const text[] = {
        "image,label\na,0\nb#1,1\n2,1\nc,0\n",
        "\xef\xbb\277dir/a.png,0,x\r\n\"b#1\",\"1\"\r\n2,1\r\n\r\nc,1",
        "a,0\na,1\n", "a,7\nb,9\n", "\"a\"\"b\",0\n,\n\n", "0,0\n1,1\n2,0\n3,1",
        "a,0\n", "x", "\"", ",,,,"
    };

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        for (uint8_t v = 0; v < 2; v++)
            fuzz_seed(t, v, i < 2 ? FUZZ_SWEEP : 0, 0, text[i],
                      strlen(text[i]));
    SEED(t, 0, FUZZ_SWEEP, "\0\0\10\1\0\0\0\4\0\1\2\0");
    SEED(t, 1, 0, "\0\0\10\1\0\0\0\4\0\1\2\0");
    SEED(t, 16, FUZZ_OTHER, "\0\0\10\1\0\0\0\5\0\1\2\0\1");
    SEED(t, 32, 0, "\0\0\10\1\0\0\0\1\0");
    SEED(t, 0, 0, GREY);
}

static void mend_labels(fuzz_input *in)
{
    if (in->flags & FUZZ_OTHER)
        fuzz_gzip(in);
}

const fuzz_target fuzz_labels = {
    "labels", sizeof(labels), mend_labels, load_labels, NULL, NULL, use_labels,
    clear_labels, NULL, seeds_labels
};

/* ---- lists of images ----------------------------------------------------- */

/* As many images as may be, %/m.idx, and a gzipped file, %/h.gz. */
static void make_many(void)
{
    const size_t n = UNET_MAX_IMAGES;
    uint8_t *file = fuzz_room(16 + n);
    fuzz_input zip = { .data = fuzz_room(0) };

    memcpy(file, "\0\0\10\3\0\1\0\0\0\0\0\1\0\0\0\1", 16);
    fuzz_replace(&zip, GREY, sizeof GREY - 1);
    fuzz_gzip(&zip);
    fuzz_must(ckks_file_write(fuzz_place("h.gz"), zip.data, zip.size, 0600)
                  == CKKS_OK, "images for lists");
    fuzz_free(zip.data);
    fuzz_must(ckks_file_write(fuzz_place("m.idx"), file, 16 + n, 0600)
                  == CKKS_OK, "images for lists");
    fuzz_free(file);
}

/* Images that a list can name: %/a.pgm, %/b.idx, %/c.png, %/d.txt, %/g.gz,
 * %/l.idx, labels; %/e and %/f, empty folders. */
static void make_images(void)
{
    static bool made;
    double pixel[12] = { 0, 50, 100, 255 };
    uni_image m = { 1, 2, 2, pixel, 0, 0 }, c = { 3, 2, 2, pixel, 0, 0 };

    if (made)
        return;
    made = true;
    (void)mkdir(fuzz_place("e"), 0700);
    (void)mkdir(fuzz_place("f"), 0700);
    fuzz_must(uni_image_save_grey(fuzz_place("a.pgm"), &m) == CKKS_OK
                  && uni_image_save_colour(fuzz_place("c.png"), &c) == CKKS_OK
                  && ckks_file_write(fuzz_place("b.idx"),
                                     (const uint8_t *)GREY, sizeof GREY - 1,
                                     0600) == CKKS_OK
                  && ckks_file_write(fuzz_place("l.idx"),
                                     (const uint8_t *)LABELS,
                                     sizeof LABELS - 1, 0600) == CKKS_OK
                  && ckks_file_write(fuzz_place("d.txt"),
                                     (const uint8_t *)"x", 1, 0600)
                         == CKKS_OK
                  && ckks_file_write(fuzz_place("g.gz"),
                                     (const uint8_t *)"\x1f\x8bx", 3, 0600)
                         == CKKS_OK, "images for lists");
    make_many();
}

/* % becomes the folder. */
static void mend_lists(fuzz_input *in)
{
    const char *folder = fuzz_folder();
    const size_t k = strlen(folder);
    uint8_t *out = fuzz_room(in->size * k + 1);
    size_t n = 0;

    make_images();
    for (size_t i = 0; i < in->size && n < FUZZ_LARGEST; i++) {
        if (in->data[i] != '%') {
            out[n++] = in->data[i];
            continue;
        }
        memcpy(out + n, folder, k);
        n += k;
    }
    fuzz_replace(in, out, n);
    fuzz_free(out);
}

/* variant: 1 any size, 2 fit, 4 colour, 8 the second image only, 16 no list
 * but its bytes as an argument, 32 the sizes of two images that are known. */
static ckks_status load_lists(void *x, const fuzz_input *in)
{
    static const unet_size known[] = { { 2, 2 }, { 2, 1 } };
    const uni_album_aim aim = {
        .channels = in->variant & 4 ? 3 : 1,
        .height = in->variant & 1 ? 0 : 2,
        .width = in->variant & 1 ? 0 : in->variant & 2 ? 1 : 2,
        .fit = in->variant & 2,
        .size = known, .sizes = in->variant & 32 ? 2 : 0,
        .first = in->variant & 8 ? 1 : 0,
        .count = in->variant & 8 ? 1 : SIZE_MAX
    };
    char path[96], *text = fuzz_room(in->size + 1);
    const char *arg[] = { path };
    ckks_status s;

    memcpy(text, in->data, in->size);
    strcpy(path, "@");
    strcat(path, fuzz_file(in->data, in->size));
    if (in->variant & 16)
        arg[0] = text;
    s = uni_album_open(x, arg, 1, &aim);
    fuzz_free(text);
    return s;
}

static void clear_lists(void *x)
{
    uni_album_clear(x);
}

static void use_lists(void *x, const fuzz_input *in)
{
    uni_album *album = x;
    unet_pixels pixels = uni_album_pixels(album);
    uni_image image = { 0 };
    const double *pixel;

    for (size_t i = 0; i < album->images && i < 4; i++) {
        char *name = uni_album_name(album, i);

        free(name);
        (void)!uni_album_image(&image, album, i);
        (void)!pixels.get(&pixel, pixels.user, i);
    }
    fuzz_must(uni_album_image(&image, album, album->images) == CKKS_EARG
                  && in->size > 0, "lists: an image behind the last");
    uni_image_clear(&image);
}

static void misuse_lists(const fuzz_input *in)
{
    const char *none[] = { "@/none", "@" };
    uni_album album = { 0 };
    uni_names list = { 0 };
    const uni_album_aim aim = { .channels = 1 };

    fuzz_must(uni_album_open(NULL, none, 1, &aim) == CKKS_EARG
                  && uni_album_open(&album, NULL, 1, &aim) == CKKS_EARG
                  && uni_album_open(&album, none, 1, NULL) == CKKS_EARG
                  && uni_album_open(&album, none, 1, &aim) == CKKS_EIO
                  && uni_album_open(&album, none + 1, 1, &aim) == CKKS_EARG
                  && uni_names_init(NULL, none, 1) == CKKS_EARG
                  && uni_names_init(&list, NULL, 1) == CKKS_EARG
                  && in->data != NULL, "lists: misuse was taken");
    uni_album_clear(NULL);
    uni_names_clear(NULL);
}

static void seeds_lists(const fuzz_target *t)
{
    static const char *const text[] = {
        "%/a.pgm\n", "%/a.pgm\r\n\r\n%/b.idx\n", "%/b.idx", "%/c.png", "%/e",
        "%/f", "%", "@%/a.pgm", "%/d.txt", "%/l.idx", "\n\n", "%/none.pgm",
        "%/b.idx\n%/b.idx\n%/a.pgm", "%/g.gz"
    };

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        for (uint8_t v = 0; v < 32; v = v < 2 ? v + 1 : 2 * v)
            fuzz_seed(t, v, v == 0 ? FUZZ_SWEEP | FUZZ_MISUSE : 0, 0, text[i],
                      strlen(text[i]));
    SEED(t, 0, 0, "%/a.pgm\0x\n");
    SEED(t, 1, 0, "%/m.idx\n%/a.pgm");
    SEED(t, 0, 0, "%/h.gz");
    SEED(t, 32, 0, "%/a.pgm\n%/b.idx");
    SEED(t, 33, 0, "%/b.idx");
}

const fuzz_target fuzz_lists = {
    "lists", sizeof(uni_album), mend_lists, load_lists, NULL, NULL, use_lists,
    clear_lists, misuse_lists, seeds_lists
};
