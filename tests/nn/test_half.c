/* test_half.c -- tensors of half floats: all 65,536 of them against the
 * definition of IEEE 754.
 */
#include <math.h>

#include "format/safetensors.h"
#include "test.h"

/* 2^(e - 15) (1 + f / 1024), 2^-24 f for e = 0. */
static double half_value(unsigned half)
{
    const unsigned e = half >> 10 & 31, f = half & 1023;
    const double v = e == 31 ? f > 0 ? NAN : INFINITY
                   : e == 0 ? ldexp(f, -24)
                   : ldexp(1 + f / 1024.0, (int)e - 15);

    return half >> 15 != 0 ? -v : v;
}

/* A file of F16 tensors h (a number), a (all halves) and, between them at an
 * odd place, F32 tensor s (three numbers). */
static uint8_t *half_file(size_t *size)
{
    static const char header[] =
        "{\"h\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]},"
        "\"s\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[2,14]},"
        "\"a\":{\"dtype\":\"F16\",\"shape\":[256,256],"
        "\"data_offsets\":[14,131086]}}";
    static const float single[3] = { 1.5f, -0.0f, 3.25e-41f };
    const size_t n = sizeof header - 1;
    uint8_t *out = calloc(8 + n + 131086, 1), *at = out + 8 + n;

    if (out == NULL)
        return NULL;
    *size = 8 + n + 131086;
    out[0] = (uint8_t)n;
    out[1] = (uint8_t)(n >> 8);
    memcpy(out + 8, header, n);
    at[1] = 0xc5;                           /* -5                            */
    for (int i = 0; i < 3; i++) {
        uint32_t word;

        memcpy(&word, &single[i], 4);
        for (int j = 0; j < 4; j++)
            at[2 + 4 * i + j] = (uint8_t)(word >> 8 * j);
    }
    for (unsigned half = 0; half < 65536; half++) {
        at[14 + 2 * half] = (uint8_t)half;
        at[15 + 2 * half] = (uint8_t)(half >> 8);
    }
    return out;
}

TEST(model_half_floats)
{
    size_t size = 0;
    uint8_t *bytes = half_file(&size);
    nni_safetensors f = {0};
    const nni_tensor *t;

    if (!CHECK(bytes != NULL, "no memory")
        || !CHECK(nni_safetensors_load(&f, bytes, size) == CKKS_OK, "%s",
                  nn_last_error()))
        return;
    CHECK(f.data_count == 65540 && f.count == 3, "%zu numbers", f.data_count);
    t = nni_safetensors_get(&f, "h");
    CHECK(t->half && t->count == 1 && f.data[t->first] == -5.0f, "h: %g",
          (double)f.data[t->first]);
    t = nni_safetensors_get(&f, "s");
    CHECK(!t->half && t->count == 3 && f.data[t->first] == 1.5f
          && signbit(f.data[t->first + 1]) && f.data[t->first + 2] == 3.25e-41f,
          "s");
    t = nni_safetensors_get(&f, "a");
    for (unsigned half = 0; half < 65536; half++) {
        const double got = (double)f.data[t->first + half];
        const double want = half_value(half);

        CHECK((isnan(want) ? isnan(got) : got == want)
              && !signbit(got) == !signbit(want), "half %04x: %.17g, want "
              "%.17g", half, got, want);
    }
    nni_safetensors_clear(&f);
    for (size_t cut = size - 1; cut > size - 4; cut--)
        CHECK(nni_safetensors_load(&f, bytes, cut) == CKKS_EFORMAT, "%zu of "
              "%zu bytes", cut, size);
    free(bytes);
}
