/* text.c -- names from the other side, before they reach a terminal. */
#include "format/json.h"

/* Code points that move the cursor, hide or turn round what follows: controls
 * (C0, DEL, C1), marks and overrides of direction, separators of lines, the
 * byte order mark. */
static bool unseen(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e
           || c == 0x200f || (c >= 0x2028 && c <= 0x202e)
           || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

bool nni_printable(const char *text)
{
    const unsigned char *t = (const unsigned char *)text;

    while (*t != '\0') {
        const int more = *t < 0x80 ? 0 : *t < 0xe0 ? 1 : *t < 0xf0 ? 2 : 3;
        uint32_t c = more == 0 ? *t : *t & (0x3fu >> more);

        for (int i = 1; i <= more; i++) {
            if ((t[i] & 0xc0) != 0x80)
                return false;
            c = c << 6 | (t[i] & 0x3f);
        }
        if (unseen(c))
            return false;
        t += more + 1;
    }
    return true;
}
