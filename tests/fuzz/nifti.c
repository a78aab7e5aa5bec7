/* nifti.c -- NIfTI, as an image or a volume.  variant: low two bits, the slice,
 * or of a volume the number in its series, asked for plus one; 4: in two files,
 * the header as long as its first word says; 8: a volume; 16: through a file.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/album.h"
#include "image/codec.h"
#include "image/solid.h"
#include "image_mend.h"
#include "image_use.h"

enum { IN_TWO = 4, AS_VOLUME = 8, MOST_VALUES = 1 << 14 };

typedef struct nifti_object {
    uni_image image;
    uni_volume volume;
} nifti_object;

static ckks_status load_nifti(void *x, const fuzz_input *in)
{
    nifti_object *o = x;
    const int number = in->variant % 4 - 1;
    size_t head = in->size > 3 && (in->data[0] == 28 || in->data[3] == 28)
                  ? 540 : 348;

    head = in->size < head ? in->size : head;
    if (in->variant & IN_TWO)
        return uni_nifti_decode(&o->volume, "x", in->data, head,
                                in->data + head, in->size - head, number);
    if (!(in->variant & AS_VOLUME))
        return fuzz_image_load(&o->image, in);
    if (in->variant & FUZZ_THROUGH_FILE)
        return uni_volume_open(&o->volume, fuzz_file(in->data, in->size),
                               number);
    return uni_nifti_decode(&o->volume, "x", in->data, in->size, NULL, 0,
                            number);
}

static void clear_nifti(void *x)
{
    nifti_object *o = x;

    fuzz_image_clear(&o->image);
    uni_volume_clear(&o->volume);
}

/* What the owner keeps, read back. */
static bool kept(uni_geometry *g, uni_slicing *s, const uni_volume *v,
                 const uni_slicing *of)
{
    nni_json_writer w;
    nni_json doc = { 0 };
    ckks_status status;

    nni_json_writer_init(&w, NULL, 0);
    uni_geometry_put(&w, NULL, &v->geometry, of);
    status = nni_json_writer_finish(&w);
    if (status == CKKS_OK)
        status = nni_json_load(&doc, "x", (const uint8_t *)w.data, w.size);
    if (status == CKKS_OK)
        status = uni_geometry_get(g, s, &doc, doc.node, "x");
    nni_json_clear(&doc);
    nni_json_writer_clear(&w);
    fuzz_must(status == CKKS_OK || status == CKKS_EMEM
                  || status == CKKS_EIO, "the record: %s", nn_last_error());
    return status == CKKS_OK;
}

/* The mask of a slice, saved and opened as a volume that lies as v does. */
static void use_mask(const uni_volume *v, const uni_slicing *s,
                     const uni_image *image, int k)
{
    const size_t n = (size_t)s->height * (size_t)s->width;
    const char *path = fuzz_place("mask.nii.gz");
    uint8_t *label = fuzz_room(n);
    uni_mask m = { 0 };
    uni_volume back = { 0 };
    uni_geometry g;
    uni_slicing of;
    ckks_status status;

    for (size_t i = 0; i < n; i++)
        label[i] = image->pixel[i] > 100;
    status = kept(&g, &of, v, s) ? uni_mask_init(&m, &g, &of) : CKKS_EMEM;
    if (status == CKKS_OK)
        status = uni_mask_put(&m, label, k);
    if (status == CKKS_OK)
        status = uni_mask_save(path, &m);
    if (status == CKKS_OK && uni_volume_open(&back, path, -1) == CKKS_OK)
        fuzz_must(memcmp(back.geometry.n, v->geometry.n, sizeof back.geometry.n)
                      == 0
                  && memcmp(back.geometry.affine, v->geometry.affine,
                            sizeof back.geometry.affine) == 0
                  && back.geometry.rank == v->geometry.rank
                  && back.geometry.qform == v->geometry.qform
                  && back.geometry.sform == v->geometry.sform,
                  "the mask lies elsewhere");
    uni_volume_clear(&back);
    uni_mask_clear(&m);
    fuzz_free(label);
    (void)unlink(path);
}

static void use_slices(const uni_volume *v, const nn_images *images)
{
    uni_slicing s;
    uni_values r;
    uni_image image = { 0 };
    char line[40];

    if (uni_slicing_make(&s, "x", &v->geometry, images) != CKKS_OK
        || (size_t)s.height * (size_t)s.width > MOST_VALUES
        || uni_values_make(&r, v, images) != CKKS_OK)
        return;
    uni_values_say(line, sizeof line, &r);
    fuzz_must(strlen(line) > 0 && uni_slicing_off(&s, images) >= 0
                  && isfinite(r.lowest) && isfinite(r.highest)
                  && r.share >= 0 && r.share <= 1 && r.fill <= r.voxels,
              "values %g..%g, share %g", r.lowest, r.highest, r.share);
    for (int k = 0; k < s.slices; k += s.slices > 1 ? s.slices - 1 : 1) {
        if (uni_slice(&image, v, &s, &r, k) != CKKS_OK)
            continue;
        for (size_t i = 0; i < (size_t)s.height * (size_t)s.width; i++)
            fuzz_must(image.pixel[i] >= 0 && image.pixel[i] <= 255.0000001,
                      "pixel %zu is %g", i, image.pixel[i]);
        if (k == 0)
            use_mask(v, &s, &image, k);
    }
    uni_image_clear(&image);
}

/* All slices of the file, as an album has them. */
static void use_album(const fuzz_input *in)
{
    const nn_images images = { .given = true, .plane = NN_PLANE_CORONAL };
    const uni_album_aim aim = { .count = SIZE_MAX, .images = &images,
                                .channels = in->variant & 1 ? 1 : 0 };
    const char *path = fuzz_file(in->data, in->size);
    uni_album album = { 0 };
    uni_image image = { 0 };

    if (uni_album_open(&album, &path, 1, &aim) != CKKS_OK)
        return;
    for (size_t i = 0; i < album.images; i++) {
        free(uni_album_name(&album, i));
        fuzz_must(uni_album_source_of(&album, i).slice >= 0
                      || album.volumes == 0, "a slice without a number");
        (void)!uni_album_image(&image, &album, i);
    }
    uni_image_clear(&image);
    uni_album_clear(&album);
}

/* The whole volume, in zeros or cut, and labels of it back on its voxels. */
static void use_solid(const fuzz_input *in)
{
    static const int size[3] = { 3, 5, 4 };
    const nn_images images = { .given = true, .plane = NN_PLANE_AXIAL };
    const char *path = fuzz_file(in->data, in->size);
    const char *mask = fuzz_place("mask.nii");
    uint8_t label[3 * 5 * 4] = { 1, 2, 3 };
    uni_volume v = { 0 };
    uni_solid s = { 0 };
    bool small = uni_volume_look(&v, path, -1) == CKKS_OK
                 && uni_volume_bytes(&v) < MOST_VALUES;

    if (small && uni_solid_open(&s, path, v.type == UNI_RGB ? 3 : 1, size,
                                &images, true) == CKKS_OK) {
        for (size_t i = 0; i < 60 * (size_t)s.channels; i++)
            fuzz_must(s.pixel[i] >= 0 && s.pixel[i] <= 255.0000001,
                      "voxel %zu is %g", i, s.pixel[i]);
        (void)!uni_solid_save(mask, &s, label);
    }
    uni_solid_clear(&s);
    uni_volume_clear(&v);
    (void)unlink(mask);
}

/* The two files of a pair, opened by either name, and one without the other. */
static void use_pair(const fuzz_input *in, size_t head)
{
    const char *names[2] = { fuzz_place("p.hdr"), fuzz_place("p.img") };
    const unsigned held = fuzz_hold();
    bool there = ckks_file_write(names[0], in->data, head, 0600) == CKKS_OK
                 && ckks_file_write(names[1], in->data + head,
                                    in->size - head, 0600) == CKKS_OK;

    fuzz_go_on(held);
    fuzz_must(there, "a pair");
    for (int i = 0; i < 4; i++) {
        uni_volume v = { 0 };

        (void)!uni_volume_open(&v, names[i % 2], -1);
        (void)uni_pair_first(names[i % 2]);
        (void)uni_pair_second(names[i % 2]);
        uni_volume_clear(&v);
        if (i > 0)
            (void)unlink(names[i == 1]);
    }
}

/* By every plane, rule and a spacing or two. */
static void use_nifti(void *x, const fuzz_input *in)
{
    nifti_object *o = x;
    nn_images images = { .given = true };

    if (o->volume.voxel == NULL) {
        fuzz_image_use(&o->image, in);
        return;
    }
    if (uni_volume_bytes(&o->volume) > MOST_VALUES)
        return;
    if (in->variant & FUZZ_THROUGH_FILE) {
        use_album(in);
        use_solid(in);
    }
    if (in->variant & IN_TWO)
        use_pair(in, o->volume.geometry.version == 2 ? 540 : 348);
    for (unsigned k = 0; k < 12; k++) {
        const double side = uni_geometry_spacing(&o->volume.geometry,
                                                 (int)(k % 3));

        images.plane = (nn_plane)(k % 4);
        images.values = (nn_values)(k % 3);
        images.low = k % 5 == 0 ? 0 : 2 * k;
        images.high = k % 5 == 0 ? 0 : 90;
        images.spacing_y = k < 4 ? 0 : side * (k % 2 ? 0.4 : 2.1);
        images.spacing_x = k < 8 ? 0 : side * (k % 2 ? 1.3 : 0.7);
        use_slices(&o->volume, &images);
    }
}

/* A picture of 16 bits, and lists, one of them in UTF-16. */
static void misuse_album(void)
{
    static const char deep[] = "P2 2 1 65535 1 2";
    static const char list[] = "\xef\xbb\xbf# none\n/none/a.pgm \t\n@b";
    static const char wide[] = "\xff\xfe@";
    static const char *const text[] = { list, wide };
    const uni_album_aim aim = { .count = SIZE_MAX };
    uni_album album = { 0 };
    char at[128];
    const char *arg = fuzz_file((const uint8_t *)deep, sizeof deep - 1);

    fuzz_must(uni_album_open(&album, &arg, 1, &aim) == CKKS_OK
                  && uni_album_source_of(&album, 0).values != NULL
                  && uni_file_write("/none/x", (const uint8_t *)deep, 1)
                         == CKKS_EIO, "a picture of 16 bits");
    uni_album_clear(&album);
    for (int i = 0; i < 2; i++) {
        snprintf(at, sizeof at, "@%s", fuzz_file((const uint8_t *)text[i],
                                                 strlen(text[i])));
        arg = at;
        fuzz_must(uni_album_open(&album, &arg, 1, &aim) == CKKS_EFORMAT,
                  "list %d was taken", i);
    }
}

static void misuse_nifti(const fuzz_input *in)
{
    uni_volume v = { 0 };
    uni_mask m = { 0 };
    uni_geometry g = { 0 };
    uni_slicing s = { 0 };
    uni_values r;

    fuzz_image_misuse(in);
    misuse_album();
    fuzz_must(uni_volume_open(NULL, "x", 0) == CKKS_EARG
                  && uni_volume_open(&v, NULL, 0) == CKKS_EARG
                  && uni_volume_look(NULL, "x", 0) == CKKS_EARG
                  && uni_slicing_make(NULL, "x", &g, NULL) == CKKS_EARG
                  && uni_slicing_make(&s, "x", &g, NULL) == CKKS_EFORMAT
                  && uni_values_make(&r, &v, NULL) == CKKS_EARG
                  && uni_mask_init(NULL, &g, &s) == CKKS_EARG
                  && uni_mask_put(&m, in->data, 0) == CKKS_EARG
                  && uni_mask_save("x.nii", &m) == CKKS_EARG
                  && !uni_volume_is(NULL) && !uni_volume_is("/none"),
              "volumes: misuse was taken");
}

/* ---- seeds --------------------------------------------------------------- */

/* A header that promises more than gzip may grow to, before bytes that do not
 * shrink: the stream is long enough to hold it. */
static void seed_bomb(const fuzz_target *t, const uint8_t *head, size_t n)
{
    enum { REST = 36000 };
    uint8_t *all = fuzz_room(n + REST);
    uint32_t word = 1;

    memcpy(all, head, n);
    for (size_t i = n; i < n + REST; i++) {
        word = word * 1664525 + 1013904223;
        all[i] = (uint8_t)(word >> 24);
    }
    fuzz_seed(t, 1, FUZZ_OTHER, 0, all, n + REST);
    fuzz_free(all);
}

/* One byte of a good header changed: {offset, value}. */
static void seeds_header(const fuzz_target *t)
{
    static const uint16_t change[][2] = {
        { 0, 92 }, { 344, 'x' }, { 40, 9 }, { 48, 2 }, { 45, 0x7f },
        { 108, 1 }, { 111, 0x4f }, { 110, 0 }, { 70, 3 }, { 72, 9 },
        { 255, 1 }, { 119, 0x7f }, { 50, 2 }, { 254, 1 }, { 259, 0x7f },
        { 259, 0x41 }, { 79, 0xbf }
    };
    uint8_t file[352 + 4] = { 92, 1 };

    file[252] = 1;                      /* a qform                           */
    file[40] = 3;
    file[42] = file[44] = 2;
    for (int i = 3; i < 8; i++)
        file[40 + 2 * i] = 1;
    file[70] = 2;
    file[72] = 8;
    file[110] = 0xb0;                   /* 352 as a float                    */
    file[111] = 0x43;
    memcpy(file + 344, "n+1", 4);
    memcpy(file + 352, "\1\2\3\4", 4);
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        const uint8_t was = file[change[i][0]];

        file[change[i][0]] = (uint8_t)change[i][1];
        fuzz_seed(t, 0, FUZZ_SWEEP | FUZZ_MISUSE, 0, file, sizeof file);
        file[change[i][0]] = was;
    }
    file[43] = file[45] = 1;            /* more than gzip may grow to        */
    file[46] = 0xff;
    file[47] = 1;
    seed_bomb(t, file, sizeof file);
    file[45] = file[47] = 0x7f;         /* more voxels than may be           */
    fuzz_seed(t, 0, 0, 0, file, sizeof file);
    fuzz_seed(t, 0, 0, 0, file, 300);
    fuzz_seed(t, 0, FUZZ_OTHER, 0, file, 300);
    fuzz_seed(t, 0, FUZZ_OTHER, 0, "not NIfTI", 9);
}

/* Every type of voxel, plain and gzipped, both orders of bytes. */
static void seeds_nifti(const fuzz_target *t)
{
    for (uint8_t type = 0; type < 16; type++) {
        uint8_t choice[] = { type, 3, 2, 1 + type % 3, type % 2, type % 3, 1,
                             2, 3, 200, 5, 6, 7, 8, 9, 250 };
        const uint8_t flags = FUZZ_DRAW | (type % 3 == 1 ? FUZZ_OTHER : 0);

        fuzz_seed(t, type % 3 == 0 ? 0 : 1, flags | FUZZ_SWEEP, 0, choice,
                  sizeof choice);
        fuzz_seed(t, 2, flags, 0, choice, sizeof choice);
        fuzz_seed(t, IN_TWO + 1, flags & FUZZ_DRAW, 0, choice, sizeof choice);
        fuzz_seed(t, FUZZ_THROUGH_FILE + 1, flags, 0, choice, sizeof choice);
        fuzz_seed(t, FUZZ_THROUGH_FILE + 64, flags, 0, choice, sizeof choice);
        fuzz_seed(t, AS_VOLUME, flags | (type % 4 ? 0 : FUZZ_SWEEP), 0, choice,
                  sizeof choice);
        fuzz_seed(t, AS_VOLUME + 1, flags, type, choice, sizeof choice);
        fuzz_seed(t, AS_VOLUME + FUZZ_THROUGH_FILE, flags, 0, choice,
                  sizeof choice);
    }
    seeds_header(t);
}

const fuzz_target fuzz_nifti = {
    "nifti", sizeof(nifti_object), fuzz_mend_nifti, load_nifti, NULL, NULL,
    use_nifti, clear_nifti, misuse_nifti, seeds_nifti
};
