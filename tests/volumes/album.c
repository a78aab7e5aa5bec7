/* album.c -- the images that files give a plan, for tests/web/images.mjs, which
 * compares them with those of WebAssembly:
 *
 *   album-dump PLAN OUT PATH...
 *
 * prints a line an image, "HEIGHT WIDTH NAME"; OUT gets their pixels as
 * doubles, one image behind the other.  A refusal is printed, and the exit code is 1.
 */
#include <stdio.h>
#include <stdlib.h>

#include "image/album.h"

static int refused(void)
{
    fprintf(stderr, "%s\n", nn_last_error());
    return 1;
}

static int dump(const uni_album *album, FILE *out)
{
    for (size_t i = 0; i < album->images; i++) {
        uni_image image = {0};
        char *name = uni_album_name(album, i);

        if (name == NULL || uni_album_image(&image, album, i) != CKKS_OK)
            return refused();
        printf("%d %d %s\n", image.height, image.width, name);
        fwrite(image.pixel, sizeof *image.pixel,
               (size_t)image.channels * (size_t)image.height
               * (size_t)image.width, out);
        uni_image_clear(&image);
        free(name);
    }
    return fclose(out) != 0;
}

int main(int argc, char **argv)
{
    static nn_plan plan;
    uni_album album = {0};
    uni_album_aim aim = { .count = SIZE_MAX, .images = &plan.images };
    uint8_t *text = NULL;
    size_t size = 0;
    int code;

    if (argc < 4)
        return 2;
    if (ckks_file_read(&text, &size, argv[1], (size_t)1 << 24) != CKKS_OK
        || nn_plan_load(&plan, (const char *)text, size) != CKKS_OK)
        return refused();
    aim.channels = plan.channels;
    if (plan.border != NN_HALO) {
        aim.height = plan.core_height;
        aim.width = plan.core_width;
    }
    if (uni_album_open(&album, (const char *const *)argv + 3,
                       (size_t)argc - 3, &aim) != CKKS_OK)
        return refused();
    code = dump(&album, fopen(argv[2], "wb"));
    uni_album_clear(&album);
    ckks_file_free(text, size);
    return code;
}
