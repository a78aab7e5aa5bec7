/* test_refused_memory.c -- activations without memory: refused before a byte is
 * sent, shares and counters as they were. */
#include "blind/activation.h"
#include "memory_support.h"
#include "test.h"

enum { COUNT = 5, CALLS = 5 };

/* Call number `which`, at a client without a line: it must not get that far. */
static ckks_status call(int which, blind_party *p, blind_share *x,
                        blind_share *out, uint8_t *label, bool *over)
{
    switch (which) {
    case 0: return blind_relu(x, COUNT, 16, p);
    case 1: return blind_max(out, x, COUNT, 4, 16, p);
    case 2: return blind_labels(label, x, COUNT, 2, 16, p);
    case 3: return blind_labels(label, x, COUNT, 4, 16, p);
    default: return blind_overflowed(over, p);
    }
}

TEST(activations_without_memory_are_refused_whole)
{
    static const long allocations[CALLS] = { 1, 2, 2, 2, 1 };
    blind_party p = { .aes = &blind_aes_portable };

    if (!memory_watched()) {
        test_skip("this linker wraps no functions");
        return;
    }
    memory_refuse(1);
    CHECK_STATUS(blind_overflow_open(&p), CKKS_EMEM);
    memory_refuse(0);
    if (!CHECK_OK(blind_overflow_open(&p)))
        return;
    for (int which = 0; which < CALLS; which++)
        for (long k = 1; k <= allocations[which]; k++) {
            blind_share x[4 * COUNT], out[COUNT] = { 7 };
            const long held = memory_held();
            uint8_t label[COUNT] = { 9 };
            bool over = true;

            for (size_t i = 0; i < 4 * COUNT; i++)
                x[i] = i;
            memory_refuse(k);
            CHECK_STATUS(call(which, &p, x, out, label, &over), CKKS_EMEM);
            memory_refuse(0);
            CHECK(memory_held() == held, "call %d: %ld pieces are left",
                  which, memory_held() - held);
            CHECK(p.tweak == 0 && p.label == 0 && out[0] == 7 && label[0] == 9
                  && over, "call %d: something changed", which);
            for (size_t i = 0; i < 4 * COUNT; i++)
                CHECK(x[i] == i, "call %d: share %zu changed", which, i);
        }
    blind_overflow_close(&p);
}
