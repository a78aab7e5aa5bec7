/* inflate.h -- private to libunet: DEFLATE [RFC 1951], bare or as zlib [RFC
 * 1950] and gzip [RFC 1952] frame it.
 *
 *   uni_inflate *z = malloc(sizeof *z);      70 KB
 *   uni_inflate_begin(z, UNI_GZIP, in, size)
 *   while (uni_inflate_read(z, &got, out, room) == UNI_INFLATE_MORE) ...
 *
 * The compressed bytes lie in memory; what comes out goes where the caller says
 * and never beyond.  Every byte is untrusted: nothing is read behind `in`, no
 * match reaches before the first byte that came out, and the time is bounded by
 * that of the bytes in and out.
 */
#ifndef UNET_INFLATE_H
#define UNET_INFLATE_H

#include <stdbool.h>

#include "image/checksum.h"

typedef enum uni_inflate_form { UNI_RAW, UNI_ZLIB, UNI_GZIP } uni_inflate_form;

typedef enum uni_inflate_end {
    UNI_INFLATE_MORE,           /* the room is full                          */
    UNI_INFLATE_SOUND,          /* the stream is over, its checksum right    */
    UNI_INFLATE_SHORT,          /* the input ends before the stream          */
    UNI_INFLATE_DAMAGED         /* no such stream, or a wrong checksum       */
} uni_inflate_end;

/* ---- bits of a stream (inflate.c) ---------------------------------------- */

/* Behind the input stand zeros without end; `pad` counts those in the word, so
 * that have < pad says that more was taken than there is. */
typedef struct uni_bits {
    const uint8_t *in;
    size_t size, at;            /* at: of the next byte to come into word    */
    uint64_t word;              /* the next bit is its lowest                */
    unsigned have, pad;         /* bits of it                                */
} uni_bits;

/* ---- codes (inflate_code.c) ---------------------------------------------- */

enum { UNI_CODE_FAST = 10, UNI_CODE_BITS = 15, UNI_CODE_SYMBOLS = 288 };

/* A canonical prefix code. */
typedef struct uni_code {
    uint16_t fast[1 << UNI_CODE_FAST];  /* by the next bits: 16 symbol + length
                                           of the word, 0: it is longer      */
    uint16_t count[UNI_CODE_BITS + 1];  /* words of each length              */
    uint16_t symbol[UNI_CODE_SYMBOLS];  /* in the order of the words         */
} uni_code;

/* length: of each of n symbols' words, 0..15; 0: it has none.  False: more
 * words than there can be; or fewer, unless few is true and it is one word of
 * one bit or none. */
bool uni_code_make(uni_code *c, const uint8_t *length, int n, bool few);
/* The symbol whose word begins with the lowest of 15 bits and, in *length, the
 * bits it has; -1: there is none. */
int uni_code_find(unsigned *length, const uni_code *c, unsigned bits);

/* ---- streams (inflate.c, inflate_frame.c) -------------------------------- */

enum { UNI_INFLATE_BACK = 1 << 15, UNI_INFLATE_RING = 2 * UNI_INFLATE_BACK,
       UNI_INFLATE_SLACK = 16 };

typedef struct uni_inflate {
    uni_bits bits;
    uni_inflate_form form;
    enum { UNI_STEP_BLOCK, UNI_STEP_STORED, UNI_STEP_CODES, UNI_STEP_OVER }
        step;
    uni_inflate_end end;        /* MORE until the last block is over         */
    bool last, fixed;           /* the block; the codes are the fixed ones   */
    bool checked;               /* the checksum                              */
    uint32_t stored;            /* bytes of a stored block still to come     */
    uint64_t put, took;         /* bytes decoded, and handed out             */
    uint32_t sum;               /* their checksum                            */
    uni_crc crc;                /* where gzip asks for it                    */
    uni_code literal, distance;
    uint8_t ring[UNI_INFLATE_RING + UNI_INFLATE_SLACK];
} uni_inflate;

/* One stream from in on; more may follow it.  The input must outlive z. */
void uni_inflate_begin(uni_inflate *z, uni_inflate_form form,
                       const uint8_t *in, size_t size);
/* The next bytes: *got of them, fewer than room only where the answer is
 * another than MORE.  Those before damage or a short end come out first. */
uni_inflate_end uni_inflate_read(uni_inflate *z, size_t *got, uint8_t *out,
                                 size_t room);
/* The stream that follows one that was SOUND, of the same form. */
void uni_inflate_again(uni_inflate *z);
/* Bytes of the input behind a stream that was SOUND. */
size_t uni_inflate_left(const uni_inflate *z);

/* Decodes on, as far as the ring has room, or to an end. */
void uni_inflate_run(uni_inflate *z);

/* ---- the other way (deflate.c) ------------------------------------------- */

/* Bytes that n become at most, in any form. */
size_t uni_deflate_most(size_t n);
/* Into out, which has that room, fixed codes and matches: what is even or comes
 * again gets short.  The bytes it has become; 0: no memory. */
size_t uni_deflate(uint8_t *out, uni_inflate_form form, const uint8_t *in,
                   size_t size);

#endif
