/* tell.c -- what ask gives: masks or classes, and what it took. */
#include "volley/ask/hand.h"

static void tell_times(FILE *f, const ask_hand *h)
{
    static const char *const name[ASK_PARTS] = {
        "keys made in ", "encrypted in ", "sent in ", "the server ",
        "fetched in ", "decrypted in "
    };
    char time[32], bytes[2][32];
    const char *between = "";

    fprintf(f, "%zu image%s: ", h->r.job.images,
            h->r.job.images == 1 ? "" : "s");
    for (int i = 0; i < ASK_PARTS; i++) {
        if (h->seconds[i] <= 0)
            continue;
        fprintf(f, "%s%s%s", between, name[i],
                volley_time(time, h->seconds[i]));
        between = ", ";
    }
    fprintf(f, "; %s up, %s down\n",
            volley_bytes(bytes[0], (double)h->line.sent),
            volley_bytes(bytes[1], (double)h->bytes));
}

static int tell_json(const ask_hand *h, const volley_results *x)
{
    static const char *const name[ASK_PARTS] = {
        "keygen", "encrypt", "send", "server", "fetch", "decrypt"
    };
    nni_json_writer w;

    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "server", h->line.url);
    nni_json_put_string(&w, "model", h->model.name);
    nni_json_put_string(&w, "job", h->job);
    nni_json_put_string(&w, "keys", h->home);
    nni_json_put_word(&w, "images", h->r.job.images);
    nni_json_put_object(&w, "seconds");
    for (int i = 0; i < ASK_PARTS; i++)
        nni_json_put_double(&w, name[i], h->seconds[i]);
    nni_json_put_end(&w);
    nni_json_put_word(&w, "upload_bytes", h->line.sent);
    nni_json_put_word(&w, "download_bytes", h->bytes);
    nni_json_put_bool(&w, "trust_server", h->owner.trust_server);
    volley_table_put(&w, x);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

static int tell_masks(ask_hand *h)
{
    volley_results x = {
        .out = h->a->value[OPT_OUT], .plan = &h->source.plan,
        .job = &h->r.job, .logit = h->r.logit, .names = &h->names,
        .record = &h->record, .album = h->given ? &h->album : NULL,
        .sheet = h->a->value[OPT_SHEET],
        .overlay = h->a->value[OPT_DRAW] != NULL && h->given
    };
    int code = volley_results_init(&x, &h->taken);

    if (code == VOLLEY_DONE)
        code = volley_truth(&x, &h->a->truth);
    if (code == VOLLEY_DONE)
        code = volley_results_save(&x);
    if (code == VOLLEY_DONE && h->a->value[OPT_JSON] != NULL) {
        code = tell_json(h, &x);
    } else if (code == VOLLEY_DONE) {
        volley_table_print(&x);
        tell_times(stdout, h);
    }
    volley_results_clear(&x);
    return code;
}

int ask_tell(ask_hand *h)
{
    int code;

    if (h->source.plan.num_classes == 0)
        return tell_masks(h);
    code = volley_answers_tell(&h->answers, h->a, h->r.logit,
                               h->given ? &h->album : NULL,
                               volley_clock() - h->start, true);
    if (code == VOLLEY_DONE)
        tell_times(h->a->value[OPT_JSON] != NULL ? stderr : stdout, h);
    return code;
}
