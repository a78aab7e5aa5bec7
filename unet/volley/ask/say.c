/* say.c -- the server's answers, read strictly: what is looked at is there, of
 * its kind and in its range; members that nobody asked for are passed over. */
#include <string.h>

#include "format/members.h"
#include "volley/ask/ask.h"

enum { SAY_PIECE_LEAST = 1 << 12, SAY_PIECE_MOST = 1 << 28,
       SAY_MANY = 1000000000 };

bool ask_is_id(const char *text)
{
    return strlen(text) == ASK_ID - 1
           && strspn(text, "0123456789abcdef") == ASK_ID - 1;
}

bool ask_is_name(const char *text)
{
    const size_t n = strlen(text);
    static const char word[] = "abcdefghijklmnopqrstuvwxyz0123456789"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-";

    return n > 0 && n < NN_NAME && strspn(text, word) == n && text[0] != '.'
           && text[0] != '-';
}

/* ---- members ------------------------------------------------------------ */

static int say_told(const ask_line *line)
{
    return volley_fail("%s: what it answers makes no sense: %s", line->url,
                       nn_last_error());
}

/* An answer as an object. */
static int say_load(nni_members *out, nni_json *doc, const ask_line *line,
                    const char *text, size_t size)
{
    if (text == NULL
        || nni_json_load(doc, "answer", (const uint8_t *)text, size)
               != CKKS_OK) {
        if (text == NULL)
            return volley_fail("%s: an answer without words", line->url);
        return say_told(line);
    }
    *out = (nni_members){ doc, doc->node, "answer", "it", CKKS_OK };
    if (doc->node->kind != NN_JSON_OBJECT)
        nni_member_refuse(out, "*", "not an object");
    return VOLLEY_DONE;
}

static int say_end(const nni_members *r, nni_json *doc, const ask_line *line)
{
    const int code = r->st == CKKS_OK ? VOLLEY_DONE : say_told(line);

    nni_json_clear(doc);
    return code;
}

static bool say_there(const nni_members *r, const char *key)
{
    const nni_json_node *n = nni_member(r, key);

    return n != NULL && n->kind != NN_JSON_NULL;
}

static int64_t say_int(nni_members *r, const char *key, int64_t lo, int64_t hi)
{
    int64_t x = lo;

    if (!nni_json_int(&x, nni_member(r, key), lo, hi)) {
        nni_member_refuse(r, key, "missing, no whole number, or out of range");
        return lo;
    }
    return x;
}

static void say_id(nni_members *r, const char *key, char out[ASK_ID])
{
    char text[NN_NAME] = "";

    nni_member_name(r, key, text);
    if (r->st == CKKS_OK && !ask_is_id(text))
        nni_member_refuse(r, key, "not 32 hex digits");
    if (r->st == CKKS_OK)
        memcpy(out, text, ASK_ID);
}

/* A text for people: cut where it is too long, replaced where a terminal would
 * act upon it. */
static void say_text(const nni_members *r, const char *key,
                     char out[ASK_TEXT])
{
    const nni_json_node *n = nni_member(r, key);

    out[0] = '\0';
    if (n == NULL || n->kind != NN_JSON_STRING)
        return;
    if (!nni_printable(n->text))
        snprintf(out, ASK_TEXT, "words that cannot be shown");
    else if (n->length < ASK_TEXT)
        snprintf(out, ASK_TEXT, "%s", n->text);
    else
        snprintf(out, ASK_TEXT, "words of %u bytes, too many to show",
                 n->length);
}

/* ---- models ------------------------------------------------------------- */

static void say_model(ask_model *out, nni_members *r)
{
    nni_member_name(r, "name", out->name);
    if (r->st == CKKS_OK && !ask_is_name(out->name))
        nni_member_refuse(r, "name", "no name of a model");
    say_id(r, "plan", out->plan);
}

int ask_read_models(ask_model out[ASK_MODELS], size_t *count,
                    const ask_line *line, const http_answer *a)
{
    nni_json doc = {0};
    nni_members r;
    const nni_json_node *list;
    int code = say_load(&r, &doc, line, a->text, a->size);

    if (code != VOLLEY_DONE)
        return code;
    *count = 0;
    list = nni_member(&r, "models");
    if (list == NULL || list->kind != NN_JSON_ARRAY
        || list->count > ASK_MODELS)
        nni_member_refuse(&r, "models", "missing, no list, or over 256");
    for (const nni_json_node *n = nni_json_first(&doc, list);
         n != NULL && r.st == CKKS_OK; n = nni_json_next(&doc, n)) {
        nni_members in = nni_members_entry(&r, n, "models");

        say_model(&out[*count], &in);
        nni_members_leave(&r, &in);
        ++*count;
    }
    return say_end(&r, &doc, line);
}

/* ---- uploads ------------------------------------------------------------ */

/* Sizes of pieces, which must be those of the file. */
static void say_sizes(ask_pieces *out, nni_members *r, uint64_t bytes)
{
    out->bytes = bytes;
    out->piece = (uint64_t)say_int(r, "piece_bytes", SAY_PIECE_LEAST,
                                   SAY_PIECE_MOST);
    out->pieces = (bytes + out->piece - 1) / out->piece;
}

int ask_read_begun(char id[ASK_ID], ask_pieces *out, const ask_line *line,
                   const http_answer *a, uint64_t bytes)
{
    nni_json doc = {0};
    nni_members r;
    int code = say_load(&r, &doc, line, a->text, a->size);

    if (code != VOLLEY_DONE)
        return code;
    say_id(&r, "upload", id);
    say_sizes(out, &r, bytes);
    (void)say_int(&r, "pieces", (int64_t)out->pieces, (int64_t)out->pieces);
    return say_end(&r, &doc, line);
}

int ask_read_pieces(ask_pieces *out, const ask_line *line,
                    const http_answer *a, uint64_t bytes)
{
    nni_json doc = {0};
    nni_members r;
    const nni_json_node *list;
    int code = say_load(&r, &doc, line, a->text, a->size);

    if (code != VOLLEY_DONE)
        return code;
    (void)say_int(&r, "bytes", (int64_t)bytes, (int64_t)bytes);
    say_sizes(out, &r, bytes);
    (void)say_int(&r, "pieces", (int64_t)out->pieces, (int64_t)out->pieces);
    list = nni_member(&r, "missing");
    out->count = 0;
    if (list == NULL || list->kind != NN_JSON_ARRAY || list->count > 1000)
        nni_member_refuse(&r, "missing", "missing, no list, or over 1000");
    for (const nni_json_node *n = nni_json_first(&doc, list);
         n != NULL && r.st == CKKS_OK; n = nni_json_next(&doc, n)) {
        int64_t x = 0;

        if (!nni_json_int(&x, n, 0, (int64_t)out->pieces - 1))
            nni_member_refuse(&r, "missing", "a piece that is none");
        else
            out->missing[out->count++] = (uint64_t)x;
    }
    return say_end(&r, &doc, line);
}

int ask_read_id(char id[ASK_ID], int64_t *expires, const ask_line *line,
                const http_answer *a, const char *key)
{
    nni_json doc = {0};
    nni_members r;
    int code = say_load(&r, &doc, line, a->text, a->size);

    if (code != VOLLEY_DONE)
        return code;
    say_id(&r, key, id);
    if (expires != NULL)
        *expires = say_there(&r, "expires")
                       ? say_int(&r, "expires", 0, INT64_MAX) : 0;
    return say_end(&r, &doc, line);
}

int ask_read_keys(char model[NN_NAME], uint64_t *bytes, const ask_line *line,
                  const http_answer *a)
{
    nni_json doc = {0};
    nni_members r;
    int code = say_load(&r, &doc, line, a->text, a->size);

    if (code != VOLLEY_DONE)
        return code;
    nni_member_name(&r, "model", model);
    *bytes = (uint64_t)say_int(&r, "bytes", 0, INT64_MAX);
    return say_end(&r, &doc, line);
}

/* ---- jobs --------------------------------------------------------------- */

static void say_count(int *out, nni_members *r, const char *key)
{
    if (say_there(r, key))
        *out = (int)say_int(r, key, 0, SAY_MANY);
}

static void say_number(double *out, nni_members *r, const char *key)
{
    if (say_there(r, key))
        *out = nni_member_double(r, key, 1e12);
}

int ask_read_job(ask_job *out, const ask_line *line, const char *text,
                 size_t size, bool state)
{
    static const char *const name[] = { "queued", "running", "done",
                                        "failed" };
    nni_json doc = {0};
    nni_members r;
    int code = say_load(&r, &doc, line, text, size);

    if (code != VOLLEY_DONE)
        return code;
    if (state) {
        memset(out, 0, sizeof *out);
        out->done = out->left = -1;
        out->state = (ask_state)nni_member_choice(&r, "state", name, 4);
        if (say_there(&r, "bytes"))
            out->bytes = (uint64_t)say_int(&r, "bytes", 0, INT64_MAX);
        say_text(&r, "error", out->error);
    }
    say_count(&out->place, &r, "place");
    say_count(&out->set, &r, "set");
    say_count(&out->sets, &r, "sets");
    say_count(&out->level, &r, "level");
    say_number(&out->done, &r, "done");
    say_number(&out->left, &r, "left");
    if (say_there(&r, "layer"))
        nni_member_name(&r, "layer", out->layer);
    if (!nni_printable(out->layer))
        nni_member_refuse(&r, "layer", "cannot be shown");
    return say_end(&r, &doc, line);
}

/* ---- refusals ----------------------------------------------------------- */

bool ask_read_error(char out[ASK_SAID], const http_answer *a)
{
    nni_json doc = {0};
    nni_members r = { &doc, NULL, "answer", "it", CKKS_OK };
    char error[ASK_TEXT], way[ASK_TEXT];

    if (a->text == NULL
        || nni_json_load(&doc, "answer", (const uint8_t *)a->text, a->size)
               != CKKS_OK)
        return false;
    r.object = doc.node;
    say_text(&r, "error", error);
    say_text(&r, "do", way);
    nni_json_clear(&doc);
    if (error[0] == '\0')
        return false;
    snprintf(out, ASK_SAID, "%s%s%s", error, way[0] != '\0' ? ": " : "",
             way);
    return true;
}
