/* image_support.c -- its contracts are in image_support.h. */
#include <math.h>

#include "image_support.h"

image_bytes image_text(const char *text, const void *tail, size_t n)
{
    image_bytes b = { malloc(strlen(text) + n + 1), strlen(text) + n };

    memcpy(b.data, text, strlen(text));
    if (n > 0)
        memcpy(b.data + strlen(text), tail, n);
    return b;
}

ckks_status image_read(uni_image *out, const image_bytes *b, int slice)
{
    return uni_image_decode(out, "file", b->data, b->size, slice);
}

void image_holds(const image_bytes *b, int slice, int channels,
                 int height, int width, const double *want)
{
    uni_image image = {0};

    if (!CHECK(image_read(&image, b, slice) == CKKS_OK, "%s",
               nn_last_error()))
        return;
    CHECK(image.channels == channels && image.height == height
          && image.width == width, "%d x %d x %d, want %d x %d x %d",
          image.channels, image.height, image.width, channels, height, width);
    if (image.channels == channels && image.height == height
        && image.width == width)
        for (int i = 0; i < channels * height * width; i++)
            CHECK(fabs(image.pixel[i] - want[i]) < 1e-9,
                  "pixel %d: %.12g, want %.12g", i, image.pixel[i], want[i]);
    uni_image_clear(&image);
}

void image_refused(const image_bytes *b, const char *words)
{
    uni_image image = {0};

    if (CHECK(image_read(&image, b, -1) == CKKS_EFORMAT,
              "accepted; want \"%s\"", words))
        CHECK(strstr(nn_last_error(), words) != NULL
              && strncmp(nn_last_error(), "file: ", 6) == 0,
              "\"%s\", want \"%s\"", nn_last_error(), words);
    CHECK(image.pixel == NULL, "out was written");
    uni_image_clear(&image);
}

void image_damage(const image_bytes *b)
{
    uint64_t seed = 6;
    int rounds = test_long() ? 20000 : 500;

    for (size_t n = 0; n < b->size; n++) {
        image_bytes part = { malloc(n > 0 ? n : 1), n };
        uni_image image = {0};

        memcpy(part.data, b->data, n);
        CHECK(image_read(&image, &part, 0) != CKKS_OK, "%zu of %zu bytes", n,
              b->size);
        uni_image_clear(&image);
        free(part.data);
    }
    for (int i = 0; i < rounds; i++) {
        image_bytes copy = { malloc(b->size), b->size };
        uni_image image = {0};
        bool whole;

        memcpy(copy.data, b->data, b->size);
        for (int k = 0; k <= i % 3; k++)
            copy.data[test_word(&seed) % b->size]
                ^= (uint8_t)(1u << test_word(&seed) % 8);
        whole = image_read(&image, &copy, i % 2 - 1) == CKKS_OK;
        CHECK(whole == (image.pixel != NULL), "half an image");
        uni_image_clear(&image);
        free(copy.data);
    }
}
