/* loader.h -- private to libnn: what model.c and layer.c share. */
#ifndef NN_LOADER_H
#define NN_LOADER_H

#include "json.h"
#include "nn.h"
#include "safetensors.h"

typedef struct nn_loader {
    nn_safetensors file;
    nn_json net;
    nn_model m;
    bool read[NN_MAX_LAYERS];       /* a layer above reads this one          */
} nn_loader;

/* One layer, the text's entry `node`, into m.layer[number]; all layers below
 * that number are there. */
ckks_status nn_load_layer(nn_loader *l, int number, const nn_json_node *node);

/* The number of the layer of this name below `count`, -1 if there is none. */
int nn_load_find(const nn_model *m, int count, const char *name);

/* Pieces of the network text.  `where` names the place in messages.
 *   object   it has exactly these keys (the list ends with NULL)
 *   name     1..63 bytes without control characters
 *   int      lo..hi
 *   double   >= lo, which is 0 or -HUGE_VAL                                 */
ckks_status nn_load_object(const nn_json *doc, const nn_json_node *node,
                           const char *where, const char *const *keys);
ckks_status nn_load_name(char out[NN_NAME], const nn_json_node *node,
                         const char *where);
ckks_status nn_load_int(int *out, const nn_json_node *node, const char *where,
                        const char *key, int lo, int hi);
ckks_status nn_load_double(double *out, const nn_json_node *node,
                           const char *where, const char *key, double lo);

#endif
