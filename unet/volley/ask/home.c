/* home.c -- where keys lie: in the folder that --keys names, or one for each
 * server and plan in the user's own; and which of them the server has.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "volley/ask/ask.h"

/* A name of a folder out of a URL: what stands behind "://", and letters,
 * digits, '.' and '-' of that; ports and hosts stay apart. */
static void home_server(char *out, const char *url)
{
    for (url = strstr(url, "://") + 3; *url != '\0'; url++)
        *out++ = isalnum((unsigned char)*url) || *url == '.' || *url == '-'
                     ? *url : '_';
    *out = '\0';
}

/* $XDG_DATA_HOME/volley/SERVER/MODEL-PLAN, or ~/.local/share/... */
char *ask_home(const volley_args *a, const ask_line *line,
               const ask_model *model)
{
    const char *data = getenv("XDG_DATA_HOME"), *user = getenv("HOME");
    const bool own = data != NULL && data[0] == '/';
    size_t size;
    char *out, *server;

    if (a->value[OPT_HOME] != NULL) {
        out = volley_join(a->value[OPT_HOME], "");
        if (out == NULL)
            volley_fail("no memory for a name");
        return out;
    }
    if (!own && (user == NULL || user[0] != '/')) {
        volley_fail("no HOME to keep keys in: --keys DIR names a folder for "
                    "them");
        return NULL;
    }
    size = strlen(own ? data : user) + strlen(line->url) + NN_NAME + ASK_ID
           + 64;
    out = malloc(size);
    server = malloc(strlen(line->url) + 1);
    if (out == NULL || server == NULL) {
        volley_fail("no memory for a name");
        free(out);
        out = NULL;
    } else {
        home_server(server, line->url);
        snprintf(out, size, "%s%s/volley/%s/%s-%.16s/", own ? data : user,
                 own ? "" : "/.local/share", server, model->name,
                 model->plan);
    }
    free(server);
    return out;
}

/* ---- keys here ---------------------------------------------------------- */

/* The plan beside its keys, for `volley decrypt` without a server. */
static int home_plan(const volley_source *s, const char *home)
{
    char *path = volley_join(home, "plan.json");
    char *text = NULL;
    size_t size = 0;
    int code = path == NULL ? volley_fail("no memory for a name")
                            : volley_check(nn_plan_save(&text, &size,
                                                        &s->plan));

    if (code == VOLLEY_DONE)
        code = volley_write(path, text, size, 0644);
    free(text);
    free(path);
    return code;
}

static int home_make(volley_source *s, const volley_args *a, const char *home)
{
    uint64_t bytes = 0;
    int code = volley_accept(s, a, UNET_KEYGEN);

    if (code != VOLLEY_DONE)
        return code;
    volley_state(s, a, UNET_KEYGEN, 1);
    code = volley_folder(home);
    if (code == VOLLEY_DONE && a->value[OPT_HOME] == NULL
        && chmod(home, 0700) != 0)
        code = volley_fail("%s: cannot be kept from others", home);
    if (code == VOLLEY_DONE)
        code = volley_keygen(s, home, a->value[OPT_TRUST] != NULL, &bytes);
    return code == VOLLEY_DONE ? home_plan(s, home) : code;
}

int ask_keys(volley_owner *out, volley_source *s, const volley_args *a,
             const char *home, bool *made)
{
    char *secret = volley_join(home, "secret.key");
    int code = secret == NULL ? volley_fail("no memory for a name")
                              : VOLLEY_DONE;

    *made = code == VOLLEY_DONE && access(secret, F_OK) != 0;
    free(secret);
    if (*made)
        code = home_make(s, a, home);
    if (code == VOLLEY_DONE)
        code = volley_owner_open(out, home, &s->plan);
    if (code == VOLLEY_DONE && a->value[OPT_TRUST] != NULL
        && !out->trust_server) {
        out->trust_server = true;
        code = volley_owner_save(out, &s->plan);
    }
    return code;
}

/* ---- keys there --------------------------------------------------------- */

/* Whether the server still has those of the note. */
static int home_known(bool *known, ask_note *n, ask_line *line,
                      const volley_owner *owner)
{
    char path[64], model[NN_NAME] = "";
    const http_request r = { .method = "GET", .path = path };
    http_answer a = {0};
    uint64_t bytes = 0;
    struct stat st;
    int code;

    *known = false;
    if (n->keys[0] == '\0')
        return VOLLEY_DONE;
    snprintf(path, sizeof path, "/v1/keys/%s", n->keys);
    code = ask_call(&a, line, &r, 404);
    if (code == VOLLEY_DONE && a.status != 404) {
        code = ask_read_keys(model, &bytes, line, &a);
        *known = code == VOLLEY_DONE && strcmp(model, n->model) == 0
                 && stat(owner->eval, &st) == 0
                 && bytes == (uint64_t)st.st_size;
    }
    http_clear(&a);
    if (!*known)
        n->keys[0] = '\0';
    return code;
}

static bool home_begun(void *user, const char upload[ASK_ID])
{
    ask_note *n = user;

    memcpy(n->upload, upload, ASK_ID);
    return ask_note_save(n) == VOLLEY_DONE;
}

int ask_keys_there(ask_note *n, ask_line *line, const volley_owner *owner)
{
    ask_parcel p = { .kind = "keys", .of = n->model, .path = owner->eval,
                     .begun = home_begun, .user = n };
    bool known = false;
    int code = home_known(&known, n, line, owner);

    if (code != VOLLEY_DONE || known)
        return code;
    memcpy(p.upload, n->upload, ASK_ID);
    code = ask_send(n->keys, NULL, line, &p);
    n->upload[0] = '\0';
    return code == VOLLEY_DONE ? ask_note_save(n) : code;
}
