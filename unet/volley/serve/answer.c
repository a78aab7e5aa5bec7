/* answer.c -- what all answers have in common: headers, errors, and whose pages
 * are answered. */
#include <stdlib.h>
#include <string.h>

#include "http.h"

const char *serve_header(const serve_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* ---- origins ------------------------------------------------------------- *
 *
 * A browser says which page asks.  The server's own page is answered, and those
 * of --origin; another one is refused, even where the browser would only keep
 * the answer from it.
 */

static bool origin_own(const serve_request *r, const char *origin)
{
    const char *host = serve_header(r, "Host");
    const char *at = strstr(origin, "://");

    return host != NULL && at != NULL && strcmp(at + 3, host) == 0;
}

bool serve_origin(serve_request *r)
{
    const char *origin = serve_header(r, "Origin");
    const volley_args *a = r->s->args;

    if (origin == NULL || origin_own(r, origin))
        return true;
    for (int i = 0; i < a->origins; i++)
        if (strcmp(a->origin[i], origin) == 0) {
            r->origin = a->origin[i];
            return true;
        }
    return serve_refuse(&r->error, 403, "open the page of this server, or have "
                        "it started with --origin", "pages of this origin are "
                        "not answered");
}

static void origin_headers(const serve_request *r,
                           struct MHD_Response *response)
{
    (void)MHD_add_response_header(response, "Vary",
                                  "Origin, Accept-Encoding");
    if (r->origin == NULL)
        return;
    (void)MHD_add_response_header(response, "Access-Control-Allow-Origin",
                                  r->origin);
    (void)MHD_add_response_header(response, "Access-Control-Expose-Headers",
                                  "Content-Range, Content-Length, Retry-After, "
                                  "ETag");
}

enum MHD_Result serve_preflight(serve_request *r)
{
    struct MHD_Response *x = MHD_create_response_from_buffer(
        0, (void *)"", MHD_RESPMEM_PERSISTENT);

    if (x == NULL)
        return MHD_NO;
    if (r->origin != NULL) {
        (void)MHD_add_response_header(x, "Access-Control-Allow-Methods",
                                      "GET, POST, PUT, DELETE");
        (void)MHD_add_response_header(x, "Access-Control-Allow-Headers",
                                      "Authorization, Content-Type, "
                                      "Content-Digest, Range, If-Range");
        (void)MHD_add_response_header(x, "Access-Control-Max-Age", "600");
        if (serve_header(r, "Access-Control-Request-Private-Network") != NULL)
            (void)MHD_add_response_header(
                x, "Access-Control-Allow-Private-Network", "true");
    }
    return serve_answer(r, 204, x, 0);
}

/* ---- answers ------------------------------------------------------------- */

enum MHD_Result serve_answer(serve_request *r, int status,
                             struct MHD_Response *response, uint64_t bytes)
{
    enum MHD_Result done;

    (void)MHD_add_response_header(response, "X-Content-Type-Options",
                                  "nosniff");
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    if (MHD_get_response_header(response, "Cache-Control") == NULL)
        (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    origin_headers(r, response);
    if (r->close)
        (void)MHD_add_response_header(response, "Connection", "close");
    if (r->line != NULL && r->line->deadline > 0)
        r->line->deadline = volley_clock() + SERVE_WAIT
                            + (double)bytes / SERVE_SLOWEST;
    done = MHD_queue_response(r->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return done;
}

enum MHD_Result serve_answer_empty(serve_request *r, int status)
{
    struct MHD_Response *x = MHD_create_response_from_buffer(
        0, (void *)"", MHD_RESPMEM_PERSISTENT);

    return x == NULL ? MHD_NO : serve_answer(r, status, x, 0);
}

enum MHD_Result serve_answer_json(serve_request *r, int status,
                                  nni_json_writer *w)
{
    struct MHD_Response *x = NULL;
    size_t size = 0;

    if (nni_json_writer_finish(w) == CKKS_OK) {
        size = w->size;
        x = MHD_create_response_from_buffer(size, w->data,
                                            MHD_RESPMEM_MUST_COPY);
    }
    nni_json_writer_clear(w);
    if (x == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(x, "Content-Type", "application/json");
    if (r->error.status == 401)
        (void)MHD_add_response_header(x, "WWW-Authenticate", "Bearer");
    if (r->error.status == 405 && r->allow != NULL)
        (void)MHD_add_response_header(x, "Allow", r->allow);
    if (r->error.retry > 0) {
        char text[16];

        snprintf(text, sizeof text, "%d", r->error.retry);
        (void)MHD_add_response_header(x, "Retry-After", text);
    }
    return serve_answer(r, status, x, size);
}

enum MHD_Result serve_answer_error(serve_request *r)
{
    nni_json_writer w;

    r->s->refused++;
    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "error", r->error.text);
    nni_json_put_string(&w, "do", r->error.way);
    if (r->error.status == 409 && r->piece.item == NULL) {
        const serve_item *x = serve_find(r->s, SERVE_UPLOAD, r->id);

        if (x != NULL && serve_missing(x) > 0)
            serve_put_upload(&w, x);
    }
    nni_json_put_end(&w);
    return serve_answer_json(r, r->error.status, &w);
}
