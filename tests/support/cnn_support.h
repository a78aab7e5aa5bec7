/* cnn_support.h -- small networks of any kind on given rings: planned, packed,
 * compared with the float network in the clear and encrypted.
 */
#ifndef CNN_SUPPORT_H
#define CNN_SUPPORT_H

#include "net_support.h"

enum { CNN_MOST = 4 };          /* images                                    */

typedef struct cnn_kind {
    const char *name, *border;
    int channels, height, width;
    int classes;                /* 0: a mask                                 */
    void (*build)(model_maker *k);      /* output "out", of masks "logit"    */
    float weight;               /* keeps values near 1                       */
    int ring;                   /* of border wrap                            */
} cnn_kind;

typedef struct cnn {
    const cnn_kind *kind;
    nn_model m;
    double *pixel;              /* (CNN_MOST, channels, height, width)       */
    double want[CNN_MOST][256];
    double spread;              /* of the logits, about their mean           */
} cnn;

bool cnn_init(cnn *c, const cnn_kind *kind);
void cnn_clear(cnn *c);

/* One plan. */
typedef struct trial {
    const cnn *c;
    nn_aim aim;
    nn_plan p;
    nn_weights *w;
    double *in, *clear;
    int images;
} trial;

void trial_text(char out[160], const trial *t);
/* If the form of dense layers asked for does not fit, the planner chooses. */
bool trial_init(trial *t, const cnn *c, const nn_aim *aim);
void trial_clear(trial *t);
/* Logits of what `slots` hold against the float network's. */
void trial_check_logits(const trial *t, const double *slots, double bound,
                        const char *what);
/* Encrypted against the twin. */
void trial_check_encrypted(const trial *t);

#endif
