/* decrypt.c -- decrypt: results to masks or classes, for the owner of the
 * images. */
#include <stdlib.h>

#include "volley.h"

/* The request that the result must answer; with --force its answers are
 * forgotten, and none need be known. */
static int decrypt_request(unet_request *out, bool *known, volley_source *s,
                           const volley_owner *owner, const char *path,
                           bool anyway)
{
    ckks_status status = unet_request_load(out, owner->requests, path,
                                           &s->plan);

    *known = status == CKKS_OK;
    if (status == CKKS_OK && anyway)
        unet_request_forget(out);
    if (status == CKKS_EPARAM && anyway)
        return VOLLEY_DONE;
    if (status == CKKS_EPARAM)
        return volley_fail("%s; --force takes it all the same",
                           nn_last_error());
    return volley_check(status);
}

/* A head that is refused here is refused with its reason when the results are
 * decrypted. */
int volley_record_load(uni_record *out, const volley_owner *owner,
                       const char *path)
{
    unet_reader *reader = NULL;
    unet_info info;
    const ckks_status s = unet_reader_open(&reader, path, NULL, UNET_OUTPUT);

    if (s == CKKS_EFORMAT || s == CKKS_EIO)
        return VOLLEY_DONE;
    if (s != CKKS_OK)
        return volley_check(s);
    unet_reader_info(&info, reader);
    unet_reader_close(&reader);
    return volley_check(uni_record_load(out, owner->requests, info.request,
                                        info.images));
}

int volley_decrypt(unet_result *out, volley_taken *taken, volley_source *s,
                   const volley_owner *owner, const char *const *path,
                   size_t paths, bool anyway)
{
    volley_progress progress;
    unet_request request = {0};
    bool known = false;
    ckks_sk *sk = NULL;
    ckks_status status;
    int code = decrypt_request(&request, &known, s, owner, path[0], anyway);

    if (code == VOLLEY_DONE)
        code = volley_source_context(s, NULL);
    if (code == VOLLEY_DONE)
        code = volley_load_secret(&sk, s, owner->secret);
    if (code == VOLLEY_DONE) {
        volley_progress_init(&progress, "decrypt");
        volley_progress_take(&progress, taken);
        status = unet_decrypt(out, known ? &request : NULL, path, paths,
                              &s->plan, s->ctx, sk, &progress.hooks);
        volley_progress_end(&progress);
        code = volley_check(status);
    }
    /* the answer is kept before anything is told of it */
    if (code == VOLLEY_DONE && known)
        code = volley_check(unet_request_save(owner->requests, &request));
    ckks_sk_clear(&sk);
    ckks_ctx_clear(&s->ctx);
    unet_request_clear(&request);
    return code;
}

static int decrypt_tell(const volley_results *x, const unet_result *r,
                        bool json, bool trust_server, double seconds)
{
    nni_json_writer w;

    if (!json) {
        volley_table_print(x);
        if (x->secret)
            printf("slots up to %.3g, refused from %.3g on; imaginary parts up "
                   "to %.3g, refused from %.3g on\n", r->largest, r->limit,
                   r->stray, r->bound);
        return VOLLEY_DONE;
    }
    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_double(&w, "seconds", seconds);
    nni_json_put_bool(&w, "trust_server", trust_server);
    volley_table_put(&w, x);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

static int decrypt_classes(const volley_args *a, const volley_names *names,
                           const unet_result *r, const nn_plan *p,
                           const uni_album *album, double start)
{
    volley_answers x = {0};
    int code = volley_answers_init(&x, a, p, names);

    if (code == VOLLEY_DONE)
        code = volley_answers_tell(&x, a, r->logit, album,
                                   volley_clock() - start, true);
    volley_answers_clear(&x);
    return code;
}

/* The key folder; --trust-server is kept in it. */
static int decrypt_owner(volley_owner *out, const volley_args *a,
                         const nn_plan *p)
{
    int code = volley_owner_open(out, a->value[OPT_KEY], p);

    if (code == VOLLEY_DONE && a->value[OPT_TRUST] != NULL
        && !out->trust_server) {
        out->trust_server = true;
        code = volley_owner_save(out, p);
    }
    return code;
}

void volley_decrypt_warn(const volley_owner *owner)
{
    if (!owner->trust_server)
        volley_warn("what comes out of this decryption must not go back to "
                    "the server, nor to whoever talks to it: of a result that "
                    "it made up, one mask gives it the secret key (decrypt "
                    "--help; --trust-server says that it computes what it is "
                    "asked)");
}

/* What the verb has in hand. */
typedef struct decrypt_hand {
    volley_owner owner;
    volley_names names;
    uni_record record;
    uni_album album;
    const uni_album *given;     /* the images, if they were                  */
    unet_result r;
    volley_taken taken;         /* masks, where no logits are wanted         */
} decrypt_hand;

static void decrypt_hand_clear(decrypt_hand *h)
{
    volley_taken_clear(&h->taken);
    volley_names_clear(&h->names);
    uni_record_clear(&h->record);
    unet_result_clear(&h->r);
    uni_album_clear(&h->album);
    volley_owner_clear(&h->owner);
}

/* The images that went in, if they are given: by the values that were asked for
 * then. */
static int decrypt_images(decrypt_hand *h, const volley_args *a,
                          volley_source *s)
{
    const volley_list *list = a->given.words > 0 ? &a->given : &a->overlay;
    int code = volley_record_load(&h->record, &h->owner, a->word[1]);

    if (code == VOLLEY_DONE && h->record.asked) {
        s->images.values = h->record.rule;
        s->images.low = h->record.low;
        s->images.high = h->record.high;
        s->images.given = s->asked = true;
    }
    if (code != VOLLEY_DONE || list->words == 0)
        return code;
    h->given = &h->album;
    return volley_album_of(&h->album, a, s, list->word, list->words,
                           a->word[1]);
}

/* They are those, and all have names. */
static int decrypt_names(decrypt_hand *h, const volley_args *a)
{
    int code = VOLLEY_DONE;

    if (h->given != NULL)
        code = volley_check_album(h->given, &h->r.job, &h->record,
                                  a->given.words > 0 ? "--images"
                                                     : "--overlay");
    if (code == VOLLEY_DONE && h->given != NULL && h->record.images == 0)
        code = volley_record(&h->record, h->given);
    if (code == VOLLEY_DONE)
        code = volley_names_init(&h->names, &h->record, h->r.job.images);
    return code;
}

static int decrypt_masks(const volley_args *a, decrypt_hand *h,
                         const nn_plan *p, double start)
{
    volley_results x = {
        .out = a->value[OPT_OUT], .plan = p, .job = &h->r.job,
        .logit = h->r.logit, .names = &h->names, .record = &h->record,
        .album = h->given, .sheet = a->value[OPT_SHEET],
        .overlay = a->overlay.words > 0,
        .secret = a->value[OPT_PRIVATE] != NULL
    };
    int code = volley_results_init(&x, &h->taken);

    if (code == VOLLEY_DONE)
        code = volley_truth(&x, &a->truth);
    if (code == VOLLEY_DONE)
        code = volley_results_save(&x);
    if (code == VOLLEY_DONE)
        code = decrypt_tell(&x, &h->r, a->value[OPT_JSON] != NULL,
                            h->owner.trust_server, volley_clock() - start);
    volley_results_clear(&x);
    return code;
}

/* The verb, the plan read and taken. */
static int decrypt_all(const volley_args *a, volley_source *s, double start)
{
    const bool classes = s->plan.num_classes > 0;
    const bool logits = classes || a->value[OPT_PRIVATE] != NULL;
    decrypt_hand h = { .taken = { .plan = &s->plan } };
    int code = decrypt_owner(&h.owner, a, &s->plan);

    if (code == VOLLEY_DONE)
        code = decrypt_images(&h, a, s);
    if (code == VOLLEY_DONE)
        volley_state(s, a, UNET_DECRYPT, 1);
    if (code == VOLLEY_DONE)
        code = volley_decrypt(&h.r, logits ? NULL : &h.taken, s, &h.owner,
                              a->word + 1, (size_t)(a->words - 1),
                              a->value[OPT_ANYWAY] != NULL);
    if (code == VOLLEY_DONE)
        code = decrypt_names(&h, a);
    if (code == VOLLEY_DONE)
        volley_decrypt_warn(&h.owner);
    if (code == VOLLEY_DONE && classes)
        code = decrypt_classes(a, &h.names, &h.r, &s->plan, h.given, start);
    else if (code == VOLLEY_DONE)
        code = decrypt_masks(a, &h, &s->plan, start);
    decrypt_hand_clear(&h);
    return code;
}

int volley_run_decrypt(const volley_args *a)
{
    const double start = volley_clock();
    volley_source s;
    nn_aim aim = {0};
    int code = volley_goal(&aim, a);

    if (code == VOLLEY_DONE && a->value[OPT_OUT] != NULL)
        code = volley_check_names(a->value[OPT_OUT]);
    if (code == VOLLEY_DONE && a->value[OPT_SHEET] != NULL)
        code = a->given.words + a->overlay.words > 0
               ? volley_check_sheet(a->value[OPT_SHEET])
               : volley_usage("decrypt: --sheet needs --images IMAGE..., the "
                              "images that went in");
    if (code == VOLLEY_DONE && a->given.words > 0 && a->overlay.words > 0)
        code = volley_usage("decrypt: --overlay and --images both name the "
                            "images that went in");
    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], false, NULL, &aim);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_check_kind(a, "decrypt", &s.plan);
    if (code == VOLLEY_DONE)
        code = volley_accept(&s, a, UNET_DECRYPT);
    if (code == VOLLEY_DONE)
        code = decrypt_all(a, &s, start);
    volley_source_clear(&s);
    return code;
}
