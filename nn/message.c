/* message.c -- why the last call failed.  The thread-local buffer is libnn's
 * only writable global. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nn.h"

#ifdef CKKS_NO_MESSAGE

const char *nn_last_error(void)
{
    return "";
}

ckks_status nn_fail(ckks_status s, const char *format, ...)
{
    (void)format;
    return s;
}

#else

static _Thread_local char nn_message[512];

const char *nn_last_error(void)
{
    return nn_message;
}

/* The text is made aside, so that an argument may be the last message; what
 * files and names bring into it stays on one line. */
ckks_status nn_fail(ckks_status s, const char *format, ...)
{
    char text[sizeof nn_message];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    memcpy(nn_message, text, strlen(text) + 1);
    return s;
}

#endif

ckks_status nn_relay(ckks_status s, const char *where)
{
    if (s == CKKS_OK)
        return s;
    return where != NULL ? nn_fail(s, "%s: %s", where, ckks_last_error())
                         : nn_fail(s, "%s", ckks_last_error());
}
