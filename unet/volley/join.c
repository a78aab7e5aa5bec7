/* join.c -- join: the parts of one result to the whole.
 *
 * Nothing here, or called from here, decrypts or reads a secret key.
 */
#include "volley.h"

static int join_print(const volley_args *a, const unet_joined *done)
{
    nni_json_writer w;
    char size[32], id[33];

    volley_hex(id, done->request);
    if (a->value[OPT_JSON] == NULL) {
        printf("%s: %zu image%s in %zu set%s of %zu part%s, %s\n",
               a->value[OPT_OUT], done->images, done->images == 1 ? "" : "s",
               done->sets, done->sets == 1 ? "" : "s", done->parts,
               done->parts == 1 ? "" : "s",
               volley_bytes(size, (double)done->bytes));
        return VOLLEY_DONE;
    }
    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "request", id);
    nni_json_put_word(&w, "images", done->images);
    nni_json_put_word(&w, "sets", done->sets);
    nni_json_put_word(&w, "parts", done->parts);
    nni_json_put_word(&w, "bytes", done->bytes);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

int volley_run_join(const volley_args *a)
{
    volley_progress progress;
    unet_joined done = {0};
    ckks_status s;

    volley_progress_init(&progress, "join");
    s = unet_join(a->value[OPT_OUT], &done, a->word, (size_t)a->words,
                  &progress.hooks);
    volley_progress_end(&progress);
    return s == CKKS_OK ? join_print(a, &done) : volley_check(s);
}
