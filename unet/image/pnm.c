/* pnm.c -- PGM and PPM: P2, P3 (decimal digits), P5, P6 (bytes). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

bool uni_is_pnm(const uint8_t *in, size_t size)
{
    return size >= 2 && in[0] == 'P' && in[1] >= '1' && in[1] <= '7';
}

typedef struct pnm_reader {
    const char *name;
    const uint8_t *in;
    size_t size, at;
    bool raw;                   /* numbers as they are stored                */
} pnm_reader;

static bool pnm_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* White space and comments, which reach from # to the end of the line. */
static void pnm_skip(pnm_reader *r)
{
    bool comment = false;

    for (; r->at < r->size; r->at++) {
        int c = r->in[r->at];

        if (c == '#')
            comment = true;
        else if (c == '\n' || c == '\r')
            comment = false;
        else if (!comment && !pnm_space(c))
            return;
    }
}

/* A decimal number, at most 999999999. */
static ckks_status pnm_number(uint32_t *out, pnm_reader *r, const char *what)
{
    uint32_t v = 0;
    int digits = 0;

    pnm_skip(r);
    for (; r->at < r->size && r->in[r->at] >= '0' && r->in[r->at] <= '9';
         r->at++) {
        if (++digits > 9)
            return nn_fail(CKKS_EFORMAT, "%s: %s at byte %zu has more than 9 "
                           "digits", r->name, what, r->at - 9);
        v = 10 * v + (uint32_t)(r->in[r->at] - '0');
    }
    if (digits == 0)
        return nn_fail(CKKS_EFORMAT, "%s: no number at byte %zu of %zu, want "
                       "%s", r->name, r->at, r->size, what);
    *out = v;
    return CKKS_OK;
}

static ckks_status pnm_check_value(const pnm_reader *r, uint32_t v,
                                   uint32_t top)
{
    if (v <= top)
        return CKKS_OK;
    return nn_fail(CKKS_EFORMAT, "%s: a value of %u at byte %zu, the largest "
                   "is %u", r->name, (unsigned)v, r->at, (unsigned)top);
}

static double pnm_value(const pnm_reader *r, uint32_t v, uint32_t top)
{
    return r->raw ? v : v * 255.0 / top;
}

static ckks_status pnm_text(uni_image *out, pnm_reader *r, uint32_t top)
{
    size_t n = (size_t)out->height * (size_t)out->width;
    size_t channels = (size_t)out->channels;
    uint32_t v = 0;

    for (size_t i = 0; i < channels * n; i++) {
        ckks_status s = pnm_number(&v, r, "a pixel");

        if (s == CKKS_OK)
            s = pnm_check_value(r, v, top);
        if (s != CKKS_OK)
            return s;
        out->pixel[i % channels * n + i / channels] = pnm_value(r, v, top);
    }
    pnm_skip(r);
    if (r->at < r->size)
        return nn_fail(CKKS_EFORMAT, "%s: more than %zu numbers, at byte %zu",
                       r->name, channels * n, r->at);
    return CKKS_OK;
}

/* Samples of one byte, or two (the higher first) if top > 255. */
static ckks_status pnm_bytes(uni_image *out, pnm_reader *r, uint32_t top)
{
    size_t n = (size_t)out->height * (size_t)out->width;
    size_t channels = (size_t)out->channels, wide = top > 255 ? 2 : 1;

    for (size_t i = 0; i < channels * n; i++, r->at += wide) {
        uint32_t v = r->in[r->at];
        ckks_status s;

        if (wide == 2)
            v = v << 8 | r->in[r->at + 1];
        s = pnm_check_value(r, v, top);
        if (s != CKKS_OK)
            return s;
        out->pixel[i % channels * n + i / channels] = pnm_value(r, v, top);
    }
    return CKKS_OK;
}

/* Before memory is allocated: has the file as many bytes as the image needs?
 * Decimal pixels take at least two bytes each, the last one one. */
static ckks_status pnm_check_size(const pnm_reader *r, bool text,
                                  uint64_t samples, uint32_t top)
{
    uint64_t have = r->size - r->at;
    uint64_t need = text ? 2 * samples - 1 : samples * (top > 255 ? 2 : 1);

    if (have < need)
        return nn_fail(CKKS_EFORMAT, "%s: the file is cut short: %llu bytes of "
                       "pixels, at least %llu are needed", r->name,
                       (unsigned long long)have, (unsigned long long)need);
    /* one line end behind the pixels is what text editors and print add */
    if (!text && have == need + 1 && r->in[r->size - 1] == '\n')
        return CKKS_OK;
    if (!text && have > need)
        return nn_fail(CKKS_EFORMAT, "%s: %llu bytes of pixels, %llu are "
                       "needed: something follows the image", r->name,
                       (unsigned long long)have, (unsigned long long)need);
    return CKKS_OK;
}

typedef struct pnm_head {
    bool text;
    uni_shape shape;
    uint32_t top;
} pnm_head;

/* Up to the first byte of pixels. */
static ckks_status pnm_read_head(pnm_head *h, pnm_reader *r)
{
    const uint8_t kind = r->in[1];
    uint32_t width = 0, height = 0;
    ckks_status s;

    h->text = kind == '2' || kind == '3';
    h->shape.channels = kind == '3' || kind == '6' ? 3 : 1;
    if (!h->text && kind != '5' && kind != '6')
        return nn_fail(CKKS_EFORMAT, "%s: P%c; of this family P2, P3, P5 and "
                       "P6 are taken", r->name, kind);
    if (r->size < 3 || (!pnm_space(r->in[2]) && r->in[2] != '#'))
        return nn_fail(CKKS_EFORMAT, "%s: no white space after P%c", r->name,
                       kind);
    r->at = 2;
    s = pnm_number(&width, r, "the width");
    if (s == CKKS_OK)
        s = pnm_number(&height, r, "the height");
    if (s == CKKS_OK)
        s = pnm_number(&h->top, r, "the largest value");
    if (s == CKKS_OK && (h->top < 1 || h->top > 65535))
        s = nn_fail(CKKS_EFORMAT, "%s: a largest value of %u, want 1..65535",
                    r->name, (unsigned)h->top);
    if (s == CKKS_OK && (r->at >= r->size || !pnm_space(r->in[r->at])))
        s = nn_fail(CKKS_EFORMAT, "%s: no white space after the header, byte "
                    "%zu of %zu", r->name, r->at, r->size);
    h->shape.height = height;
    h->shape.width = width;
    r->at++;
    return s;
}

bool uni_pnm_shape(uni_shape *out, const uint8_t *in, size_t size)
{
    pnm_reader r = { "", in, size, 0, false };
    pnm_head h = {0};

    if (!uni_is_pnm(in, size) || pnm_read_head(&h, &r) != CKKS_OK)
        return false;
    *out = h.shape;
    return true;
}

ckks_status uni_pnm_decode(uni_image *out, const char *name,
                            const uint8_t *in, size_t size,
                            const uni_image_want *want)
{
    pnm_reader r = { name, in, size, 0, want != NULL && want->raw };
    pnm_head h = {0};
    ckks_status s = pnm_read_head(&h, &r);

    if (s == CKKS_OK)
        s = uni_image_check(name, &h.shape, want);
    if (s == CKKS_OK)
        s = pnm_check_size(&r, h.text, h.shape.height * h.shape.width
                                       * (uint64_t)h.shape.channels, h.top);
    if (s == CKKS_OK)
        s = uni_image_init(out, name, h.shape.channels, h.shape.height,
                            h.shape.width);
    if (s != CKKS_OK)
        return s;
    out->most = h.top;
    return h.text ? pnm_text(out, &r, h.top) : pnm_bytes(out, &r, h.top);
}

ckks_status uni_pnm_encode(uint8_t **out, size_t *size, const uint8_t *sample,
                            int channels, int height, int width)
{
    char head[64];
    size_t n = (size_t)channels * (size_t)height * (size_t)width;
    int k = snprintf(head, sizeof head, "P%d\n%d %d\n255\n",
                     channels == 1 ? 5 : 6, width, height);

    *out = malloc((size_t)k + n);
    if (*out == NULL)
        return nn_fail(CKKS_EMEM, "unet_image_save: no memory for %zu bytes",
                       n);
    memcpy(*out, head, (size_t)k);
    memcpy(*out + k, sample, n);
    *size = (size_t)k + n;
    return CKKS_OK;
}
