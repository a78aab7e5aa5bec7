/* textbook.h -- AES-128 and the hash of garbling by their definitions, slowly,
 * with a table. */
#ifndef TEXTBOOK_H
#define TEXTBOOK_H

#include "blind/block.h"

/* FIPS 197, 5.2: w[4 round + column], bytes as they stand. */
void textbook_expand(uint8_t w[44][4], const uint8_t key[16]);
void textbook_encrypt(uint8_t s[16], const uint8_t key[16]);
blind_block textbook_aes(blind_block key, blind_block x);
/* H(x, i) = AES_(start ^ i)(sigma(x)) ^ sigma(x), sigma(a|b) = (a ^ b)|a. */
blind_block textbook_hash(blind_block x, blind_block start, uint64_t tweak);

#endif
