/* test_word.c -- word.h as this machine has it. */
#include "word_cases.h"

TEST(word_edges_of_primes)
{
    word_check_all();
}
