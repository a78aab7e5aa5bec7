/* note.c -- what a key folder keeps of a server: DIR/server.json (which of its
 * keys lie there) and DIR/jobs/ID.json (a result that is awaited).  Notes that
 * cannot be read are as good as none: what they say can be had again.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/members.h"
#include "volley/ask/ask.h"

enum { NOTE_BYTES = 1 << 16, NOTE_HEAD = 40 };

/* The first bytes of a key file, which have its size and checksum in them. */
static int note_file(char out[81], const char *path)
{
    uint8_t head[NOTE_HEAD];
    FILE *f = fopen(path, "rb");
    const size_t n = f == NULL ? 0 : fread(head, 1, sizeof head, f);

    if (f != NULL)
        (void)fclose(f);
    if (n != sizeof head)
        return volley_fail("%s: no evaluation keys are there, beside the "
                           "secret key", path);
    for (size_t i = 0; i < sizeof head; i++)
        snprintf(out + 2 * i, 3, "%02x", head[i]);
    return VOLLEY_DONE;
}

/* A small file as an object of this format; false: there is none. */
static bool note_open(nni_json *doc, nni_members *r, const char *path,
                      const char *format)
{
    uint8_t *data = NULL;
    size_t size = 0;
    char text[NN_NAME] = "";
    bool good = access(path, R_OK) == 0
                && ckks_file_read(&data, &size, path, NOTE_BYTES) == CKKS_OK;

    good = good && nni_json_load(doc, "note", data, size) == CKKS_OK;
    ckks_file_free(data, size);
    if (!good)
        return false;
    *r = (nni_members){ doc, doc->node, "note", "it", CKKS_OK };
    nni_member_name(r, "format", text);
    if (r->st == CKKS_OK && strcmp(text, format) == 0)
        return true;
    nni_json_clear(doc);
    return false;
}

static bool note_is(const nni_members *r, const char *key, const char *want)
{
    const nni_json_node *n = nni_member(r, key);

    return n != NULL && n->kind == NN_JSON_STRING && strcmp(n->text, want) == 0;
}

static void note_id(nni_members *r, const char *key, char out[ASK_ID])
{
    const nni_json_node *n = nni_member(r, key);

    if (n != NULL && n->kind == NN_JSON_STRING && ask_is_id(n->text))
        memcpy(out, n->text, ASK_ID);
}

/* ---- keys at a server --------------------------------------------------- */

int ask_note_load(ask_note *out, const volley_owner *owner,
                  const ask_line *line, const char *model)
{
    nni_json doc = {0};
    nni_members r;
    int code;

    memset(out, 0, sizeof *out);
    code = note_file(out->file, owner->eval);
    if (code != VOLLEY_DONE)
        return code;
    out->path = volley_join(owner->folder, "server.json");
    out->url = malloc(strlen(line->url) + 1);
    if (out->path == NULL || out->url == NULL)
        return volley_fail("no memory for a name");
    strcpy(out->url, line->url);
    snprintf(out->model, sizeof out->model, "%s", model);
    if (!note_open(&doc, &r, out->path, "volley-server-1"))
        return VOLLEY_DONE;
    if (note_is(&r, "url", out->url) && note_is(&r, "model", model)
        && note_is(&r, "file", out->file)) {
        note_id(&r, "keys", out->keys);
        note_id(&r, "upload", out->upload);
    }
    nni_json_clear(&doc);
    return VOLLEY_DONE;
}

static void note_put(nni_json_writer *w, const char *key, const char *text)
{
    if (text[0] != '\0')
        nni_json_put_string(w, key, text);
    else
        nni_json_put_null(w, key);
}

/* Finishes, writes and clears. */
static int note_write(nni_json_writer *w, const char *path)
{
    int code = volley_check(nni_json_writer_finish(w));

    if (code == VOLLEY_DONE)
        code = volley_write(path, w->data, w->size, 0600);
    nni_json_writer_clear(w);
    return code;
}

int ask_note_save(const ask_note *n)
{
    nni_json_writer w;

    nni_json_writer_init(&w, NULL, 1);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "format", "volley-server-1");
    nni_json_put_string(&w, "url", n->url);
    nni_json_put_string(&w, "model", n->model);
    nni_json_put_string(&w, "file", n->file);
    note_put(&w, "keys", n->keys);
    note_put(&w, "upload", n->upload);
    nni_json_put_end(&w);
    return note_write(&w, n->path);
}

void ask_note_clear(ask_note *n)
{
    free(n->path);
    free(n->url);
    memset(n, 0, sizeof *n);
}

/* ---- jobs --------------------------------------------------------------- */

/* DIR/jobs/ID.json, or with "" DIR/jobs; malloc. */
static char *note_job(const volley_owner *owner, const char *id)
{
    char name[64];

    snprintf(name, sizeof name, "jobs%s%s%s", id[0] != '\0' ? "/" : "", id,
             id[0] != '\0' ? ".json" : "");
    return volley_join(owner->folder, name);
}

int ask_job_save(const volley_owner *owner, const ask_line *line,
                 const char id[ASK_ID], uint64_t most)
{
    char *folder = note_job(owner, ""), *path = note_job(owner, id);
    nni_json_writer w;
    int code = folder != NULL && path != NULL
                   ? volley_folder(folder) : volley_fail("no memory");

    nni_json_writer_init(&w, NULL, 1);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "format", "volley-job-1");
    nni_json_put_string(&w, "url", line->url);
    nni_json_put_word(&w, "most", most);
    nni_json_put_end(&w);
    if (code == VOLLEY_DONE)
        code = note_write(&w, path);
    else
        nni_json_writer_clear(&w);
    free(folder);
    free(path);
    return code;
}

int ask_job_load(uint64_t *most, const volley_owner *owner,
                 const ask_line *line, const char id[ASK_ID])
{
    char *path = note_job(owner, id);
    nni_json doc = {0};
    nni_members r;
    int code = VOLLEY_DONE;

    if (path == NULL)
        return volley_fail("no memory for a name");
    if (!note_open(&doc, &r, path, "volley-job-1")) {
        code = volley_fail("%s: no job of this name was asked for with the "
                           "keys in %s", id, owner->folder);
    } else {
        if (!note_is(&r, "url", line->url)
            || !nni_json_word(most, nni_member(&r, "most")))
            code = volley_fail("%s: this job is not at %s", path, line->url);
        nni_json_clear(&doc);
    }
    free(path);
    return code;
}

void ask_job_forget(const volley_owner *owner, const char id[ASK_ID])
{
    char *path = note_job(owner, id), *folder = note_job(owner, "");

    if (path != NULL)
        (void)unlink(path);
    if (folder != NULL)
        (void)rmdir(folder);            /* if it was the last                */
    free(path);
    free(folder);
}
