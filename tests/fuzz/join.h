/* join.h -- the file of an input joined with others made of it (join.c). */
#ifndef FUZZ_JOIN_H
#define FUZZ_JOIN_H

#include "fuzz.h"

/* path: a file of the input's bytes, which a reader has taken. */
void fuzz_join(const fuzz_input *in, const char *path);

#endif
