/* ask.c -- ask: a verb of builds with libcurl (ask/verb.c). */
#include "volley.h"

#ifdef VOLLEY_HAVE_CURL
#include "volley/ask/ask.h"

int volley_run_ask(const volley_args *a)
{
    return ask_run(a);
}

#else

int volley_run_ask(const volley_args *a)
{
    (void)a;
    return volley_fail("ask: this build has no libcurl, which it needs");
}

#endif
