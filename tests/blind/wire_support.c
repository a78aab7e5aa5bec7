/* wire_support.c -- wire_support.h. */
#include "wire_support.h"

#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "nn.h"
#include "test.h"
#include "two_sides.h"

void wire_doze(double seconds)
{
    nanosleep(&(struct timespec){ .tv_nsec = (long)(seconds * 1e9) }, NULL);
}

void wire_forge(uint8_t b[24], const wire_forged *f)
{
    uint8_t sum[4];

    b[0] = (uint8_t)f->type;
    b[1] = (uint8_t)(f->type >> 8);
    b[2] = (uint8_t)f->layer;
    b[3] = (uint8_t)(f->layer >> 8);
    for (int i = 0; i < 4; i++)
        b[4 + i] = (uint8_t)(f->number >> 8 * i);
    for (int i = 0; i < 8; i++)
        b[8 + i] = (uint8_t)(f->size >> 8 * i);
    cki_store32(b + 16, f->zero);
    ckks_blake2b(sum, 4, b, 20, NULL, 0);
    cki_store32(b + 20, cki_load32(sum) + f->spoil);
}

bool wire_alone(blind_wire **w, int *peer, double idle)
{
    int s[2];

    if (!CHECK(two_sockets(s, true), "no sockets"))
        return false;
    *peer = s[1];
    if (!CHECK_OK(blind_wire_open(w, s[0], idle)))
        return false;
    blind_wire_step(*w, 3, "conv1");
    return true;
}

bool wire_said(const char *part)
{
    return CHECK(strstr(nn_last_error(), part) != NULL, "\"%s\" lacks \"%s\"",
                 nn_last_error(), part);
}
