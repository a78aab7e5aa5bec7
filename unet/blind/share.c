/* share.c -- what each side does with its shares alone. */
#include "linear.h"

/* floor of one share and ceiling of the other: together the floor or the
 * ceiling of x / 2^shift, each with the right odds.  The client's share is
 * taken as one in [-2^127, 2^127), and a wrap of the two has odds of
 * |x| / 2^127. */
void blind_truncate(blind_share *x, size_t count, int shift, bool server)
{
    for (size_t i = 0; i < count; i++) {
        blind_signed v = (blind_signed)(server ? 0 - x[i] : x[i]);

        v >>= shift;
        x[i] = server ? 0 - (blind_share)v : (blind_share)v;
    }
}
