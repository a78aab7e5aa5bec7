/* request.c -- a request from its first line to its answer: it is judged by
 * its head; then its body goes where it belongs; then it is answered. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http.h"

/* ---- the head ------------------------------------------------------------ */

/* "Bearer TOKEN": whoever has one owns what comes with it. */
static bool request_token(serve_request *r)
{
    const char *given = serve_header(r, "Authorization");
    uint8_t name[UNET_ID];

    if (r->s->tokens == 0)
        return true;
    if (given != NULL && strncmp(given, "Bearer ", 7) == 0) {
        ckks_blake2b(name, UNET_ID, (const uint8_t *)given + 7,
                     strlen(given + 7), NULL, 0);
        for (size_t i = 0; i < r->s->tokens; i++)
            if (memcmp(r->s->token[i], name, UNET_ID) == 0) {
                memcpy(r->owner, name, UNET_ID);
                return true;
            }
    }
    return serve_refuse(&r->error, 401, "ask who runs the server for a token",
                        "%s", given == NULL ? "a token is needed"
                                            : "this token is not known");
}

/* Counts a header. */
static enum MHD_Result request_count(void *cls, enum MHD_ValueKind kind,
                                     const char *name, const char *value)
{
    int *lengths = cls;

    (void)kind;
    (void)value;
    *lengths += strcasecmp(name, "Content-Length") == 0;
    return MHD_YES;
}

/* Two lengths: another program on the way may take the other one, and see
 * another request behind it. */
static bool request_one_length(serve_request *r)
{
    int lengths = 0;

    (void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND,
                                    request_count, &lengths);
    r->close = lengths > 1;
    return lengths <= 1
           || serve_refuse(&r->error, 400, "send Content-Length once",
                           "Content-Length stands %d times", lengths);
}

static bool request_length(serve_request *r)
{
    const char *text = serve_header(r, "Content-Length");
    const char *coding = serve_header(r, "Transfer-Encoding");

    if (coding != NULL)
        return serve_refuse(&r->error, 411, "send Content-Length",
                            "a body without its length is not taken");
    if (!request_one_length(r))
        return false;
    if (text == NULL)
        return true;
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text)
        || strlen(text) > 18) {
        r->close = true;
        return serve_refuse(&r->error, 400, "send the number of bytes",
                            "Content-Length is no such number");
    }
    r->has_length = true;
    r->length = strtoull(text, NULL, 10);
    return true;
}

/* "sha-256=:BASE64:", 32 bytes. */
static bool request_digest(serve_request *r)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *text = serve_header(r, "Content-Digest");
    uint32_t bits = 0;
    int have = 0, n = 0;

    if (text == NULL || strncmp(text, "sha-256=:", 9) != 0)
        return true;            /* another kind of digest is none of ours    */
    for (text += 9; *text != '\0' && *text != '=' && *text != ':'; text++) {
        const char *at = strchr(letters, *text);

        if (at == NULL || n == 32)
            break;
        bits = bits << 6 | (uint32_t)(at - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            r->want[n++] = (uint8_t)(bits >> have);
        }
    }
    if (n != 32 || strcmp(text, "=:") != 0)
        return serve_refuse(&r->error, 400, "send sha-256=:BASE64:",
                            "Content-Digest is no such text");
    r->digest = gnutls_hash_init(&r->sha, GNUTLS_DIG_SHA256) == 0;
    return r->digest || serve_refuse_system(&r->error, "a digest", ENOMEM);
}

/* The upload and the piece, as long as it must be. */
static bool request_piece(serve_request *r)
{
    serve_item *x = serve_request_item(r, SERVE_UPLOAD);
    uint64_t size;

    if (x == NULL)
        return false;
    if (r->k >= x->pieces)
        return serve_refuse(&r->error, 404, "number the pieces from 0",
                            "piece %u of %u pieces", r->k, x->pieces);
    if (!r->has_length)
        return serve_refuse(&r->error, 411, "send Content-Length",
                            "a piece without its length is not taken");
    size = serve_piece_size(x, r->k);
    if (r->length != size)
        return serve_refuse(&r->error, r->length > size ? 413 : 422,
                            "cut the file by piece_bytes, the last piece is "
                            "the rest", "piece %u has %llu bytes, not %llu",
                            r->k, (unsigned long long)size,
                            (unsigned long long)r->length);
    return request_digest(r)
           && serve_piece_open(r->s, &r->piece, x, r->k, &r->error);
}

static bool request_head(serve_request *r, const char *url,
                         const char *method)
{
    const bool v1 = strncmp(url, "/v1/", 4) == 0;

    if (!request_length(r) || !serve_origin(r)
        || !serve_route_find(r, url, method))
        return false;
    if (r->route->act == serve_preflight)
        return true;
    if (v1 && !request_token(r))
        return false;
    if (serve_route_is_piece(r))
        return request_piece(r);
    if (r->length > SERVE_TALK)
        return serve_refuse(&r->error, 413, "send a shorter body",
                            "a body of %llu bytes, and %d are taken",
                            (unsigned long long)r->length, SERVE_TALK);
    return true;
}

static serve_request *request_new(serve *s, struct MHD_Connection *connection)
{
    serve_request *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->s = s;
    r->connection = connection;
    r->piece.fd = -1;
    r->line = MHD_get_connection_info(connection,
                                      MHD_CONNECTION_INFO_SOCKET_CONTEXT)
                  ->socket_context;
    return r;
}

static enum MHD_Result request_begin(serve *s,
                                     struct MHD_Connection *connection,
                                     const char *url, const char *method,
                                     void **own)
{
    serve_request *r = request_new(s, connection);
    bool good;

    if (r == NULL)
        return MHD_NO;
    *own = r;
    good = request_head(r, url, method);
    if (r->line != NULL)
        r->line->deadline = volley_clock() + SERVE_WAIT
                            + (double)r->length / SERVE_SLOWEST;
    /* what is short is read before it is refused: the client hears why */
    r->close = r->close || r->error.status == 411;
    if (!good && (r->close || r->length > SERVE_DRAIN))
        return serve_answer_error(r);
    return MHD_YES;
}

/* ---- the body ------------------------------------------------------------ */

static void request_body(serve_request *r, const char *data, size_t size)
{
    if (r->error.status != 0)
        return;
    if (r->piece.item != NULL) {
        (void)serve_piece_put(&r->piece, data, size, &r->error);
        if (r->digest)
            (void)gnutls_hash(r->sha, data, size);
        return;
    }
    if (size > SERVE_TALK - r->size) {
        serve_refuse(&r->error, 413, "send a shorter body",
                     "more than %d bytes", SERVE_TALK);
        return;
    }
    memcpy(r->talk + r->size, data, size);
    r->size += size;
}

enum MHD_Result serve_access(void *cls, struct MHD_Connection *connection,
                             const char *url, const char *method,
                             const char *version, const char *data,
                             size_t *size, void **own)
{
    serve_request *r = *own;

    (void)version;
    if (r == NULL)
        return request_begin(cls, connection, url, method, own);
    if (*size > 0) {
        request_body(r, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (r->error.status != 0)
        return serve_answer_error(r);
    return r->route->act(r);
}

void serve_completed(void *cls, struct MHD_Connection *connection, void **own,
                     enum MHD_RequestTerminationCode code)
{
    serve_request *r = *own;

    (void)cls;
    (void)connection;
    (void)code;
    if (r == NULL)
        return;
    serve_piece_clear(&r->piece);
    if (r->digest)
        gnutls_hash_deinit(r->sha, NULL);
    if (r->line != NULL)
        r->line->deadline = volley_clock() + SERVE_WAIT;
    free(r);
    *own = NULL;
}
