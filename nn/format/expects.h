/* expects.h -- what images a network was trained on: the object `images` of
 * model and plan files (docs/model.md).
 */
#ifndef NN_EXPECTS_H
#define NN_EXPECTS_H

#include "format/json.h"
#include "nn.h"

/* node NULL: *out is all zero.  file: "model" or "plan", for messages.
 *   errors  CKKS_EFORMAT  an unknown key, a value out of range */
ckks_status nni_expects_load(nn_images *out, const nni_json *doc,
                             const nni_json_node *node, const char *file);

/* The object under the key `images`; nothing, if nothing is given. */
void nni_expects_put(nni_json_writer *w, const nn_images *e);

/* Every member in its range.
 *   errors  CKKS_EFORMAT */
ckks_status nni_expects_check(const nn_images *e, const char *file);

#endif
