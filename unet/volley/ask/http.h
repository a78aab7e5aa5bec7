/* http.h -- private to the command: one request to a server by HTTP, and its
 * answer, bounded.  The only file that knows libcurl is http.c.
 *
 * Certificates are verified, redirects are not followed, nothing but http and
 * https is spoken, no cookie is kept and no name or password is sent but the
 * token.
 */
#ifndef VOLLEY_ASK_HTTP_H
#define VOLLEY_ASK_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_TEXT = 1 << 22 };           /* bytes of an answer that is kept   */

typedef struct http_line http_line;     /* to one server                     */

/* A reader of an answer as it comes: false ends the request, and it is for
 * the reader to say why. */
typedef struct http_taker {
    bool (*take)(void *user, const uint8_t *in, size_t size);
    void *user;
} http_taker;

typedef struct http_request {
    const char *method;                 /* GET, PUT, POST, DELETE            */
    const char *path;                   /* "/v1/models"                      */
    const void *body;                   /* NULL: none                        */
    size_t bytes;
    bool json;                          /* what the body is                  */
    uint64_t from;                      /* a GET of what begins there        */
    const http_taker *taker;            /* of a 2xx; NULL: the text is kept  */
} http_request;

/* How it went. */
typedef enum http_way {
    HTTP_CAME = 0,      /* an answer came whole: see its status              */
    HTTP_CUT,           /* none, or not whole; another attempt may do        */
    HTTP_LEFT,          /* the reader ended it                               */
    HTTP_NEVER          /* nor will another: name, certificate, protocol     */
} http_way;

typedef struct http_answer {
    http_way way;
    int status;                         /* 0: none came                      */
    char *text;                         /* NUL-terminated, at most HTTP_TEXT
                                           bytes; not what a reader took     */
    size_t size;
    double after;                       /* Retry-After, seconds; -1: none    */
    uint64_t from;                      /* of Content-Range; 0 without       */
    char why[320];                      /* where no answer came              */
} http_answer;

/* url: http://HOST[:PORT][/PATH] without '/' at its end; token, cacert: NULL
 * where there is none.  NULL: no memory. */
http_line *http_open(const char *url, const char *token, const char *cacert);
void http_close(http_line **line);

/* One request; out is cleared with http_clear whatever came of it. */
void http_call(http_answer *out, http_line *line, const http_request *r);
void http_clear(http_answer *a);

#endif
