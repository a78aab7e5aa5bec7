/* run.c -- run: the steps of both sides in one command, for trying out.  Files
 * go through a folder beside the keys, which is removed at the end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "volley.h"

typedef struct run_hand {
    volley_owner owner;         /* its requests lie in the folder            */
    volley_passage pass;
    uni_album album;
    uni_record record;
    volley_names names;
    volley_answers answers;     /* of a classifier                           */
    unet_result r;
    volley_taken taken;         /* masks, where no logits are wanted         */
    volley_report ran;
    bool checked;               /* against the network without encryption    */
    size_t differ, all;         /* pixels or classes                         */
    double largest;             /* difference of a logit                     */
} run_hand;

/* ---- the folder ---------------------------------------------------------- */

static int run_folder(run_hand *h)
{
    int code = volley_passage_open(&h->pass, &h->owner, "run");

    if (code != VOLLEY_DONE)
        return code;
    free(h->owner.requests);
    h->owner.requests = volley_join(h->pass.folder, "");
    return h->owner.requests != NULL ? VOLLEY_DONE
                                     : volley_fail("no memory for a name");
}

/* The note of the request, should a signal come. */
static void run_leaves_request(const run_hand *h)
{
    unet_reader *reader = NULL;
    unet_info info;
    char name[2 * UNET_ID + 5], hex[33], *path;

    if (unet_reader_open(&reader, h->pass.in, NULL, UNET_INPUT) != CKKS_OK)
        return;
    unet_reader_info(&info, reader);
    unet_reader_close(&reader);
    volley_hex(hex, info.request);
    snprintf(name, sizeof name, "%s.req", hex);
    path = volley_join(h->pass.folder, name);
    if (path != NULL)
        volley_leaves(path);
    free(path);
}

static void run_clear(run_hand *h)
{
    volley_passage_clear(&h->pass);
    unet_result_clear(&h->r);
    volley_taken_clear(&h->taken);
    volley_answers_clear(&h->answers);
    volley_names_clear(&h->names);
    uni_record_clear(&h->record);
    uni_album_clear(&h->album);
    volley_owner_clear(&h->owner);
}

/* ---- the steps ----------------------------------------------------------- */

/* The keys of keygen. */
static int run_keys(run_hand *h, const volley_args *a, const nn_plan *p)
{
    const char *folder = a->value[OPT_HOME];
    char *secret = volley_join(folder, "secret.key");
    const bool there = secret != NULL && access(secret, F_OK) == 0;

    free(secret);
    if (!there)
        return volley_fail("%s holds no keys: volley keygen %s --out %s makes "
                           "them", folder, a->word[0], folder);
    return volley_owner_open(&h->owner, folder, p);
}

static int run_images(run_hand *h, const volley_args *a, volley_source *s)
{
    unet_job job = {0};
    int code = volley_values(s, a);

    if (code == VOLLEY_DONE)
        code = volley_album(&h->album, a, s, a->word + 1, a->words - 1);
    if (code == VOLLEY_DONE)
        code = volley_record(&h->record, &h->album);
    if (code == VOLLEY_DONE)
        code = volley_names_init(&h->names, &h->record, h->album.images);
    if (code == VOLLEY_DONE && s->plan.num_classes > 0)
        code = volley_answers_init(&h->answers, a, &s->plan, &h->names);
    if (code == VOLLEY_DONE)
        code = volley_check(unet_job_init(&job, &s->plan, h->album.size,
                                          h->album.images));
    if (code == VOLLEY_DONE) {
        volley_state_images(s, a, &h->album);
        volley_state_work(s, a, &job);
        volley_state(s, a, UNET_ENCRYPT, 1);
        if (a->value[OPT_JSON] == NULL)
            fprintf(stderr, "both sides on this machine, for trying out: who "
                    "reads %s reads the images\n", h->owner.folder);
    }
    unet_job_clear(&job);
    return code;
}

/* logits: they are wanted. */
static int run_steps(run_hand *h, volley_source *s, bool logits)
{
    const volley_input images = volley_album_input(&h->album);
    const char *const result[] = { h->pass.out };
    double start = volley_clock(), encrypt = 0;
    uint64_t up = 0;
    int code = volley_encrypt(s, &h->owner, &images, NULL, h->pass.in, &up);

    encrypt = volley_clock() - start;
    if (code == VOLLEY_DONE) {
        run_leaves_request(h);
        code = volley_evaluate(s, h->owner.eval, h->pass.in, NULL,
                               h->pass.out, &h->ran, NULL);
    }
    (void)unlink(h->pass.in);
    start = volley_clock();
    if (code == VOLLEY_DONE)
        code = volley_decrypt(&h->r, logits ? NULL : &h->taken, s, &h->owner,
                              result, 1, false);
    h->ran.encrypt = encrypt;
    h->ran.decrypt = volley_clock() - start;
    return code;
}

/* ---- the same without encryption ----------------------------------------- */

static int run_compare(run_hand *h, const nn_plan *p, size_t i,
                       const double *clear)
{
    const unet_size size = h->r.job.size[i];
    const size_t n = (size_t)size.height * (size_t)size.width;
    const size_t logits = volley_logits(p, size);
    uint8_t *mask = NULL;
    ckks_status s = CKKS_OK;

    for (size_t j = 0; j < logits; j++)
        h->largest = fmax(h->largest, fabs(clear[j] - h->r.logit[i][j]));
    if (p->num_classes > 0) {
        h->all++;
        h->differ += uni_class(p, clear) != uni_class(p, h->r.logit[i]);
        return VOLLEY_DONE;
    }
    mask = malloc(2 * n);
    if (mask == NULL)
        return volley_fail("no memory for two masks of %zu pixels", n);
    s = unet_mask(mask, p, clear, size);
    if (s == CKKS_OK)
        s = unet_mask(mask + n, p, h->r.logit[i], size);
    for (size_t j = 0; j < n && s == CKKS_OK; j++)
        h->differ += mask[j] != mask[n + j];
    h->all += n;
    free(mask);
    return volley_check(s);
}

static int run_check(run_hand *h, const volley_source *s)
{
    const volley_input images = volley_album_input(&h->album);
    double **clear = calloc(images.count, sizeof *clear);
    int code = clear != NULL ? VOLLEY_DONE : volley_fail("no memory");

    for (size_t i = 0; i < images.count && code == VOLLEY_DONE; i++) {
        clear[i] = calloc(volley_logits(&s->plan, images.size[i]),
                          sizeof **clear);
        if (clear[i] == NULL)
            code = volley_fail("no memory for the logits");
    }
    if (code == VOLLEY_DONE)
        code = volley_clear_logits(clear, s, &images, false);
    for (size_t i = 0; i < images.count && code == VOLLEY_DONE; i++)
        code = run_compare(h, &s->plan, i, clear[i]);
    h->checked = code == VOLLEY_DONE;
    for (size_t i = 0; i < images.count && clear != NULL; i++)
        free(clear[i]);
    free(clear);
    return code;
}

/* ---- what is told -------------------------------------------------------- */

static void run_tell_check(FILE *f, const run_hand *h, const nn_plan *p)
{
    if (h->checked)
        fprintf(f, "check: %zu of %zu %s differ from the same network without "
                "encryption (%.4f %%), logits by %.2g at most\n", h->differ,
                h->all, p->num_classes > 0 ? "classes" : "pixels",
                100 * (double)h->differ / (double)h->all, h->largest);
}

static void run_tell_times(FILE *f, const run_hand *h)
{
    const volley_report *r = &h->ran;
    char time[3][32];

    fprintf(f, "%zu image%s in %zu set%s: encrypt %s, evaluate %s with %d "
            "thread%s on %s, decrypt %s; peak %.0f MiB\n", r->images,
            r->images == 1 ? "" : "s", r->sets, r->sets == 1 ? "" : "s",
            volley_time(time[0], r->encrypt), volley_time(time[1],
                                                          r->evaluate),
            r->threads, r->threads == 1 ? "" : "s", r->kernel,
            volley_time(time[2], r->decrypt), r->peak_rss_mib);
}

static int run_tell_json(const run_hand *h, const volley_results *x)
{
    nni_json_writer w;

    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_word(&w, "images", h->ran.images);
    nni_json_put_word(&w, "sets", h->ran.sets);
    nni_json_put_object(&w, "seconds");
    nni_json_put_double(&w, "encrypt", h->ran.encrypt);
    nni_json_put_double(&w, "evaluate", h->ran.evaluate);
    nni_json_put_double(&w, "decrypt", h->ran.decrypt);
    nni_json_put_end(&w);
    nni_json_put_double(&w, "peak_rss_mib", h->ran.peak_rss_mib);
    if (h->checked) {
        nni_json_put_object(&w, "check");
        nni_json_put_word(&w, "pixels", h->all);
        nni_json_put_word(&w, "differ", h->differ);
        nni_json_put_double(&w, "largest_logit_difference", h->largest);
        nni_json_put_end(&w);
    }
    volley_table_put(&w, x);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

static int run_masks(const volley_args *a, run_hand *h, const nn_plan *p)
{
    const bool json = a->value[OPT_JSON] != NULL;
    volley_results x = {
        .out = a->value[OPT_OUT], .plan = p, .job = &h->r.job,
        .logit = h->r.logit, .names = &h->names, .record = &h->record,
        .album = &h->album, .sheet = a->value[OPT_SHEET],
        .overlay = a->value[OPT_DRAW] != NULL
    };
    int code = volley_results_init(&x, &h->taken);

    if (code == VOLLEY_DONE)
        code = volley_truth(&x, &a->truth);
    if (code == VOLLEY_DONE)
        code = volley_results_save(&x);
    if (code == VOLLEY_DONE && json) {
        code = run_tell_json(h, &x);
    } else if (code == VOLLEY_DONE) {
        volley_table_print(&x);
        run_tell_times(stdout, h);
        run_tell_check(stdout, h, p);
    }
    volley_results_clear(&x);
    return code;
}

static int run_classes(const volley_args *a, run_hand *h, const nn_plan *p,
                       double start)
{
    int code = volley_answers_tell(&h->answers, a, h->r.logit, &h->album,
                                   volley_clock() - start, true);

    if (code == VOLLEY_DONE) {
        FILE *f = a->value[OPT_JSON] != NULL ? stderr : stdout;

        run_tell_times(f, h);
        run_tell_check(f, h, p);
    }
    return code;
}

/* ---- the verb ------------------------------------------------------------ */

static int run_all(const volley_args *a, volley_source *s, double start)
{
    run_hand h = { .taken = { .plan = &s->plan } };
    int code = run_keys(&h, a, &s->plan);

    if (code == VOLLEY_DONE)
        code = run_images(&h, a, s);
    if (code == VOLLEY_DONE)
        code = run_folder(&h);
    if (code == VOLLEY_DONE)
        code = run_steps(&h, s, s->plan.num_classes > 0
                                || a->value[OPT_CHECK] != NULL);
    if (code == VOLLEY_DONE && a->value[OPT_CHECK] != NULL)
        code = run_check(&h, s);
    if (code == VOLLEY_DONE)
        code = s->plan.num_classes > 0 ? run_classes(a, &h, &s->plan, start)
                                       : run_masks(a, &h, &s->plan);
    run_clear(&h);
    return code;
}

int volley_run_run(const volley_args *a)
{
    const double start = volley_clock();
    volley_source s;
    nn_aim aim = {0};
    int code;

    aim.threads = volley_threads();
    code = volley_goal(&aim, a);
    if (code == VOLLEY_DONE && a->value[OPT_OUT] != NULL)
        code = volley_check_names(a->value[OPT_OUT]);
    if (code == VOLLEY_DONE && a->value[OPT_SHEET] != NULL)
        code = volley_check_sheet(a->value[OPT_SHEET]);
    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], true, a->value[OPT_PLAN],
                                  &aim);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_check_kind(a, "run", &s.plan);
    if (code == VOLLEY_DONE)
        code = volley_accept(&s, a, UNET_ENCRYPT);
    if (code == VOLLEY_DONE)
        code = run_all(a, &s, start);
    volley_source_clear(&s);
    return code;
}
