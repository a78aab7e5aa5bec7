/* model_support.h -- model files made in memory, for tests.
 *
 *     model_maker k = {0};
 *     maker_start(&k, "zero", 0, 1, 4, 4);
 *     maker_conv(&k, "a", "image", 1, 2, 3);
 *     ...
 *     maker_finish(&k, "a");
 *     bytes = maker_bytes(&size, &k);      (free them)
 */
#ifndef MODEL_SUPPORT_H
#define MODEL_SUPPORT_H

#include "nn.h"
#include "test.h"

enum { MAKER_TENSORS = 256, MAKER_NAMES = 128, MAKER_TEXT = 1 << 16 };

typedef struct maker_tensor {
    char name[80];
    int  rank;
    int  shape[5];
} maker_tensor;

typedef struct model_maker {
    char net[MAKER_TEXT];           /* the network text                      */
    char header[2 * MAKER_TEXT];    /* made from it by maker_finish          */
    char name[MAKER_NAMES][NN_NAME];
    int  names;
    maker_tensor tensor[MAKER_TENSORS];
    int  tensors;
    float  *data;
    size_t data_count;
    bool   deep;                    /* three dimensions                      */
    bool   half;                    /* tensors are F16, set before the end   */
    int    labels;                  /* 0: none                               */
    char   labelled[NN_NAME];       /* the layer that gives them             */
} model_maker;

/* border: "wrap", "halo", "zero" or "valid"; ring 0: none. */
void maker_start(model_maker *k, const char *border, int ring, int channels,
                 int height, int width);
/* For the protocol of two parties: "zero", "valid" or "halo"; depth 0: two
 * dimensions. */
void maker_start_blind(model_maker *k, const char *border, int channels,
                       int depth, int height, int width);
void maker_conv(model_maker *k, const char *name, const char *in, int c_in,
                int c_out, int kernel);
void maker_strided(model_maker *k, const char *name, const char *in, int c_in,
                   int c_out, int kernel, int stride);
void maker_tconv(model_maker *k, const char *name, const char *in, int c_in,
                 int c_out);
/* in: all numbers of the map. */
void maker_dense(model_maker *k, const char *name, const char *in, int count,
                 int c_out);
void maker_batchnorm(model_maker *k, const char *name, const char *in, int c);
void maker_quadratic(model_maker *k, const char *name, const char *in, int c);
/* A convolution of any kind: 0 is 1, or the border's own pads; "pad" is written
 * if `padded`. */
typedef struct maker_window {
    int c_in, c_out, kernel_y, kernel_x, stride, dilation_y, dilation_x, groups;
    bool padded;
    int pad[4];                     /* top, left, bottom, right              */
} maker_window;
void maker_convolve(model_maker *k, const char *name, const char *in,
                    const maker_window *w);
/* The same of three dimensions, z, y, x; pads front, top, left, back, bottom,
 * right. */
typedef struct maker_solid {
    int c_in, c_out, kernel[3], stride, dilation[3], groups;
    bool padded;
    int pad[6];
} maker_solid;
void maker_convolve_solid(model_maker *k, const char *name, const char *in,
                          const maker_solid *w);
/* Of 4x4. */
void maker_tconv4(model_maker *k, const char *name, const char *in, int c_in,
                  int c_out);
/* A pool of this size. */
void maker_pool(model_maker *k, const char *name, const char *in, int size_y,
                int size_x);
/* op: pool or maxpool, of this size in three dimensions. */
void maker_pool_solid(model_maker *k, const char *op, const char *name,
                      const char *in, int z, int y, int x);
void maker_upsample(model_maker *k, const char *name, const char *in,
                    const char *mode);
/* op: pool, maxpool, relu or square; concat and add take a second input. */
void maker_plain(model_maker *k, const char *op, const char *name,
                 const char *in, const char *second);
/* A whole U-Net, two convolutions (and squares) a stage. */
void maker_unet(model_maker *k, int base, int depth);
/* Ends the text; data are small random numbers, variances positive. */
void maker_finish(model_maker *k, const char *output);
/* The same for an output of classes named 0, 1, ...; threshold 0.5 if 2 of one
 * channel. */
void maker_classes(model_maker *k, const char *output, int channels);
/* The same for a mask of labels named part 0, part 1, ...; logits of label i are
 * up to 1 + i mod 4. */
void maker_labels(model_maker *k, const char *output, int channels);
/* Channels that the convolution (or way up, or dense layer) of this name gives;
 * 1 for another layer. */
int maker_channels(const model_maker *k, const char *name);
/* Makes the header again after a change of net. */
void maker_header(model_maker *k);
uint8_t *maker_bytes(size_t *size, const model_maker *k);
/* The tensor of this name in data; NULL if there is none. */
float *maker_find(model_maker *k, const char *name);
void maker_clear(model_maker *k);

/* Replaces the first occurrence of from by to in a text of size bytes. */
bool text_replace(char *text, size_t size, const char *from, const char *to);

/* The model that its bytes make. */
ckks_status model_made(nn_model *m, const model_maker *k);

/* One change of the network text or of the header; the message must hold the
 * words. */
typedef struct model_change {
    const char *from, *to, *words;
} model_change;

/* The model that `make` makes, changed: refused with the words. */
void model_check_refused(const model_change *c, bool (*make)(model_maker *k),
                         bool in_net);

#endif
