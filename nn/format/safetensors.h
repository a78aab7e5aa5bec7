/* safetensors.h -- private to libnn: the container of a model file. */
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H

#include "format/json.h"
#include "nn.h"

enum { NN_TENSOR_RANK = 5, NN_MAX_TENSORS = 8 * NN_MAX_LAYERS,
       NN_MAX_HEADER = 1 << 22 };

typedef struct nni_tensor {
    const char *name;
    int     rank;
    int64_t shape[NN_TENSOR_RANK];
    bool    half;               /* F16, else F32                             */
    size_t  begin, end;         /* bytes of the data                         */
    size_t  first, count;       /* its numbers in data, in the file's order  */
    bool    used;               /* for the reader of the network             */
} nni_tensor;

typedef struct nni_safetensors {
    nni_json header;
    const nni_json_node *metadata;       /* NULL: none                        */
    nni_tensor *tensor;                  /* in the order of their data        */
    size_t count;
    float *data;
    size_t data_count;
} nni_safetensors;

/* Reads 8 bytes of header length, the header and the data.  All tensors are
 * F32 or F16 of rank 0..5 and fill the data without holes and overlaps.
 *   errors  CKKS_EFORMAT */
CKKS_CHECKED ckks_status nni_safetensors_load(nni_safetensors *out,
                                             const uint8_t *in, size_t size);
void nni_safetensors_clear(nni_safetensors *t);

/* NULL if there is none of this name. */
nni_tensor *nni_safetensors_get(const nni_safetensors *t, const char *name);

/* Writes "[8, 1, 3, 3]"; a negative length appears as "any". */
void nni_shape_describe(char *out, size_t size, const int64_t *shape, int rank);

#endif
