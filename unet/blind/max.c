/* max.c -- the largest of a window by ReLU: max(a, b) = b + max(a - b, 0).
 *
 * The difference of two shared numbers is shared without a word, and of two
 * numbers of `bits` bits it has one bit more.  So a comparison costs bits + 1
 * ANDs, a third of what sums, a comparison and a choice in a circuit would.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "blind/activation.h"
#include "blind/chunk.h"
#include "nn.h"

/* y[j n + i] is candidate j of window i.  The first half of the candidates
 * against the last, the middle one of an odd number waiting, until one is
 * left. */
static ckks_status largest(blind_share *y, blind_share *d, size_t n,
                           int window, int bits, blind_party *p)
{
    ckks_status s = CKKS_OK;

    while (s == CKKS_OK && window > 1) {
        const size_t pairs = (size_t)window / 2 * n;
        const size_t rest = (size_t)window * n - pairs;

        for (size_t i = 0; i < pairs; i++)
            d[i] = y[i] - y[rest + i];
        s = blind_relu(d, pairs, bits + 1, p);
        for (size_t i = 0; i < pairs; i++)
            y[i] = y[rest + i] + d[i];
        window -= window / 2;
    }
    return s;
}

ckks_status blind_max(blind_share *out, const blind_share *x, size_t count,
                      int window, int bits, blind_party *p)
{
    const size_t n = count < BLIND_WINDOWS ? count : BLIND_WINDOWS;
    const size_t w = (size_t)window;
    const size_t size = (w + w / 2) * n * sizeof *x;
    ckks_status s = CKKS_OK;
    blind_share *y;

    if (count == 0)
        return CKKS_OK;
    if (window < 2 || window > 8)
        return nn_fail(CKKS_EARG, "the largest of %d numbers: 2 to 8 can be "
                       "had", window);
    y = malloc(size);
    if (y == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu bytes of windows", size);
    for (size_t first = 0; s == CKKS_OK && first < count; first += n) {
        const size_t m = count - first < n ? count - first : n;

        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < w; j++)
                y[j * m + i] = x[(first + i) * w + j];
        s = largest(y, y + w * n, m, window, bits, p);
        if (s == CKKS_OK)
            memcpy(out + first, y, m * sizeof *out);
    }
    cki_wipe(y, size);
    free(y);
    return s;
}
