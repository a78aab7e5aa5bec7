/* http.h -- private to serve: requests over HTTP, by libmicrohttpd.
 *
 * One thread runs it, with the loop of http.c.  A connection has little memory
 * of its own: bodies go to disk as they come, results come from there, streams
 * of events sleep until there is something to say.
 */
#ifndef VOLLEY_SERVE_HTTP_H
#define VOLLEY_SERVE_HTTP_H

#include <gnutls/gnutls.h>
#include <gnutls/crypto.h>
#include <microhttpd.h>

#include "serve.h"

enum {
    SERVE_LINES = 256,          /* connections                               */
    SERVE_STREAMS = 128,        /* of them, streams of events                */
    SERVE_LINE_BYTES = 65536,   /* memory of one                             */
    SERVE_IDLE = 30,            /* seconds without a byte                    */
    SERVE_WAIT = 60,            /* of a request, and a second more           */
    SERVE_SLOWEST = 16384,      /*  for so many bytes                        */
    SERVE_TALK = 4096,          /* bytes of a body that is JSON              */
    SERVE_DRAIN = 8 << 20,      /* of one that is refused, read all the same */
    SERVE_FILES = 64            /* of the page                               */
};

/* A connection. */
typedef struct serve_line {
    int fd;
    double deadline;            /* 0: none                                   */
    struct serve_line *next, *before;
} serve_line;

typedef struct serve_stream serve_stream;

/* Bytes of a file of the page, and what names them. */
typedef struct serve_bytes {
    uint8_t *data;              /* NULL: there are none                      */
    size_t size;
    char etag[40];
} serve_bytes;

/* A file of the page; brotli: the same compressed, from NAME.br. */
typedef struct serve_file {
    char name[64];
    const char *type;
    serve_bytes whole, brotli;
} serve_file;

struct serve_web {
    struct MHD_Daemon *daemon;
    serve_line *lines;
    serve_stream *streams;
    size_t count;               /* of streams                                */
    size_t files;
    serve_file file[SERVE_FILES];
    char said[256];             /* the last line of the library's            */
};

typedef struct serve_route serve_route;

typedef struct serve_request {
    serve *s;
    struct MHD_Connection *connection;
    serve_line *line;
    const serve_route *route;
    bool head;                  /* the method HEAD                           */
    bool close;                 /* the connection, behind the answer         */
    const char *allow;          /* methods, of a 405                         */
    char name[NN_NAME];         /* of a model or a file                      */
    char id[SERVE_ID + 1];
    uint32_t k;                 /* of a piece                                */
    uint8_t owner[UNET_ID];
    const char *origin;         /* the one to be answered, or NULL           */
    serve_error error;
    bool has_length;
    uint64_t length;            /* of the body                               */
    char talk[SERVE_TALK];
    size_t size;
    serve_piece piece;
    bool digest;                /* Content-Digest is there                   */
    uint8_t want[32];
    gnutls_hash_hd_t sha;       /* if digest                                 */
} serve_request;

/* What is done when the body is there. */
struct serve_route {
    const char *method, *path;  /* NAME, ID and K stand for themselves       */
    enum MHD_Result (*act)(serve_request *r);
};

/* request.c: all of a request; and its end, however it ended. */
enum MHD_Result serve_access(void *cls, struct MHD_Connection *connection,
                             const char *url, const char *method,
                             const char *version, const char *data,
                             size_t *size, void **own);
void serve_completed(void *cls, struct MHD_Connection *connection, void **own,
                     enum MHD_RequestTerminationCode code);

/* route.c: which it is; false with r->error if it is none. */
bool serve_route_find(serve_request *r, const char *url, const char *method);
bool serve_route_is_piece(const serve_request *r);
/* The item of the request, if it is the owner's. */
serve_item *serve_request_item(serve_request *r, serve_kind kind);

/* answer.c */
enum MHD_Result serve_answer(serve_request *r, int status,
                             struct MHD_Response *response, uint64_t bytes);
enum MHD_Result serve_answer_json(serve_request *r, int status,
                                  nni_json_writer *w);
enum MHD_Result serve_answer_empty(serve_request *r, int status);
enum MHD_Result serve_answer_error(serve_request *r);
const char *serve_header(const serve_request *r, const char *name);
/* Finds out whether r->origin may be answered; false with r->error if a
 * stranger asks. */
bool serve_origin(serve_request *r);
enum MHD_Result serve_preflight(serve_request *r);

/* describe.c: an item as JSON. */
void serve_put_job(nni_json_writer *w, const serve *s, const serve_item *x);
void serve_put_progress(nni_json_writer *w, const serve_item *x);
void serve_put_upload(nni_json_writer *w, const serve_item *x);
void serve_put_models(nni_json_writer *w, const serve *s);

/* files.c: the page, read once, and results. */
int serve_page_read(serve_web *web, const char *folder);
void serve_page_clear(serve_web *web);
enum MHD_Result serve_page(serve_request *r);
enum MHD_Result serve_result(serve_request *r);

/* events.c */
enum MHD_Result serve_events(serve_request *r);
/* Comments that keep lines open; all: every stream ends. */
void serve_streams_turn(serve *s, bool all);

#endif
