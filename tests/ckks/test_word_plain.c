/* test_word_plain.c -- word.h as machines without a 64 x 64 -> 128 product and
 * without the instruction that chooses have it. */
#define CKKS_NO_CMOV
#define CKKS_NO_INT128

#include "word_cases.h"

TEST(word_plain_edges_of_primes)
{
    word_check_all();
}
