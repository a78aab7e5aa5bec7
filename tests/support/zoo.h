/* zoo.h -- one object of each kind of a small context, as bytes, with loaders
 * of one form: for tests that treat all formats alike.
 */
#ifndef CKKS_TEST_ZOO_H
#define CKKS_TEST_ZOO_H

#include <stdbool.h>

#include "ckks.h"

enum { ZOO_PARAMS, ZOO_PT, ZOO_CT_SEEDED, ZOO_CT_ONE, ZOO_CT_TWO, ZOO_SK,
       ZOO_PK, ZOO_KEYS, ZOO_SIZE };

typedef struct zoo_animal {
    const char *name;
    uint8_t *bytes;
    size_t size;
    /* Loads into a zero object; if that works, saves it again into `again` of
     * `size` bytes (NULL: not wanted) and clears it.  Fails the test if a
     * refusal leaves something in the object, or if the sizes differ. */
    ckks_status (*load)(const ckks_ctx *ctx, const uint8_t *in, size_t size,
                        uint8_t *again);
} zoo_animal;

typedef struct zoo {
    ckks_ctx *ctx;
    zoo_animal animal[ZOO_SIZE];
} zoo;

/* N = 4; primes 17 and 41, special 113: limbs end in the middle of a byte.
 * With memory: NULL for the default. */
bool zoo_tiny(zoo *z, const ckks_memory *memory);
/* The real ring: N = 4; primes 17 and 113, special 97. */
bool zoo_real(zoo *z, const ckks_memory *memory);
/* N = 16; primes of 40, 30, 30 bits, special of 45; dnum 2, the last digit
 * smaller; generator 3, uncentred digits if other is set. */
bool zoo_small(zoo *z, bool other);

/* All of them, by number. */
enum { ZOOS = 4 };
bool zoo_number(zoo *z, int k);

void zoo_clear(zoo *z);

/* True if the library writes checksums. */
bool zoo_sealed(const zoo *z);
/* Turns the checksum of an object off. */
void zoo_unseal(uint8_t *bytes);
/* The two are one object, checksums aside. */
bool zoo_same(const uint8_t *a, const uint8_t *b, size_t size);

#endif
