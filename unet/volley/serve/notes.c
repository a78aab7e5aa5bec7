/* notes.c -- the small files of an item: what it is, that it is a job, how it
 * ended.  They come back as strictly as anything from outside. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/members.h"
#include "serve.h"

enum { NOTE_BYTES = 1 << 14 };

/* Finishes the object and puts it into the item's folder. */
static int note_put(const serve_item *x, serve_kind where, const char *name,
                    nni_json_writer *w)
{
    char path[SERVE_ROOM], folder[SERVE_ROOM];
    int e = 12;                                     /* ENOMEM                */

    nni_json_put_end(w);
    if (nni_json_writer_finish(w) == CKKS_OK)
        e = serve_put(serve_path(path, where, x->id, name),
                      serve_path(folder, where, x->id, NULL), w->data,
                      w->size);
    nni_json_writer_clear(w);
    return e;
}

int serve_note_item(const serve_item *x)
{
    char hex[33];
    nni_json_writer w;

    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_object(&w, NULL);
    nni_json_put_bool(&w, "of_job", x->of_job);
    nni_json_put_string(&w, "model", x->model);
    volley_hex(hex, x->plan);
    nni_json_put_string(&w, "plan", hex);
    volley_hex(hex, x->owner);
    nni_json_put_string(&w, "owner", hex);
    nni_json_put_string(&w, "keys", x->keys);
    nni_json_put_word(&w, "bytes", x->bytes);
    nni_json_put_word(&w, "piece", x->piece);
    return note_put(x, x->kind, "item.json", &w);
}

int serve_note_job(const serve_item *x, serve_kind where)
{
    nni_json_writer w;

    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_object(&w, NULL);
    nni_json_put_word(&w, "number", x->number);
    nni_json_put_word(&w, "sets", x->sets);
    return note_put(x, where, "job.json", &w);
}

int serve_note_end(const serve_item *x)
{
    nni_json_writer w;

    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_object(&w, NULL);
    nni_json_put_bool(&w, "done", x->state == SERVE_DONE);
    nni_json_put_string(&w, "error", x->error);
    nni_json_put_int(&w, "ended", (int64_t)time(NULL));
    return note_put(x, SERVE_JOB, "end.json", &w);
}

/* ---- and back ------------------------------------------------------------ */

typedef struct note {
    nni_json doc;
    nni_members m;
} note;

static bool note_open(note *n, const serve_item *x, const char *name)
{
    char path[SERVE_ROOM];
    uint8_t *data = NULL;
    size_t size;
    bool ok;

    memset(n, 0, sizeof *n);
    if (ckks_file_read(&data, &size, serve_path(path, x->kind, x->id, name),
                       NOTE_BYTES) != CKKS_OK)
        return false;
    ok = nni_json_load(&n->doc, name, data, size) == CKKS_OK;
    ckks_file_free(data, size);
    if (ok)
        n->m = (nni_members){ &n->doc, &n->doc.node[0], name, "note",
                              CKKS_OK };
    return ok;
}

static bool note_close(note *n)
{
    nni_json_clear(&n->doc);
    return n->m.st == CKKS_OK;
}

static void note_word(note *n, const char *key, uint64_t *out)
{
    *out = 0;
    if (!nni_json_word(out, nni_member(&n->m, key)))
        nni_member_refuse(&n->m, key, "no whole number");
}

static void note_hex(note *n, const char *key, uint8_t out[UNET_ID])
{
    char text[NN_NAME] = "";

    nni_member_name(&n->m, key, text);
    if (!serve_is_id(text)) {
        nni_member_refuse(&n->m, key, "not 32 hex digits");
        return;
    }
    for (int i = 0; i < UNET_ID; i++) {
        const char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };

        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
}

bool serve_load_item(serve_item *x)
{
    static const char *const known[] = { "of_job", "model", "plan", "owner",
                                         "keys", "bytes", "piece", NULL };
    char keys[NN_NAME] = "";
    uint64_t piece;
    note n;

    if (!note_open(&n, x, "item.json"))
        return false;
    nni_members_known(&n.m, known);
    x->of_job = nni_member_bool(&n.m, "of_job");
    nni_member_name(&n.m, "model", x->model);
    note_hex(&n, "plan", x->plan);
    note_hex(&n, "owner", x->owner);
    nni_member_name(&n.m, "keys", keys);
    note_word(&n, "bytes", &x->bytes);
    note_word(&n, "piece", &piece);
    if (x->of_job && !serve_is_id(keys))
        nni_member_refuse(&n.m, "keys", "no id");
    if (piece < 1 || piece > UINT32_MAX || x->bytes < 1
        || (x->bytes - 1) / piece >= SERVE_PIECES)
        nni_member_refuse(&n.m, "piece", "out of range");
    if (!note_close(&n))
        return false;
    memcpy(x->keys, keys, sizeof x->keys);
    x->piece = (uint32_t)piece;
    x->pieces = (uint32_t)((x->bytes - 1) / piece + 1);
    return true;
}

bool serve_load_job(serve_item *x)
{
    static const char *const known[] = { "number", "sets", NULL };
    note n;

    if (!note_open(&n, x, "job.json"))
        return false;
    nni_members_known(&n.m, known);
    note_word(&n, "number", &x->number);
    note_word(&n, "sets", &x->sets);
    return note_close(&n);
}

bool serve_load_end(serve_item *x)
{
    static const char *const known[] = { "done", "error", "ended", NULL };
    const nni_json_node *text;
    uint64_t ended;
    bool done;
    note n;

    if (!note_open(&n, x, "end.json"))
        return false;
    nni_members_known(&n.m, known);
    done = nni_member_bool(&n.m, "done");
    note_word(&n, "ended", &ended);
    text = nni_member(&n.m, "error");
    if (text == NULL || text->kind != NN_JSON_STRING)
        nni_member_refuse(&n.m, "error", "no text");
    else
        snprintf(x->error, sizeof x->error, "%s", text->text);
    x->state = done ? SERVE_DONE : SERVE_FAILED;
    x->expires = (int64_t)ended;            /* the caller adds what it keeps */
    return note_close(&n);
}
