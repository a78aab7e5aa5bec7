/* seal_mend.h -- see seal_mend.c. */
#ifndef FUZZ_SEAL_MEND_H
#define FUZZ_SEAL_MEND_H

#include "fuzz.h"

void fuzz_mend_seal_pt(fuzz_input *in);
void fuzz_mend_seal_ct(fuzz_input *in);
void fuzz_mend_seal_sk(fuzz_input *in);
void fuzz_mend_seal_pk(fuzz_input *in);
void fuzz_mend_seal_relin(fuzz_input *in);
void fuzz_mend_seal_galois(fuzz_input *in);

#endif
