/* loader.h -- private to libnn: what model.c, layer.c and output.c share. */
#ifndef NN_LOADER_H
#define NN_LOADER_H

#include "format/json.h"
#include "nn.h"
#include "format/safetensors.h"

typedef struct nni_loader {
    nni_safetensors file;
    nni_json net;
    nn_model m;
    bool read[NN_MAX_LAYERS];       /* a layer above reads this one          */
} nni_loader;

/* One layer, the text's entry `node`, into m.layer[number]; all layers below
 * that number are there. */
ckks_status nni_load_layer(nni_loader *l, int number,
                           const nni_json_node *node);

/* The output, all layers being there. */
ckks_status nni_load_output(nni_loader *l, const nni_json_node *output);
/* What was measured of each label's logits; `where` names the layer's entry in
 * "ranges", the rest of which is read. */
ckks_status nni_load_label_ranges(nni_loader *l, const nni_json_node *list,
                                  const char *where);

/* Kernel, stride, dilation, groups and pads of a convolution and the size of
 * its output; the size of a mean and of what comes out (window.c).  y starts
 * with the channels and size of its input; where: "layer NAME". */
ckks_status nni_load_conv(nni_loader *l, nn_layer *y,
                          const nni_json_node *layer, const char *where);
ckks_status nni_load_pool(nni_loader *l, nn_layer *y,
                          const nni_json_node *layer, const char *where);

/* The number of the layer of this name below `count`, -1 if there is none. */
int nni_load_find(const nn_model *m, int count, const char *name);

/* Pieces of the network text.  `where` names the place in messages.
 *   object   it has exactly these keys (the list ends with NULL)
 *   name     1..63 bytes without control characters
 *   int      lo..hi
 *   double   >= lo, which is 0 or -HUGE_VAL                                 */
ckks_status nni_load_object(const nni_json *doc, const nni_json_node *node,
                           const char *where, const char *const *keys);
ckks_status nni_load_name(char out[NN_NAME], const nni_json_node *node,
                         const char *where);
ckks_status nni_load_int(int *out, const nni_json_node *node, const char *where,
                        const char *key, int lo, int hi);
ckks_status nni_load_double(double *out, const nni_json_node *node,
                           const char *where, const char *key, double lo);

#endif
