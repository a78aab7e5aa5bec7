/* test_scratch.c -- maps that are larger than memory: what lies in a scratch file
 * comes back to the bit, is counted, and is missed when it fails.
 *
 * Caught when planted: places in the file counted from that of the first form;
 * phases counted from the form's first, not from the first that is filed.
 */
#include <stdlib.h>
#include <string.h>

#include "net_support.h"

/* Whether some of its maps lie in the file. */
static bool check_equal(rig *r, const char *what)
{
    rig_error e[2] = { 0 };

    if (!rig_encrypted(&e[0], r, 7) || !rig_scratch(r, 1)
        || r->p.scratch_bytes == 0)
        return false;
    CHECK(r->p.scratch_moved >= 2 * r->p.scratch_bytes * 0.99,
          "%s: a file of %.0f bytes, %.0f moved", what, r->p.scratch_bytes,
          r->p.scratch_moved);
    if (rig_encrypted(&e[1], r, 7)) {
        CHECK(memcmp(e[0].hash, e[1].hash, sizeof e[0].hash) == 0,
              "%s: other ciphertexts with a scratch file", what);
        rig_check_calls(r, what);
        net_check_sampled(&r->m, &r->p);
    }
    return true;
}

typedef struct scratch_case {
    const char *net;
    nn_border border;
    int shape;
} scratch_case;

/* Means of whole ciphertexts and of rotated ones, maps at two levels, masks. */
TEST(scratch_is_equal_to_the_bit)
{
    static const scratch_case cases[] = {
        { "unet 1", NN_HALO, 0 }, { "unet 2", NN_HALO, 1 },
        { "unet 1", NN_ZERO, 0 }
    };
    int ran = 0;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const net_kind *k = net_kind_named(cases[i].net);
        rig_shape s;
        rig r = { 0 };

        if (!CHECK(rig_shape_at(&s, k, cases[i].border, cases[i].shape),
                   "no shape"))
            continue;
        s.log_n = s.log_n < 11 ? 11 : s.log_n;
        if (rig_init(&r, &s, k->build))
            ran += check_equal(&r, k->name);
        rig_clear(&r);
    }
    CHECK(ran >= 2, "%d networks have maps of more than a MiB", ran);
}
