/* network_support.h -- models made in memory for the tests of `blind`: random
 * weights, calibrated ranges. */
#ifndef NETWORK_SUPPORT_H
#define NETWORK_SUPPORT_H

#include "blind/quantise.h"
#include "blind/twin.h"
#include "nn.h"
#include "test.h"

/* A U-Net with two convolutions a stage: c, 2 c, ... channels. */
typedef struct net_spec {
    int  dims, base, depth, side;
    bool square;                /* every activation; else ReLU               */
    bool hybrid;                /* the first and last stage are squares      */
    bool max;                   /* pooling by the largest, else the mean     */
    bool norm;                  /* batch norms, behind each activation or
                                   before it by turns                        */
    int  labels;                /* 0: one logit                              */
    nn_border border;           /* zero or halo                              */
    uint64_t seed;
} net_spec;

/* Layers one after the other; channels, sizes and weights are made for them. */
typedef struct net_maker {
    nn_model *m;
    uint64_t seed;
    bool scale;                 /* sums to at most 1                         */
} net_maker;

ckks_status net_start(net_maker *k, nn_model *m, int dims, int channels,
                      int side, nn_border border, uint64_t seed);
/* The layer's number; 0: no memory.  in: layers, num_in of them. */
int net_layer(net_maker *k, nn_op op, const char *name, const int *in,
              int num_in);
/* kernel k, of c_out channels, padded by k / 2; stride as given. */
int net_conv(net_maker *k, const char *name, int in, int c_out, int kernel,
             int stride);
int net_tconv(net_maker *k, const char *name, int in, int c_out);
int net_one(net_maker *k, nn_op op, const char *name, int in);
int net_pool(net_maker *k, nn_op op, const char *name, int in, int size);
/* Sets the output and calibrates all ranges on the image of seed 1. */
ckks_status net_finish(net_maker *k, int output, int labels);

ckks_status net_unet(nn_model *m, const net_spec *spec);

/* Pixels 0..255, smooth, (channels, size); malloc. */
double *net_image(const nn_model *m, uint64_t seed);
/* The float values of a layer on the image as the client extends it, (channels,
 * size of the layer's map); malloc. */
double *net_float(const nn_model *m, int layer, const double *pixel);
/* Sides of a layer's map on that image. */
void net_size(int size[3], const nn_model *m, int layer);

#endif
