/* model_check.c -- changes of a model file that must be refused. */
#include "model_support.h"

void model_check_refused(const model_change *c, bool (*make)(model_maker *k),
                         bool in_net)
{
    static model_maker k;
    nn_model m = {0};
    bool found;

    if (!make(&k))
        return;
    found = in_net ? text_replace(k.net, sizeof k.net, c->from, c->to)
                   : text_replace(k.header, sizeof k.header, c->from, c->to);
    if (in_net)
        maker_header(&k);
    CHECK(found, "the text does not hold %s", c->from);
    if (CHECK(model_made(&m, &k) == CKKS_EFORMAT, "%s -> %s: accepted",
              c->from, c->to))
        CHECK(strstr(nn_last_error(), c->words) != NULL,
              "%s -> %s: \"%s\", want \"%s\"", c->from, c->to,
              nn_last_error(), c->words);
    CHECK(m.layer == NULL && m.data == NULL, "out was written");
    nn_model_clear(&m);
    maker_clear(&k);
}
