/* activation_bytes.c -- what activations send, to the byte. */
#include "blind/activation.h"
#include "blind/chunk.h"
#include "blind/circuit.h"
#include "blind/mux.h"

/* The header of a frame. */
enum { HEADER = 24 };

static double transfers(size_t bits, int k)
{
    return HEADER + (double)blind_transfer_bytes(blind_padded(bits), k);
}

/* One pass over count numbers whose sums have `width` bits: up a frame of
 * tables a chunk, down the choices.  labels: and a byte a number down, else
 * choices up and masked numbers down.  Two chunks are in flight. */
static void add_pass(blind_bytes *b, size_t count, int width, int ands,
                     bool labels, int k)
{
    const size_t full = count / BLIND_CHUNK;

    b->turns += (double)((full + (count % BLIND_CHUNK != 0) + 1) / 2);
    for (size_t i = 0; i < 2; i++) {
        const size_t n = i == 0 ? BLIND_CHUNK : count % BLIND_CHUNK;
        const double times = i == 0 ? (double)full : n != 0;
        const double table = HEADER
                             + (double)n * (ands * BLIND_AND_BYTES
                                            + (labels ? 0
                                               : BLIND_PROJECT_BYTES));

        b->down += times * (transfers(n * (size_t)width, k) + HEADER
                            + (double)n * (labels ? 1 : BLIND_MUX_BYTES));
        b->up += times * (table + (labels ? 0 : transfers(n, k)));
    }
}

blind_bytes blind_relu_bytes(size_t count, int bits, int k)
{
    blind_bytes b = { 0, 0, 0 };

    add_pass(&b, count, bits + 1, bits, false, k);
    return b;
}

static void add_times(blind_bytes *b, blind_bytes a, size_t times)
{
    b->up += (double)times * a.up;
    b->down += (double)times * a.down;
    b->turns += (double)times * a.turns;
}

static blind_bytes round_of_max(size_t count, int window, int bits, int k)
{
    blind_bytes b = { 0, 0, 0 };

    for (; window > 1; window -= window / 2)
        add_pass(&b, (size_t)window / 2 * count, bits + 2, bits + 1, false, k);
    return b;
}

blind_bytes blind_max_bytes(size_t count, int window, int bits, int k)
{
    const size_t full = count / BLIND_WINDOWS, rest = count % BLIND_WINDOWS;
    blind_bytes b = round_of_max(rest, window, bits, k);

    add_times(&b, round_of_max(BLIND_WINDOWS, window, bits, k), full);
    return b;
}

static blind_bytes round_of_labels(size_t count, int classes, int bits, int k)
{
    const int more = classes > 1;       /* bit, for differences              */
    blind_bytes b = { 0, 0, 0 };

    for (int i = 2; i < classes; i++)
        add_pass(&b, count, bits + 2, bits + 1, false, k);
    add_pass(&b, count, bits + 1 + more,
             bits + more + blind_label_ands(classes), true, k);
    return b;
}

blind_bytes blind_labels_bytes(size_t count, int classes, int bits, int k)
{
    const size_t full = count / BLIND_LABELS_AT_ONCE;
    const size_t rest = count % BLIND_LABELS_AT_ONCE;
    blind_bytes b = round_of_labels(rest, classes, bits, k);

    add_times(&b, round_of_labels(BLIND_LABELS_AT_ONCE, classes, bits, k),
              full);
    return b;
}

blind_bytes blind_overflowed_bytes(int k)
{
    const int bits = BLIND_HASH_BITS;

    return (blind_bytes){ .up = HEADER + (bits - 1) * BLIND_AND_BYTES,
                          .down = transfers((size_t)bits, k) + HEADER + 1,
                          .turns = 1 };
}
