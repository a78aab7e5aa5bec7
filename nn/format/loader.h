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

/* The tensor under a key of layer y (layer_tensor.c): *out points at its
 * floats, which are finite.  A negative length in the shape stands for any in
 * 1..NN_MAX_CHANNELS; it is filled in.  A vector is of y's channels. */
ckks_status nni_load_tensor(const float **out, nni_loader *l,
                            const nn_layer *y, const nni_json_node *node,
                            const char *key, int64_t *shape, int rank);
ckks_status nni_load_vector(const float **out, nni_loader *l,
                            const nn_layer *y, const nni_json_node *node,
                            const char *key);

/* Kernel, stride, dilation, groups and pads of a convolution and the size of
 * its output; the size of a mean or maximum and of what comes out (window.c).  y starts
 * with the channels and size of its input; where: "layer NAME". */
ckks_status nni_load_conv(nni_loader *l, nn_layer *y,
                          const nni_json_node *layer, const char *where);
ckks_status nni_load_pool(nni_loader *l, nn_layer *y,
                          const nni_json_node *layer, const char *where);

/* "4 x 4", in three dimensions "2 x 4 x 4": for messages. */
typedef struct nni_sides {
    char text[40];
} nni_sides;
nni_sides nni_sides_of(const nn_model *m, int z, int y, int x);

/* The caps of a layer's output: of a file for the protocol of two parties its
 * numbers together, too.
 *   errors  CKKS_EFORMAT */
ckks_status nni_load_check_map(const nn_model *m, const nn_layer *y);

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
