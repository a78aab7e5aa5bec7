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

int volley_decrypt(unet_result *out, uni_record *record, volley_source *s,
                   const volley_owner *owner, const char *const *path,
                   size_t paths, bool anyway)
{
    volley_progress progress;
    unet_request request = {0};
    bool known = false;
    ckks_sk *sk = NULL;
    ckks_status status;
    int code = decrypt_request(&request, &known, s, owner, path[0], anyway);

    if (code == VOLLEY_DONE && known)
        code = volley_check(uni_record_load(record, owner->requests,
                                            request.id, request.job.images));
    if (code == VOLLEY_DONE)
        code = volley_source_context(s, NULL);
    if (code == VOLLEY_DONE)
        code = volley_load_secret(&sk, s, owner->secret);
    if (code == VOLLEY_DONE) {
        volley_progress_init(&progress, "decrypt");
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

static int decrypt_tell_json(const char *out, const volley_names *names,
                             const volley_row *row, const nn_plan *p,
                             bool secret,
                             bool trust_server, double seconds)
{
    nni_json_writer w;

    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_double(&w, "seconds", seconds);
    nni_json_put_bool(&w, "trust_server", trust_server);
    volley_table_put(&w, out, names, row, p, secret);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

static int decrypt_tell(const volley_args *a, const volley_names *names,
                        const unet_result *r, const nn_plan *p,
                        bool trust_server, double start)
{
    const char *out = a->value[OPT_OUT];
    const bool secret = a->value[OPT_PRIVATE] != NULL;
    volley_row *row = volley_table_init(p, r->logit, &r->job);
    int code = row != NULL ? VOLLEY_DONE : VOLLEY_FAILED;

    if (code == VOLLEY_DONE && a->value[OPT_JSON] != NULL) {
        code = decrypt_tell_json(out, names, row, p, secret, trust_server,
                                 volley_clock() - start);
    } else if (code == VOLLEY_DONE) {
        volley_table_print(out, names, row, p, secret);
        if (secret)
            printf("slots up to %.3g, refused from %.3g on; imaginary parts up "
                   "to %.3g, refused from %.3g on\n", r->largest, r->limit,
                   r->stray, r->bound);
    }
    free(row);
    return code;
}

static int decrypt_masks(const volley_args *a, const volley_names *names,
                         const unet_result *r, const nn_plan *p,
                         const uni_album *album, bool trust_server,
                         double start)
{
    const char *out = a->value[OPT_OUT];
    int code = VOLLEY_DONE;

    if (a->overlay.words > 0)
        code = volley_check_results(out, names, "overlay",
                                    volley_picture_ending(".ppm"));
    if (code == VOLLEY_DONE && a->value[OPT_PRIVATE] != NULL)
        code = volley_check_probabilities(out, names, p);
    if (code == VOLLEY_DONE)
        code = volley_save_masks(out, names, p, r->logit, &r->job);
    if (code == VOLLEY_DONE && a->overlay.words > 0)
        code = volley_save_overlays(out, names, p, r->logit, &r->job, album);
    if (code == VOLLEY_DONE && a->value[OPT_PRIVATE] != NULL) {
        volley_warn("probabilities carry the noise of the ciphertext: whoever "
                    "gets them together with it can compute the secret key");
        code = volley_save_probabilities(out, names, p, r->logit, &r->job);
    }
    if (code == VOLLEY_DONE)
        code = decrypt_tell(a, names, r, p, trust_server, start);
    return code;
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

/* What the images are called: as they are given now, or were at encrypt. */
static int decrypt_names(volley_names *out, const uni_album *given,
                         const uni_record *record, size_t images)
{
    return given != NULL ? volley_names_album(out, given)
                         : volley_names_record(out, record, images);
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

static void decrypt_warn(const volley_owner *owner)
{
    if (!owner->trust_server)
        volley_warn("what comes out of this decryption must not go back to "
                    "the server, nor to whoever talks to it: of a result that "
                    "it made up, one mask gives it the secret key (decrypt "
                    "--help; --trust-server says that it computes what it is "
                    "asked)");
}

/* The verb, the plan read and taken. */
static int decrypt_all(const volley_args *a, volley_source *s, double start)
{
    const bool classes = s->plan.num_classes > 0;
    const volley_list *list = classes ? &a->given : &a->overlay;
    const uni_album *given = NULL;
    volley_owner owner = {0};
    volley_names names = {0};
    uni_record record = {0};
    uni_album album = {0};
    unet_result r = {0};
    int code = decrypt_owner(&owner, a, &s->plan);

    if (code == VOLLEY_DONE && list->words > 0) {
        code = volley_album_of(&album, a, &s->plan, list->word, list->words,
                               a->word[1]);
        given = &album;
    }
    if (code == VOLLEY_DONE)
        volley_state(s, a, UNET_DECRYPT, 1);
    if (code == VOLLEY_DONE)
        code = volley_decrypt(&r, &record, s, &owner, a->word + 1,
                              (size_t)(a->words - 1),
                              a->value[OPT_ANYWAY] != NULL);
    if (code == VOLLEY_DONE && given != NULL)
        code = volley_check_album(given, &r.job, &record,
                                  classes ? "--images" : "--overlay");
    if (code == VOLLEY_DONE)
        code = decrypt_names(&names, given, &record, r.job.images);
    if (code == VOLLEY_DONE)
        decrypt_warn(&owner);
    if (code == VOLLEY_DONE && classes)
        code = decrypt_classes(a, &names, &r, &s->plan, given, start);
    else if (code == VOLLEY_DONE)
        code = decrypt_masks(a, &names, &r, &s->plan, given,
                             owner.trust_server, start);
    volley_names_clear(&names);
    uni_record_clear(&record);
    unet_result_clear(&r);
    uni_album_clear(&album);
    volley_owner_clear(&owner);
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
        code = a->given.words > 0 ? volley_check_sheet(a->value[OPT_SHEET])
               : volley_usage("decrypt: --sheet needs --images IMAGE..., the "
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
