/* inflate.c -- DEFLATE streams, bare or as zlib and gzip frame them, against
 * zlib: the same bytes come out, the same ones are refused, and what is packed
 * again is what it was.  variant: modulo 3 the frame; 4: read in small pieces;
 * 8: less room than may be needed.
 */
#include <string.h>

#include "fuzz.h"
#include "png_oracle.h"

enum { ROOM = 1 << 18, SMALL_ROOM = 1000 };

typedef struct plain {
    uint8_t *data;
    size_t size;
} plain;

static uni_inflate_form form_of(const fuzz_input *in)
{
    return (uni_inflate_form)(in->variant % 3);
}

/* Memory of the harness: of inflate.c no call may fail. */
static uni_inflate_end unpack(size_t *got, size_t *left, uint8_t *out,
                              size_t room, const fuzz_input *in)
{
    uni_inflate *z = fuzz_room(sizeof *z);
    uni_inflate_end end = UNI_INFLATE_MORE;

    *got = 0;
    uni_inflate_begin(z, form_of(in), in->data, in->size);
    for (size_t n, i = 0; end == UNI_INFLATE_MORE && *got < room; i++) {
        size_t most = in->variant & 4 ? 1 + i * i % 301 : room;

        most = most < room - *got ? most : room - *got;
        end = uni_inflate_read(z, &n, out + *got, most);
        fuzz_must(n <= most && (n == most) == (end == UNI_INFLATE_MORE),
                  "inflate: %zu of %zu bytes and end %d", n, most, end);
        *got += n;
    }
    *left = end == UNI_INFLATE_SOUND ? uni_inflate_left(z) : 0;
    fuzz_free(z);
    return end;
}

static ckks_status load(void *x, const fuzz_input *in)
{
    const size_t room = in->variant & 8 ? SMALL_ROOM : ROOM;
    const unsigned held = fuzz_hold();
    uint8_t *ours = fuzz_room(room), *theirs = fuzz_room(room);
    size_t got, left, zlib_got, zlib_left;
    const uni_inflate_end end = unpack(&got, &left, ours, room, in);
    const uni_inflate_end zlib = oracle_inflate(&zlib_got, &zlib_left, theirs,
                                                room, form_of(in), in->data,
                                                in->size);

    fuzz_must(got == zlib_got && memcmp(ours, theirs, got) == 0, "inflate: "
              "%zu bytes came out, of zlib %zu", got, zlib_got);
    if (got < room)                 /* at its end zlib may know it is one    */
        fuzz_must((end == UNI_INFLATE_SOUND) == (zlib == UNI_INFLATE_SOUND),
                  "inflate: end %d, of zlib %d", end, zlib);
    if (end == UNI_INFLATE_SOUND)
        fuzz_must(left == zlib_left, "inflate: %zu bytes behind, of zlib %zu",
                  left, zlib_left);
    fuzz_free(theirs);
    fuzz_go_on(held);
    if (end != UNI_INFLATE_SOUND) {
        fuzz_free(ours);
        return CKKS_EFORMAT;
    }
    *(plain *)x = (plain){ ours, got };
    return CKKS_OK;
}

static ckks_status save(uint8_t **out, size_t *size, const void *x,
                        const fuzz_input *in)
{
    const plain *p = x;
    uint8_t *data = fuzz_room(uni_deflate_most(p->size));
    const size_t n = uni_deflate(data, form_of(in), p->data, p->size);

    fuzz_must(n <= uni_deflate_most(p->size), "deflate: %zu bytes of %zu", n,
              p->size);
    if (n == 0) {
        fuzz_free(data);
        return CKKS_EMEM;
    }
    *out = data;
    *size = n;
    return CKKS_OK;
}

static void clear(void *x)
{
    plain *p = x;

    fuzz_free(p->data);
    memset(p, 0, sizeof *p);
}

/* ---- streams made and mended --------------------------------------------- */

/* choices: level, strategy, how often the rest is repeated */
static void build(fuzz_input *in)
{
    enum { MOST = 1 << 12 };
    fuzz_draw d = { in->data, in->size };
    uint8_t data[MOST], packed[2 * MOST];
    const int level = (int)fuzz_below(&d, 10);
    const int strategy = (int)fuzz_below(&d, 5);
    const size_t times = 1 + fuzz_below(&d, 200), n = d.left;
    const size_t all = n * times < MOST ? n * times : MOST;

    for (size_t i = 0; i < all; i++)
        data[i] = d.at[i % n];
    fuzz_replace(in, packed, oracle_deflate(packed, sizeof packed,
                                            form_of(in), data, all, level,
                                            strategy));
}

/* A plain head, and the checksum of what comes out, if it comes to an end. */
static void mend_sums(fuzz_input *in)
{
    static const uint8_t gzip[10] = { 0x1f, 0x8b, 8 };
    const bool zlib = form_of(in) == UNI_ZLIB;
    const size_t head = zlib ? 2 : 10, tail = zlib ? 4 : 8;
    uint8_t *out = fuzz_room(ROOM), sum[8];
    size_t got, left;
    uni_crc *crc = fuzz_room(sizeof *crc);

    if (in->size < head)
        fuzz_resize(in, head);
    memcpy(in->data, zlib ? (const uint8_t *)"\x78\x9c" : gzip, head);
    if (oracle_inflate(&got, &left, out, ROOM, UNI_RAW, in->data + head,
                       in->size - head) == UNI_INFLATE_SOUND) {
        const size_t end = in->size - left;
        uint32_t v;

        uni_crc_init(crc);
        v = zlib ? uni_adler_add(1, out, got) : uni_crc_add(crc, 0, out, got);
        for (int i = 0; i < 4; i++) {
            sum[i] = (uint8_t)(v >> (zlib ? 24 - 8 * i : 8 * i));
            sum[4 + i] = (uint8_t)(got >> (8 * i));
        }
        if (left < tail)
            fuzz_resize(in, end + tail);
        memcpy(in->data + end, sum, tail);
    }
    fuzz_free(crc);
    fuzz_free(out);
}

static void mend(fuzz_input *in)
{
    if (in->flags & FUZZ_DRAW)
        build(in);
    else if (in->flags & FUZZ_MEND && form_of(in) != UNI_RAW)
        mend_sums(in);
}

static void seeds(const fuzz_target *t)
{
    static const uint8_t some[] = "\x9\x0\x1" "all the same, all the same";
    static const uint8_t fixed[] = "\x9\x4\x40" "abcabcabc";
    static const uint8_t stored[] = "\x0\x0\x5" "0123456789";
    static const uint8_t runs[] = "\x6\x3\xc7" "\0\0\0\0\0\1";
    static const uint8_t raw[] = { 0x4b, 0x4c, 0x4a, 0x06, 0x22, 0x00, 3, 0,
                                   1, 0, 0, 0xff, 0xff };

    for (unsigned v = 0; v < 12; v++) {
        const uint8_t variant = (uint8_t)v;

        fuzz_seed(t, variant, FUZZ_DRAW | FUZZ_SWEEP, 0, some, sizeof some);
        fuzz_seed(t, variant, FUZZ_DRAW, 0, fixed, sizeof fixed);
        fuzz_seed(t, variant, FUZZ_DRAW, 0, stored, sizeof stored);
        fuzz_seed(t, variant, FUZZ_DRAW, 0, runs, sizeof runs);
        fuzz_seed(t, variant, FUZZ_MEND, 0, raw, sizeof raw);
        fuzz_seed(t, variant, 0, 0, raw, sizeof raw);
    }
}

const fuzz_target fuzz_inflate = {
    "inflate", sizeof(plain), mend, load, save, NULL, NULL, clear, NULL, seeds
};
