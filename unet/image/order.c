/* order.c -- the stored values of a volume in their order.  Contracts in
 * order.h. */
#include "image/order.h"

#include <stdlib.h>
#include <string.h>

enum { ORDER_DIGIT = 16, ORDER_COUNTS = 1 << ORDER_DIGIT };

static uint64_t order_word(const uint8_t *in, int bytes)
{
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    switch (bytes) {
    case 1:
        memcpy(&one, in, 1);
        return one;
    case 2:
        memcpy(&two, in, 2);
        return two;
    case 4:
        memcpy(&four, in, 4);
        return four;
    default:
        memcpy(&eight, in, 8);
        return eight;
    }
}

static bool order_signed(uni_voxel type)
{
    return type == UNI_I8 || type == UNI_I16 || type == UNI_I32
        || type == UNI_I64;
}

uint64_t uni_order_key(const uni_volume *v, size_t i)
{
    const int bytes = uni_voxel_bytes(v->type);
    const uint64_t word = order_word(v->voxel + i * (size_t)bytes, bytes);
    const uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

    if (order_signed(v->type))
        return word ^ sign;
    if (v->type != UNI_F32 && v->type != UNI_F64)
        return word;
    if (word == sign)                   /* -0 is 0                           */
        return sign;
    return word & sign ? ~word & (sign | (sign - 1)) : word | sign;
}

static double order_float(const uni_volume *v, uint64_t key)
{
    const uint64_t sign = UINT64_C(1) << (8 * uni_voxel_bytes(v->type) - 1);
    const uint64_t word = key & sign ? key ^ sign : ~key;
    const uint32_t half = (uint32_t)word;
    double d;
    float f;

    memcpy(&d, &word, 8);
    memcpy(&f, &half, 4);
    return v->type == UNI_F64 ? d : (double)f;
}

double uni_order_value(const uni_volume *v, uint64_t key)
{
    double stored = (double)key;

    if (v->type == UNI_F32 || v->type == UNI_F64)
        stored = order_float(v, key);
    else if (v->type == UNI_I64)
        stored = (double)(int64_t)(key ^ UINT64_C(1) << 63);
    else if (order_signed(v->type))
        stored -= (double)(UINT64_C(1) << (8 * uni_voxel_bytes(v->type) - 1));
    return stored * v->slope + v->inter;
}

/* How far the counted digit stands above the lowest. */
static int order_top(const uni_order *o)
{
    return o->bits > ORDER_DIGIT ? o->bits - ORDER_DIGIT : 0;
}

ckks_status uni_order_init(uni_order *out, const uni_volume *v)
{
    const int *n = v->geometry.n;
    uni_order o = { v, (size_t)n[0] * (size_t)n[1] * (size_t)n[2],
                    8 * uni_voxel_bytes(v->type),
                    calloc(2 * ORDER_COUNTS, sizeof *o.count) };
    const int top = order_top(&o);

    if (o.count == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory to count its values",
                       v->name != NULL ? v->name : "a volume");
    for (size_t i = 0; i < o.n; i++)
        o.count[uni_order_key(v, i) >> top]++;
    *out = o;
    return CKKS_OK;
}

void uni_order_clear(uni_order *o)
{
    free(o->count);
    memset(o, 0, sizeof *o);
}

/* Counts, among keys that agree with `found` above the digit, the digits. */
static void order_count(const uni_order *o, size_t *count, uint64_t found,
                        int shift)
{
    const int above = shift + ORDER_DIGIT;

    memset(count, 0, ORDER_COUNTS * sizeof *count);
    for (size_t i = 0; i < o->n; i++) {
        const uint64_t key = uni_order_key(o->volume, i);

        if (key >> above == found >> above)
            count[key >> shift & (ORDER_COUNTS - 1)]++;
    }
}

uint64_t uni_order_select(const uni_order *o, size_t k)
{
    const size_t *count = o->count;
    uint64_t found = 0;

    for (int shift = order_top(o); shift >= 0; shift -= ORDER_DIGIT) {
        size_t digit = 0;

        if (shift < order_top(o)) {
            order_count(o, o->count + ORDER_COUNTS, found, shift);
            count = o->count + ORDER_COUNTS;
        }
        while (k >= count[digit])
            k -= count[digit++];
        found |= (uint64_t)digit << shift;
    }
    return found;
}

/* Keys whose counted digit is smaller, of equal digits one by one. */
size_t uni_order_below(const uni_order *o, uint64_t key)
{
    const int top = order_top(o);
    size_t n = 0;

    for (uint64_t digit = 0; digit < key >> top; digit++)
        n += o->count[digit];
    if (top == 0 || o->count[key >> top] == 0)
        return n;
    for (size_t i = 0; i < o->n; i++) {
        const uint64_t other = uni_order_key(o->volume, i);

        n += other >> top == key >> top && other < key;
    }
    return n;
}

size_t uni_order_equal(const uni_order *o, uint64_t key)
{
    const int top = order_top(o);
    size_t n = 0;

    if (top == 0 || o->count[key >> top] == 0)
        return o->count[key >> top];
    for (size_t i = 0; i < o->n; i++)
        n += uni_order_key(o->volume, i) == key;
    return n;
}
