/* blind.c -- what ciphertexts cannot run: networks for the protocol of two
 * parties, which has more kinds of layers and three dimensions.
 */
#include "stage/stage.h"

static const char *blind_word(nn_op op)
{
    return op == NN_RELU ? "relu" : op == NN_MAXPOOL ? "maxpool" : NULL;
}

ckks_status nni_check_blind(const nn_model *m)
{
    for (int i = 0; i < m->num_layers; i++)
        if (blind_word(m->layer[i].op) != NULL)
            return nn_fail(CKKS_EPARAM, "layer %s (number %d of %d) is a %s, "
                           "which no ciphertext passes: `volley blind` runs "
                           "model %s between two parties", m->layer[i].name, i,
                           m->num_layers - 1, blind_word(m->layer[i].op),
                           m->name);
    if (m->depth > 0)
        return nn_fail(CKKS_EPARAM, "the input has three dimensions, %d x %d "
                       "x %d, encrypted networks have two: `volley blind` runs "
                       "model %s between two parties", m->depth, m->height,
                       m->width, m->name);
    if (m->blind)
        return nn_fail(CKKS_EPARAM, "model %s says \"protocol\": \"blind\", it "
                       "is not for encrypted networks: `volley blind` runs it "
                       "between two parties", m->name);
    return CKKS_OK;
}
