/* machine.h -- what the planner asks of a machine file. */
#ifndef NN_MACHINE_H
#define NN_MACHINE_H

#include "nn.h"

/* Rows of an integer product that a machine's kernel works on together. */
int nni_machine_rows(const nn_machine *m);
/* Columns of which inputs are packed together for that; 0: they are not. */
int nni_machine_columns(const nn_machine *m);
/* Costs > 0 and a kernel's name; name: the public function's. */
CKKS_CHECKED ckks_status nni_machine_check(const nn_machine *m,
                                           const char *name);

/* What a product by a word takes, one by an integer 1. */
double nni_machine_word(const nn_machine *m);

#endif
