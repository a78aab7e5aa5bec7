/* send.c -- a file to the server in numbered pieces, those that it lacks:
 * whatever is cut is taken up where it was, in this call or in a later one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "volley/ask/ask.h"

typedef struct send_hand {
    ask_line *line;
    ask_parcel *parcel;
    FILE *file;
    uint8_t *piece;
    ask_pieces is;
    uint64_t put;               /* pieces that have arrived                  */
    double start;
} send_hand;

/* The size of the file, which is open then. */
static int send_open(send_hand *h)
{
    off_t end;

    h->file = fopen(h->parcel->path, "rb");
    if (h->file == NULL || fseeko(h->file, 0, SEEK_END) != 0
        || (end = ftello(h->file)) <= 0)
        return volley_fail("reading %s: %s", h->parcel->path, strerror(errno));
    h->is.bytes = (uint64_t)end;
    return VOLLEY_DONE;
}

/* {"kind":"keys","model":NAME,"bytes":N}; w is to be cleared. */
static int send_words(nni_json_writer *w, const send_hand *h)
{
    const ask_parcel *p = h->parcel;

    nni_json_writer_init(w, NULL, 0);
    nni_json_put_object(w, NULL);
    nni_json_put_string(w, "kind", p->kind);
    nni_json_put_string(w, strcmp(p->kind, "keys") == 0 ? "model" : "keys",
                        p->of);
    nni_json_put_word(w, "bytes", h->is.bytes);
    nni_json_put_end(w);
    return volley_check(nni_json_writer_finish(w));
}

/* A new upload; ASK_GONE: there are no such keys. */
static int send_begin(send_hand *h)
{
    nni_json_writer w;
    http_answer a = {0};
    int code = send_words(&w, h);

    if (code == VOLLEY_DONE) {
        const http_request r = { .method = "POST", .path = "/v1/uploads",
                                 .body = w.data, .bytes = w.size,
                                 .json = true };

        code = ask_call(&a, h->line, &r,
                        strcmp(h->parcel->kind, "job") == 0 ? 404 : 0);
        if (code == VOLLEY_DONE && a.status == 404)
            code = ASK_GONE;
    }
    nni_json_writer_clear(&w);
    if (code == VOLLEY_DONE)
        code = ask_read_begun(h->parcel->upload, &h->is, h->line, &a,
                              h->is.bytes);
    http_clear(&a);
    if (code == VOLLEY_DONE && h->parcel->begun != NULL
        && !h->parcel->begun(h->parcel->user, h->parcel->upload))
        code = VOLLEY_FAILED;
    return code;
}

/* What the server lacks; ASK_GONE: it does not know this upload any more. */
static int send_ask(send_hand *h)
{
    char path[64];
    const http_request r = { .method = "GET", .path = path };
    http_answer a = {0};
    int code;

    snprintf(path, sizeof path, "/v1/uploads/%s", h->parcel->upload);
    code = ask_call(&a, h->line, &r, 404);
    if (code == VOLLEY_DONE && a.status == 404)
        code = ASK_GONE;
    if (code == VOLLEY_DONE)
        code = ask_read_pieces(&h->is, h->line, &a, h->is.bytes);
    http_clear(&a);
    return code;
}

static int send_read(send_hand *h, uint64_t k, size_t *size)
{
    const uint64_t at = k * h->is.piece, rest = h->is.bytes - at;
    uint8_t *room = realloc(h->piece, (size_t)h->is.piece);

    if (room == NULL)
        return volley_fail("no memory for %llu bytes",
                           (unsigned long long)h->is.piece);
    h->piece = room;
    *size = (size_t)(rest < h->is.piece ? rest : h->is.piece);
    if (fseeko(h->file, (off_t)at, SEEK_SET) != 0
        || fread(h->piece, 1, *size, h->file) != *size)
        return volley_fail("reading %s: %s", h->parcel->path,
                           ferror(h->file) ? strerror(errno)
                                           : "it is shorter than it was");
    return VOLLEY_DONE;
}

static void send_show(const send_hand *h)
{
    const bool keys = strcmp(h->parcel->kind, "keys") == 0;
    const double all = (double)h->is.pieces, put = (double)h->put;
    const double spent = volley_clock() - h->start;
    char size[32], left[32];

    ask_show(h->line, "sending %s, %s, %3.0f %%%s%s%s",
             keys ? "evaluation keys" : "encrypted images",
             volley_bytes(size, (double)h->is.bytes), 100 * put / all,
             put > 0 ? ", " : "",
             put > 0 ? volley_time(left, spent / put * (all - put)) : "",
             put > 0 ? " left" : "");
}

static int send_piece(send_hand *h, uint64_t k)
{
    char path[96];
    http_request r = { .method = "PUT", .path = path };
    http_answer a = {0};
    int code;

    snprintf(path, sizeof path, "/v1/uploads/%s/%llu", h->parcel->upload,
             (unsigned long long)k);
    code = send_read(h, k, &r.bytes);
    r.body = h->piece;
    if (code == VOLLEY_DONE)
        code = ask_call(&a, h->line, &r, 404);
    if (code == VOLLEY_DONE && a.status == 404)
        code = ASK_GONE;
    http_clear(&a);
    h->put += code == VOLLEY_DONE;
    h->line->sent += code == VOLLEY_DONE ? r.bytes : 0;
    return code;
}

/* All that the server lacks, in turns of as many as it names at once. */
static int send_pieces(send_hand *h)
{
    int code = VOLLEY_DONE;

    for (uint64_t turn = 0; code == VOLLEY_DONE; turn++) {
        code = send_ask(h);
        if (code != VOLLEY_DONE || h->is.count == 0)
            return code;
        if (turn > h->is.pieces / 1000 + 4)
            return volley_fail("%s: pieces that were taken are missing again",
                               h->line->url);
        h->put = h->is.count < 1000 ? h->is.pieces - h->is.count : h->put;
        for (size_t i = 0; i < h->is.count && code == VOLLEY_DONE; i++) {
            send_show(h);
            code = send_piece(h, h->is.missing[i]);
        }
    }
    return code;
}

/* ASK_GONE: the upload is not there; *again: pieces are missing. */
static int send_finish(send_hand *h, char id[ASK_ID], int64_t *expires,
                       bool *again)
{
    char path[80];
    const http_request r = { .method = "POST", .path = path };
    http_answer a = {0};
    int code;

    snprintf(path, sizeof path, "/v1/uploads/%s/finish", h->parcel->upload);
    code = ask_call(&a, h->line, &r, 409);
    *again = code == VOLLEY_DONE && a.status == 409;
    if (code == VOLLEY_DONE && !*again)
        code = ask_read_id(id, expires, h->line, &a, h->parcel->kind);
    http_clear(&a);
    return code;
}

/* The upload at hand to its end. */
static int send_all(send_hand *h, char id[ASK_ID], int64_t *expires)
{
    bool again = true;
    int code = VOLLEY_DONE;

    for (int turn = 0; again && code == VOLLEY_DONE; turn++) {
        code = turn < 4 ? send_pieces(h)
                        : volley_fail("%s: does not take what it has asked "
                                      "for", h->line->url);
        if (code == VOLLEY_DONE)
            code = send_finish(h, id, expires, &again);
    }
    return code;
}

/* An upload that the server has forgotten begins anew, once or twice. */
int ask_send(char id[ASK_ID], int64_t *expires, ask_line *line, ask_parcel *p)
{
    send_hand h = { .line = line, .parcel = p, .start = volley_clock() };
    int code = send_open(&h);

    for (int turn = 0; code == VOLLEY_DONE && turn < 3; turn++) {
        if (p->upload[0] == '\0')
            code = send_begin(&h);
        if (code != VOLLEY_DONE)
            break;
        code = send_all(&h, id, expires);
        if (code != ASK_GONE)
            break;
        p->upload[0] = '\0';
        code = turn < 2 ? VOLLEY_DONE
                        : volley_fail("%s: forgets what is sent to it",
                                      line->url);
    }
    if (h.file != NULL)
        (void)fclose(h.file);
    free(h.piece);
    ask_show_end(line);
    return code;
}
