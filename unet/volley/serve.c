/* serve.c -- serve: the network's side as a service over HTTP (the folder
 * serve; docs/17-service.md). */
#include <stdlib.h>

#include "volley.h"

#ifdef VOLLEY_HAVE_MHD
#include "serve/http.h"

static int serve_all(serve *s, const volley_args *a)
{
    int code = serve_settings(s, a);

    if (code == VOLLEY_DONE)
        code = serve_page_read(s->web, a->value[OPT_PAGE]);
    if (code == VOLLEY_DONE)
        code = serve_models(s);
    if (code == VOLLEY_DONE)
        code = serve_store_open(s, a->value[OPT_STORE]);
    if (code == VOLLEY_DONE)
        code = serve_models_save(s);
    if (code == VOLLEY_DONE)
        code = serve_store_read(s);
    if (code == VOLLEY_DONE)
        code = serve_settings_quota(s);
    return code == VOLLEY_DONE ? serve_run(s) : code;
}

int volley_run_serve(const volley_args *a)
{
    serve *s = calloc(1, sizeof *s);
    int code;

    if (s != NULL)
        s->web = calloc(1, sizeof *s->web);
    code = s == NULL || s->web == NULL ? volley_fail("no memory")
                                       : serve_all(s, a);
    if (s == NULL)
        return code;
    if (s->web != NULL)
        serve_page_clear(s->web);
    free(s->web);
    s->web = NULL;
    serve_store_close(s);
    serve_models_clear(s);
    serve_settings_clear(s);
    free(s);
    return code;
}

#else

int volley_run_serve(const volley_args *a)
{
    (void)a;
    return volley_fail("serve: this build has no libmicrohttpd, which it "
                       "needs: make deps, then build again");
}

#endif
