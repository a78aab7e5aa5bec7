/* objects.h -- what the harnesses of libckks's own formats share. */
#ifndef FUZZ_OBJECTS_H
#define FUZZ_OBJECTS_H

#include "fuzz.h"
#include "bytes/serial.h"

enum { FUZZ_AT_SUM = 6 };       /* where an object says its kind of checksum */

/* The contexts that have keys, or none for want of special primes. */
enum { FUZZ_OBJECT_CONTEXTS = 4 };

/* The frame as save writes it, but for the kind of checksum: odd, XXH64. */
void fuzz_frame(fuzz_input *in, cki_kind kind);
void fuzz_mend_ct(fuzz_input *in);
void fuzz_mend_pt(fuzz_input *in);
void fuzz_mend_sk(fuzz_input *in);
void fuzz_mend_pk(fuzz_input *in);
void fuzz_mend_keys(fuzz_input *in);

/* Checksums aside: an object without one is taken and gets one. */
bool fuzz_same_object(const uint8_t *a, const uint8_t *b, size_t size);

#endif
