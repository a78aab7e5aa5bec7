/* owner.c -- the key folder, and what its owner takes from the other side.
 *
 *   DIR/secret.key      stays with the owner
 *   DIR/eval.keys       goes to the server
 *   DIR/owner.json      the plan these keys were made for, and whether the
 *                       server is trusted to compute what it is asked
 *   DIR/requests        what was uploaded, to recognise its result
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "volley.h"

enum { OWNER_BYTES = 1 << 16 };

int volley_policy(unet_policy *out, const volley_args *a)
{
    int memory = 0, code;

    memset(out, 0, sizeof *out);
    code = volley_security(&out->security, a);
    if (code == VOLLEY_DONE)
        code = volley_int(&memory, a, OPT_LIMIT, 1, 1 << 24, 0);
    out->insecure = a->value[OPT_INSECURE] != NULL;
    out->memory = (uint64_t)memory << 20;
    if (memory == 0) {
        const long pages = sysconf(_SC_PHYS_PAGES);
        const long bytes = sysconf(_SC_PAGESIZE);

        if (pages > 0 && bytes > 0)
            out->memory = (uint64_t)pages * (uint64_t)bytes;
    }
    return code;
}

/* On standard error: it comes before the work, and is no result. */
void volley_state(const volley_source *s, const volley_args *a, unet_work work,
                  size_t folders)
{
    const nn_plan *p = &s->plan;
    const unet_cost *c = &s->cost;
    char disk[32], memory[32];

    if (a->value[OPT_JSON] != NULL)
        return;
    fprintf(stderr, "%s: N = 2^%d%s, log2 QP %.1f, ", p->name, p->params.log_n,
            p->params.ring == CKKS_RING_REAL
                ? ", the real ring (a younger assumption)" : "", c->log_qp);
    if (c->security > 0)
        fprintf(stderr, "%d bits of security by the table, ", c->security);
    else
        fprintf(stderr, "BELOW 128 BITS OF SECURITY, ");
    fprintf(stderr, "about %.0f estimated\n", c->estimate);
    if (work == UNET_KEYGEN)
        fprintf(stderr, "%zu keys, at most %s on disk", p->num_keys,
                volley_bytes(disk, (double)c->keys * (double)folders));
    else
        fprintf(stderr, "at most %s of %s a set of %d",
                volley_bytes(disk, (double)(work == UNET_ENCRYPT
                                                ? c->upload : c->download)),
                work == UNET_ENCRYPT ? "upload" : "results", p->layout.batch);
    fprintf(stderr, "; at most %s of memory\n",
            volley_bytes(memory, (double)c->memory[work]));
}

int volley_accept(volley_source *s, const volley_args *a, unet_work work)
{
    unet_policy policy;
    ckks_status status;
    int code = volley_policy(&policy, a);

    if (code != VOLLEY_DONE)
        return code;
    status = unet_accept(&s->cost, &s->plan, &policy, work);
    if (status == CKKS_EPARAM)
        return volley_fail("%s: %s; --insecure takes it all the same",
                           s->path, nn_last_error());
    if (status == CKKS_EMEM)
        return volley_fail("%s: %s (--memory MIB sets another)", s->path,
                           nn_last_error());
    if (status != CKKS_OK)
        return volley_fail("%s: %s", s->path, nn_last_error());
    if (s->cost.security < (policy.security == 0 ? 128 : policy.security))
        volley_warn("%s: %d bits of security by the table, for tests only",
                    s->path, s->cost.security);
    return VOLLEY_DONE;
}

void volley_put_cost(nni_json_writer *w, const volley_source *s,
                     unet_work work)
{
    const unet_cost *c = &s->cost;

    nni_json_put_int(w, "log_n", s->plan.params.log_n);
    nni_json_put_bool(w, "real", s->plan.params.ring == CKKS_RING_REAL);
    nni_json_put_double(w, "log_qp", c->log_qp);
    nni_json_put_int(w, "security", c->security);
    nni_json_put_double(w, "security_estimate", c->estimate);
    nni_json_put_word(w, "memory_bytes_at_most", c->memory[work]);
}

/* ---- the key folder ----------------------------------------------------- */

void volley_owner_clear(volley_owner *o)
{
    free(o->folder);
    free(o->secret);
    free(o->eval);
    free(o->note);
    free(o->requests);
    memset(o, 0, sizeof *o);
}

int volley_owner_paths(volley_owner *o, const char *folder)
{
    memset(o, 0, sizeof *o);
    o->folder = volley_join(folder, "");
    o->secret = volley_join(folder, "secret.key");
    o->eval = volley_join(folder, "eval.keys");
    o->note = volley_join(folder, "owner.json");
    o->requests = volley_join(folder, "requests");
    if (o->folder != NULL && o->secret != NULL && o->eval != NULL
        && o->note != NULL && o->requests != NULL)
        return VOLLEY_DONE;
    volley_owner_clear(o);
    return volley_fail("no memory for a name");
}

int volley_owner_save(const volley_owner *o, const nn_plan *p)
{
    uint8_t id[UNET_ID];
    char hex[33];
    nni_json_writer w;
    int code;

    if (nn_plan_fingerprint(id, p) != CKKS_OK)
        return volley_fail("%s", nn_last_error());
    volley_hex(hex, id);
    nni_json_writer_init(&w, NULL, 1);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "format", "volley-owner-1");
    nni_json_put_string(&w, "plan", hex);
    nni_json_put_bool(&w, "trust_server", o->trust_server);
    nni_json_put_end(&w);
    code = volley_check(nni_json_writer_finish(&w));
    if (code == VOLLEY_DONE)
        code = volley_write(o->note, w.data, w.size, 0600);
    nni_json_writer_clear(&w);
    return code;
}

static bool owner_text(const nni_json *doc, const char *key, const char **out)
{
    const nni_json_node *n = nni_json_get(doc, doc->node, key);

    if (n == NULL || n->kind != NN_JSON_STRING)
        return false;
    *out = n->text;
    return true;
}

/* owner.json against the plan at hand. */
static int owner_parse(volley_owner *o, const nni_json *doc, const nn_plan *p)
{
    static const char *const known[] = { "format", "plan", "trust_server",
                                         NULL };
    const nni_json_node *trust = nni_json_get(doc, doc->node, "trust_server");
    const char *format = "", *plan = "";
    uint8_t id[UNET_ID];
    char hex[33];

    if (!owner_text(doc, "format", &format) || !owner_text(doc, "plan", &plan)
        || strcmp(format, "volley-owner-1") != 0 || strlen(plan) != 32
        || nni_json_unknown(doc, doc->node, known) != NULL || trust == NULL
        || (trust->kind != NN_JSON_TRUE && trust->kind != NN_JSON_FALSE))
        return volley_fail("%s is not the note of a key folder", o->note);
    if (nn_plan_fingerprint(id, p) != CKKS_OK)
        return volley_fail("%s", nn_last_error());
    volley_hex(hex, id);
    if (strcmp(hex, plan) != 0)
        return volley_fail("%s: these keys were made for the plan %s, this "
                           "one is %s (%s): take the plan that keygen had, or "
                           "make other keys", o->note, plan, hex, p->name);
    o->trust_server = trust->kind == NN_JSON_TRUE;
    return VOLLEY_DONE;
}

static int owner_read(volley_owner *o, const nn_plan *p)
{
    nni_json doc = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    struct stat st;
    int code;

    if (stat(o->note, &st) != 0)
        return volley_fail("%s is not there: it lies beside secret.key, and "
                           "says which plan the keys were made for; keygen "
                           "makes it", o->note);
    code = volley_read(&data, &size, o->note, OWNER_BYTES);
    if (code != VOLLEY_DONE)
        return code;
    if (nni_json_load(&doc, "owner", data, size) != CKKS_OK)
        code = volley_fail("%s: %s", o->note, nn_last_error());
    else
        code = owner_parse(o, &doc, p);
    nni_json_clear(&doc);
    ckks_file_free(data, size);
    return code;
}

/* The folder of a key that was named, or that is one. */
static char *owner_folder(const char *key)
{
    const char *slash = strrchr(key, '/');
    struct stat st;
    size_t length;
    char *out;

    if (stat(key, &st) == 0 && S_ISDIR(st.st_mode))
        return volley_join(key, "");
    length = slash == NULL ? 1 : (size_t)(slash - key) + 1;
    out = malloc(length + 1);
    if (out != NULL) {
        memcpy(out, slash == NULL ? "." : key, length);
        out[length] = '\0';
    }
    return out;
}

int volley_owner_open(volley_owner *out, const char *key, const nn_plan *p)
{
    volley_owner o;
    struct stat st;
    char *folder = owner_folder(key);
    int code = folder == NULL ? volley_fail("no memory for a name")
               : lstat(key, &st) != 0
                   ? volley_fail("%s: %s; keygen makes a folder of keys", key,
                                 strerror(errno))
                   : volley_owner_paths(&o, folder);

    free(folder);
    if (code != VOLLEY_DONE)
        return code;
    if (stat(key, &st) != 0 || !S_ISDIR(st.st_mode)) {
        free(o.secret);                     /* the file, by its own name      */
        o.secret = volley_sibling(key, "", NULL);
        if (o.secret == NULL)
            code = volley_fail("no memory for a name");
    }
    if (code == VOLLEY_DONE)
        code = owner_read(&o, p);
    if (code != VOLLEY_DONE) {
        volley_owner_clear(&o);
        return code;
    }
    *out = o;
    return VOLLEY_DONE;
}
