/* route.c -- addresses and methods to what is done. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/members.h"
#include "http.h"

/* ---- what is done -------------------------------------------------------- */

static void route_object(nni_json_writer *w)
{
    nni_json_writer_init(w, NULL, 0);
    nni_json_put_object(w, NULL);
}

static enum MHD_Result route_answer(serve_request *r, int status,
                                    nni_json_writer *w)
{
    nni_json_put_end(w);
    return serve_answer_json(r, status, w);
}

serve_item *serve_request_item(serve_request *r, serve_kind kind)
{
    static const char *const what[] = { "upload", "keys", "job" };
    static const char *const way[] = {
        "begin an upload: POST /v1/uploads", "send the keys again",
        "send the images again: results are kept for a time"
    };
    serve_item *x = serve_find(r->s, kind, r->id);

    if (x != NULL && memcmp(x->owner, r->owner, UNET_ID) == 0)
        return x;
    (void)serve_refuse(&r->error, 404, way[kind], "no such %s is here",
                       what[kind]);
    return NULL;
}

static enum MHD_Result route_models(serve_request *r)
{
    nni_json_writer w;

    route_object(&w);
    serve_put_models(&w, r->s);
    return route_answer(r, 200, &w);
}

static enum MHD_Result route_plan(serve_request *r)
{
    const serve_model *m = serve_model_find(r->s, r->name);
    struct MHD_Response *x;

    if (m == NULL) {
        serve_refuse(&r->error, 404, "GET /v1/models lists them",
                     "no model of this name is served here");
        return serve_answer_error(r);
    }
    x = MHD_create_response_from_buffer(m->size, m->text,
                                        MHD_RESPMEM_PERSISTENT);
    if (x == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(x, "Content-Type", "application/json");
    return serve_answer(r, 200, x, m->size);
}

/* ---- uploads ------------------------------------------------------------- */

/* {"kind":"keys","model":NAME,"bytes":N} or {"kind":"job","keys":ID,...} */
static bool route_wish(serve_wish *wish, serve_request *r)
{
    static const char *const kind[] = { "keys", "job" };
    static const char *const known[][4] = {
        { "kind", "model", "bytes", NULL }, { "kind", "keys", "bytes", NULL }
    };
    char word[NN_NAME] = "";
    nni_json doc = {0};
    nni_members m;
    bool good;

    memset(wish, 0, sizeof *wish);
    if (nni_json_load(&doc, "body", (const uint8_t *)r->talk, r->size)
        != CKKS_OK)
        return serve_refuse(&r->error, 400, "send an object: kind, model or "
                            "keys, bytes", "%s", nn_last_error());
    m = (nni_members){ &doc, &doc.node[0], "body", "upload", CKKS_OK };
    wish->of_job = nni_member_choice(&m, "kind", kind, 2) == 1;
    nni_members_known(&m, known[wish->of_job]);
    nni_member_name(&m, wish->of_job ? "keys" : "model", word);
    if (!nni_json_word(&wish->bytes, nni_member(&m, "bytes"))
        || wish->bytes >= (uint64_t)1 << 60)
        nni_member_refuse(&m, "bytes", "no whole number below 2^60");
    good = m.st == CKKS_OK;
    nni_json_clear(&doc);
    if (!good)
        return serve_refuse(&r->error, 400, "send an object: kind, model or "
                            "keys, bytes", "%s", nn_last_error());
    snprintf(wish->name, sizeof wish->name, "%s", word);
    if (wish->of_job && !serve_is_id(word))
        return serve_refuse(&r->error, 404, "send the keys first: POST "
                            "/v1/uploads of kind keys", "no such keys are "
                            "here");
    snprintf(wish->keys, sizeof wish->keys, "%.32s", word);
    return true;
}

static enum MHD_Result route_begin(serve_request *r)
{
    serve_wish wish;
    serve_item *x;
    nni_json_writer w;

    if (!route_wish(&wish, r))
        return serve_answer_error(r);
    x = serve_upload_begin(r->s, &wish, r->owner, &r->error);
    if (x == NULL)
        return serve_answer_error(r);
    route_object(&w);
    nni_json_put_string(&w, "upload", x->id);
    nni_json_put_word(&w, "piece_bytes", x->piece);
    nni_json_put_word(&w, "pieces", x->pieces);
    return route_answer(r, 201, &w);
}

static enum MHD_Result route_piece(serve_request *r)
{
    uint8_t got[32];

    if (r->digest) {
        gnutls_hash_output(r->sha, got);
        if (memcmp(got, r->want, sizeof got) != 0)
            serve_refuse(&r->error, 422, "send the piece again", "piece %u "
                         "came damaged: it has another digest", r->k);
    }
    if (r->error.status == 0)
        (void)serve_piece_end(r->s, &r->piece, &r->error);
    serve_piece_clear(&r->piece);
    return r->error.status != 0 ? serve_answer_error(r)
                                : serve_answer_empty(r, 204);
}

static enum MHD_Result route_upload(serve_request *r)
{
    const serve_item *x = serve_request_item(r, SERVE_UPLOAD);
    nni_json_writer w;

    if (x == NULL)
        return serve_answer_error(r);
    route_object(&w);
    serve_put_upload(&w, x);
    return route_answer(r, 200, &w);
}

/* An answer that was lost is given again: the upload is keys or a job then, of
 * the same id. */
static serve_item *route_finished(const serve_request *r)
{
    serve_item *x = serve_find(r->s, SERVE_KEY, r->id);

    if (x == NULL)
        x = serve_find(r->s, SERVE_JOB, r->id);
    return x != NULL && memcmp(x->owner, r->owner, UNET_ID) == 0 ? x : NULL;
}

static enum MHD_Result route_finish(serve_request *r)
{
    serve_item *x = route_finished(r);
    nni_json_writer w;
    bool good = true;

    if (x == NULL) {
        x = serve_request_item(r, SERVE_UPLOAD);
        if (x == NULL)
            return serve_answer_error(r);
        x->users++;
        good = serve_upload_finish(r->s, x, &r->error);
        serve_release(x);
    }
    if (!good)
        return serve_answer_error(r);
    route_object(&w);
    if (x->kind == SERVE_KEY) {
        nni_json_put_string(&w, "keys", x->id);
        nni_json_put_int(&w, "expires", x->expires);
    } else {
        nni_json_put_string(&w, "job", x->id);
        nni_json_put_word(&w, "place", serve_place(r->s, x));
    }
    return route_answer(r, 201, &w);
}

/* ---- keys and jobs ------------------------------------------------------- */

static enum MHD_Result route_keys(serve_request *r)
{
    const serve_item *x = serve_request_item(r, SERVE_KEY);
    nni_json_writer w;

    if (x == NULL)
        return serve_answer_error(r);
    route_object(&w);
    nni_json_put_string(&w, "model", x->model);
    nni_json_put_word(&w, "bytes", x->bytes);
    nni_json_put_int(&w, "expires", x->expires);
    return route_answer(r, 200, &w);
}

static enum MHD_Result route_job(serve_request *r)
{
    const serve_item *x = serve_request_item(r, SERVE_JOB);
    nni_json_writer w;

    if (x == NULL)
        return serve_answer_error(r);
    route_object(&w);
    serve_put_job(&w, r->s, x);
    return route_answer(r, 200, &w);
}

static enum MHD_Result route_drop(serve_request *r, serve_kind kind)
{
    serve_item *x = serve_request_item(r, kind);
    const size_t needed = x != NULL && kind == SERVE_KEY
                              ? serve_needed(r->s, x) : 0;
    int e;

    if (x != NULL && needed > 0)
        serve_refuse(&r->error, 409, "wait for these jobs, or delete them",
                     "%zu job%s that wait or run need these keys", needed,
                     needed == 1 ? "" : "s");
    if (x == NULL || needed > 0)
        return serve_answer_error(r);
    x->users++;
    if (kind == SERVE_JOB)
        serve_child_cancel(r->s, x);
    e = serve_drop(r->s, x);
    if (e == 0)
        serve_tell(r->s, x);
    else
        serve_refuse_system(&r->error, "removing it", e);
    serve_release(x);
    return e == 0 ? serve_answer_empty(r, 204) : serve_answer_error(r);
}

static enum MHD_Result route_drop_upload(serve_request *r)
{
    return route_drop(r, SERVE_UPLOAD);
}

static enum MHD_Result route_drop_keys(serve_request *r)
{
    return route_drop(r, SERVE_KEY);
}

static enum MHD_Result route_drop_job(serve_request *r)
{
    return route_drop(r, SERVE_JOB);
}

/* ---- addresses ----------------------------------------------------------- */

static const serve_route route_table[] = {
    { "GET", "models", route_models },
    { "GET", "models/NAME/plan", route_plan },
    { "POST", "uploads", route_begin },
    { "GET", "uploads/ID", route_upload },
    { "DELETE", "uploads/ID", route_drop_upload },
    { "POST", "uploads/ID/finish", route_finish },
    { "PUT", "uploads/ID/K", route_piece },
    { "GET", "keys/ID", route_keys },
    { "DELETE", "keys/ID", route_drop_keys },
    { "GET", "jobs/ID", route_job },
    { "DELETE", "jobs/ID", route_drop_job },
    { "GET", "jobs/ID/events", serve_events },
    { "GET", "jobs/ID/result", serve_result }
};
static const serve_route route_options = { "OPTIONS", "", serve_preflight };
static const serve_route route_page = { "GET", "", serve_page };

bool serve_route_is_piece(const serve_request *r)
{
    return r->route->act == route_piece;
}

/* One segment of a path against one of a pattern. */
static bool route_segment(serve_request *r, const char *pattern,
                          size_t length, const char *text, size_t size)
{
    char word[NN_NAME];

    if (size >= sizeof word)
        return false;
    memcpy(word, text, size);
    word[size] = '\0';
    if (length == 4 && strncmp(pattern, "NAME", 4) == 0) {
        memcpy(r->name, word, size + 1);
        return size > 0;
    }
    if (length == 2 && strncmp(pattern, "ID", 2) == 0) {
        if (serve_is_id(word))
            memcpy(r->id, word, sizeof r->id);
        return serve_is_id(word);
    }
    if (length == 1 && pattern[0] == 'K') {
        if (size < 1 || size > 7 || strspn(word, "0123456789") != size
            || (size > 1 && word[0] == '0'))
            return false;
        r->k = (uint32_t)strtoul(word, NULL, 10);
        return true;
    }
    return length == size && strncmp(pattern, text, size) == 0;
}

static bool route_matches(serve_request *r, const char *pattern,
                          const char *path)
{
    for (;;) {
        const size_t n = strcspn(pattern, "/"), m = strcspn(path, "/");

        if (!route_segment(r, pattern, n, path, m)
            || pattern[n] != path[m])
            return false;
        if (pattern[n] == '\0')
            return true;
        pattern += n + 1;
        path += m + 1;
    }
}

bool serve_route_find(serve_request *r, const char *url, const char *method)
{
    r->head = strcmp(method, "HEAD") == 0;
    if (strcmp(method, "OPTIONS") == 0) {
        r->route = &route_options;
        return true;
    }
    if (r->head)
        method = "GET";
    if (strncmp(url, "/v1/", 4) != 0) {
        r->route = &route_page;
        r->allow = "GET, HEAD";
        if (url[0] == '/' && strlen(url) < sizeof r->name)
            snprintf(r->name, sizeof r->name, "%s", url + 1);
        return strcmp(method, "GET") == 0
               || serve_refuse(&r->error, 405, "GET it", "this method is not "
                               "for the page");
    }
    for (size_t i = 0; i < sizeof route_table / sizeof *route_table; i++) {
        if (!route_matches(r, route_table[i].path, url + 4))
            continue;
        /* there are two methods of an address at most: GET and DELETE */
        r->allow = r->route != NULL ? "GET, DELETE" : route_table[i].method;
        r->route = &route_table[i];
        if (strcmp(method, r->route->method) == 0
            && !(r->head && r->route->act == serve_events))
            return true;
    }
    if (r->route == NULL)
        return serve_refuse(&r->error, 404, "docs/17-service.md lists the "
                            "addresses", "there is nothing at this address");
    return serve_refuse(&r->error, 405, "take the method that Allow names",
                        "this method is not for this address");
}
