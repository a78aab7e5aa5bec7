/* network.h -- a network of integers: what the parties of `blind` compute.
 *
 * Made from a model file by quantisation (quantise.c).  Both sides have what
 * is public; the server alone weights and biases.  A tensor holds integers,
 * value = integer / 2^fraction, |integer| < 2^(bits - 1), and its calibrated
 * range is a quarter of that.
 */
#ifndef BLIND_NETWORK_H
#define BLIND_NETWORK_H

#include "linear.h"
#include "nn.h"

typedef enum blind_op {
    BLIND_INPUT = 0,            /* step 0                                    */
    BLIND_CONV,                 /* conv and tconv of the model, with what is
                                   folded into them                          */
    BLIND_RELU, BLIND_SQUARE,
    BLIND_SUM,                  /* pooling by the mean, undivided: the fraction
                                   grows instead                             */
    BLIND_MAX,
    BLIND_CONCAT,
    BLIND_ADD,                  /* of one tensor: it is divided only          */
    BLIND_LABELS,               /* the last step: labels for the client      */
    BLIND_OPS
} blind_op;

enum { BLIND_MAX_STEPS = 256, BLIND_MOST_SHIFT = 40, BLIND_MOST_WINDOW = 8 };

typedef struct blind_step {
    blind_op op;
    char name[NN_NAME];         /* of the model's layer                      */
    int  num_in, in[NN_MAX_INPUTS];     /* steps before this one             */
    int  channels, size[3];     /* of the output: z, y, x; z = 1 in 2-D      */
    int  fraction;              /* of channels that differ: the largest      */
    int  pool[3];               /* BLIND_SUM, BLIND_MAX: window = stride     */
    int  shift;                 /* BLIND_SQUARE                              */
    int  align[NN_MAX_INPUTS];  /* BLIND_ADD: a shift of each input          */
    blind_conv conv;            /* BLIND_CONV                                */
    double range;               /* calibrated largest |value|; 0: as of the
                                   input                                     */
    double limit;               /* largest |integer| there may be            */
    /* The server's; NULL at the client. */
    int32_t *weight;
    int64_t *bias, *map;
} blind_step;

typedef struct blind_network {
    char name[NN_NAME];
    int  dims, bits;
    int  channels, size[3];     /* of the input; labels are of its size, less
                                   the halo                                  */
    int  halo[3];               /* so many pixels at each side are the image's,
                                   reflected, by the client                  */
    double mul, add;            /* value = pixel * mul + add                 */
    nn_images images;
    double threshold;           /* one logit: foreground above it; folded into
                                   the last bias                             */
    char foreground[NN_NAME];
    int  num_labels;            /* 0: a mask of one class                    */
    char label_name[NN_MAX_LABELS][NN_NAME];
    int  num_steps;
    blind_step step[BLIND_MAX_STEPS];
} blind_network;

/* The words of the file, "conv", ... */
extern const char *const blind_op_name[BLIND_OPS];

/* Shape, limit and geometry of step k, from what the step itself says and from
 * the steps before it, all of which are checked.
 *   errors  CKKS_EFORMAT    numbers that do not go together, the step's name */
CKKS_CHECKED ckks_status blind_step_derive(blind_network *n, int k);
/* All of a network, every number against every other: after CKKS_OK a party
 * may compute with it, as far as it has the memory.
 *   errors  CKKS_EFORMAT */
CKKS_CHECKED ckks_status blind_network_check(blind_network *n);

/* Numbers of a step's output. */
size_t blind_step_count(const blind_step *s);
/* Where channel c of it has pixel (z, y, x). */
size_t blind_step_at(const blind_step *s, int c, int z, int y, int x);
/* The sizes of an image as the client has it: without halo. */
void blind_network_core(int core[3], const blind_network *n);
/* last[k]: the last step that reads step k's output; num_steps where none does.
 * shape (num_steps) */
void blind_network_last(int *last, const blind_network *n);

/* All that is public as JSON text, and back; *text: malloc.
 *   errors  CKKS_EFORMAT    no such text, or blind_network_check refuses it
 *           CKKS_EMEM */
CKKS_CHECKED ckks_status blind_network_save(char **text, size_t *size,
                                            const blind_network *n);
CKKS_CHECKED ckks_status blind_network_load(blind_network **out,
                                            const char *text, size_t size);
void blind_network_clear(blind_network **n);

/* Pixels (channels, core), 0..255, as integers of step 0, (channels, size):
 * reflected, rounded, clipped to the calibrated range; returns how many of the
 * image's own were. */
size_t blind_network_input(int64_t *out, const blind_network *n,
                           const double *pixel);
/* Wipes and frees such integers. */
void blind_network_input_clear(int64_t **input, const blind_network *n);

#endif
