/* verb.c -- ask: what a server's user does, from the URL to the mask. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "volley/ask/hand.h"

/* ---- the network -------------------------------------------------------- */

/* The one that --model names, or the only one. */
static int verb_choose(ask_hand *h, const ask_model *model, size_t count)
{
    const char *name = h->a->value[OPT_NETWORK];
    char all[512] = "";

    for (size_t i = 0; i < count; i++) {
        const size_t n = strlen(all);

        if (name == NULL ? count == 1 : strcmp(name, model[i].name) == 0) {
            h->model = model[i];
            return VOLLEY_DONE;
        }
        snprintf(all + n, sizeof all - n, "%s%s", i > 0 ? ", " : "",
                 model[i].name);
    }
    if (count == 0)
        return volley_fail("%s has no network", h->line.url);
    if (name == NULL)
        return volley_usage("%s has several networks: --model takes one of %s",
                            h->line.url, all);
    return volley_fail("%s has no network '%s', but %s", h->line.url, name,
                       all);
}

static int verb_models(ask_hand *h)
{
    const http_request r = { .method = "GET", .path = "/v1/models" };
    ask_model *model = calloc(ASK_MODELS, sizeof *model);
    http_answer a = {0};
    size_t count = 0;
    int code = model == NULL ? volley_fail("no memory")
                             : ask_call(&a, &h->line, &r, 0);

    if (code == VOLLEY_DONE)
        code = ask_read_models(model, &count, &h->line, &a);
    if (code == VOLLEY_DONE)
        code = verb_choose(h, model, count);
    http_clear(&a);
    free(model);
    return code;
}

/* A plan's text, which must be of the fingerprint that was listed. */
static int verb_take_plan(ask_hand *h, const http_answer *a)
{
    uint8_t id[UNET_ID];
    char hex[ASK_ID];

    if (a->text == NULL || a->size > VOLLEY_PLAN_BYTES
        || nn_plan_load(&h->source.plan, a->text, a->size) != CKKS_OK)
        return volley_fail("%s: %s", h->source.path,
                           a->text != NULL && a->size <= VOLLEY_PLAN_BYTES
                               ? nn_last_error() : "no plan");
    if (nn_plan_fingerprint(id, &h->source.plan) != CKKS_OK)
        return volley_fail("%s: %s", h->source.path, nn_last_error());
    volley_hex(hex, id);
    if (strcmp(hex, h->model.plan) != 0)
        return volley_fail("%s: the plan is %s, the server's list says %s: it "
                           "is damaged, or was changed just now: try again",
                           h->source.path, hex, h->model.plan);
    h->source.images = h->source.plan.images;
    return VOLLEY_DONE;
}

static int verb_plan(ask_hand *h)
{
    char path[NN_NAME + 32];
    const http_request r = { .method = "GET", .path = path };
    http_answer a = {0};
    const size_t size = strlen(h->line.url) + NN_NAME + 16;
    int code;

    h->label = malloc(size);
    if (h->label == NULL)
        return volley_fail("no memory for a name");
    snprintf(h->label, size, "%s, model %s", h->line.url, h->model.name);
    h->source.path = h->label;
    snprintf(path, sizeof path, "/v1/models/%s/plan", h->model.name);
    code = ask_call(&a, &h->line, &r, 0);
    if (code == VOLLEY_DONE)
        code = verb_take_plan(h, &a);
    http_clear(&a);
    if (code == VOLLEY_DONE)
        code = volley_check_kind(h->a, "ask", &h->source.plan);
    if (code == VOLLEY_DONE)
        code = volley_accept(&h->source, h->a, UNET_DECRYPT);
    return code == VOLLEY_DONE ? volley_accept(&h->source, h->a, UNET_ENCRYPT)
                               : code;
}

/* ---- images ------------------------------------------------------------- */

/* Those that will go, looked at before any key is made. */
static int verb_images(ask_hand *h)
{
    const volley_args *a = h->a;
    int code = volley_values(&h->source, a);

    if (code == VOLLEY_DONE)
        code = volley_album(&h->album, a, &h->source, a->word + 1,
                            a->words - 1);
    if (code == VOLLEY_DONE)
        code = volley_encrypt_ready(&h->record, &h->source, a, &h->album);
    if (code == VOLLEY_DONE)
        code = volley_names_init(&h->names, &h->record, h->album.images);
    if (code == VOLLEY_DONE && h->source.plan.num_classes > 0)
        code = volley_answers_init(&h->answers, a, &h->source.plan,
                                   &h->names);
    h->given = code == VOLLEY_DONE;
    return code;
}

/* Those of a job that was begun before: what was kept of them, and they
 * themselves where they are named. */
static int verb_images_before(ask_hand *h)
{
    const volley_args *a = h->a;
    int code = volley_record_load(&h->record, &h->owner, h->pass.out);

    if (code == VOLLEY_DONE && h->record.asked) {
        h->source.images.values = h->record.rule;
        h->source.images.low = h->record.low;
        h->source.images.high = h->record.high;
        h->source.images.given = h->source.asked = true;
    }
    if (code == VOLLEY_DONE && a->words > 1) {
        code = volley_album_of(&h->album, a, &h->source, a->word + 1,
                               a->words - 1, h->pass.out);
        h->given = code == VOLLEY_DONE;
    }
    return code;
}

/* After decryption: they are those, and all have names. */
static int verb_names_before(ask_hand *h)
{
    int code = VOLLEY_DONE;

    if (h->given)
        code = volley_check_album(&h->album, &h->r.job, &h->record, "IMAGE");
    if (code == VOLLEY_DONE)
        code = volley_names_init(&h->names, &h->record, h->r.job.images);
    if (code == VOLLEY_DONE && h->source.plan.num_classes > 0)
        code = volley_answers_init(&h->answers, h->a, &h->source.plan,
                                   &h->names);
    return code;
}

/* ---- the steps ---------------------------------------------------------- */

/* Keys here and there. */
static int verb_keys(ask_hand *h)
{
    const double start = volley_clock();
    bool made = false;
    int code;

    h->home = ask_home(h->a, &h->line, &h->model);
    if (h->home == NULL)
        return VOLLEY_FAILED;
    code = ask_keys(&h->owner, &h->source, h->a, h->home, &made);
    if (made)
        h->seconds[ASK_KEYGEN] = volley_clock() - start;
    if (code == VOLLEY_DONE)
        code = ask_note_load(&h->note, &h->owner, &h->line, h->model.name);
    return code;
}

static int verb_encrypt(ask_hand *h)
{
    const volley_input images = volley_album_input(&h->album);
    const double start = volley_clock();
    uint64_t bytes = 0;
    unet_job job = {0};
    int code = volley_check(unet_job_init(&job, &h->source.plan, images.size,
                                          images.count));

    h->sets = job.sets;
    h->most = (uint64_t)job.sets * h->source.cost.download
              + 16 * (uint64_t)job.images + (1 << 16);
    unet_job_clear(&job);
    if (code == VOLLEY_DONE)
        code = volley_encrypt(&h->source, &h->owner, &images, &h->record,
                              h->pass.in, &bytes);
    h->seconds[ASK_ENCRYPT] = volley_clock() - start;
    return code;
}

/* Keys that the server has lost meanwhile are sent once more. */
static int verb_send(ask_hand *h)
{
    const double start = volley_clock();
    int code = VOLLEY_DONE;

    for (int turn = 0; turn < 2; turn++) {
        ask_parcel p = { .kind = "job", .of = h->note.keys,
                         .path = h->pass.in };

        code = ask_keys_there(&h->note, &h->line, &h->owner);
        if (code == VOLLEY_DONE)
            code = ask_send(h->job, NULL, &h->line, &p);
        if (code != ASK_GONE)
            break;
        h->note.keys[0] = '\0';
    }
    if (code == ASK_GONE)
        code = volley_fail("%s: keeps no keys", h->line.url);
    h->seconds[ASK_SEND] = volley_clock() - start;
    (void)unlink(h->pass.in);
    if (code == VOLLEY_DONE)
        code = ask_job_save(&h->owner, &h->line, h->job, h->most);
    if (code == VOLLEY_DONE && h->a->value[OPT_JSON] == NULL)
        fprintf(stderr, "%s: job %s; should this be cut, --job %s fetches its "
                "result\n", h->line.url, h->job, h->job);
    return code;
}

static int verb_fetch(ask_hand *h)
{
    ask_job job = {0};
    double start = volley_clock();
    int code = ask_follow(&job, &h->line, h->job);

    h->seconds[ASK_RUN] = volley_clock() - start;
    start = volley_clock();
    if (code == VOLLEY_DONE)
        code = ask_fetch(h->pass.out, &h->line, h->job, &job, h->most);
    if (code == VOLLEY_DONE)
        h->bytes = job.bytes;
    if (code == VOLLEY_FAILED && job.state == ASK_FAILED) {
        ask_drop(&h->line, "jobs", h->job);
        ask_job_forget(&h->owner, h->job);
    }
    h->seconds[ASK_FETCH] = volley_clock() - start;
    return code;
}

static int verb_decrypt(ask_hand *h)
{
    const bool logits = h->source.plan.num_classes > 0;
    const char *const path[] = { h->pass.out };
    const double start = volley_clock();
    int code = volley_decrypt(&h->r, logits ? NULL : &h->taken, &h->source,
                              &h->owner, path, 1, false);

    h->seconds[ASK_DECRYPT] = volley_clock() - start;
    return code;
}

/* The server need not keep what has been read here. */
static int verb_forget(ask_hand *h)
{
    ask_drop(&h->line, "jobs", h->job);
    ask_job_forget(&h->owner, h->job);
    if (h->a->value[OPT_FORGET] == NULL)
        return VOLLEY_DONE;
    ask_drop(&h->line, "keys", h->note.keys);
    h->note.keys[0] = '\0';
    return ask_note_save(&h->note);
}

/* All up to the result's file. */
static int verb_job(ask_hand *h)
{
    const char *before = h->a->value[OPT_JOB];
    int code = before == NULL ? verb_images(h) : VOLLEY_DONE;

    if (code == VOLLEY_DONE)
        code = verb_keys(h);
    if (code == VOLLEY_DONE)
        code = volley_passage_open(&h->pass, &h->owner, "ask");
    if (code == VOLLEY_DONE && before == NULL)
        code = verb_encrypt(h);
    if (code == VOLLEY_DONE && before == NULL)
        code = verb_send(h);
    if (code == VOLLEY_DONE && before != NULL) {
        memcpy(h->job, before, sizeof h->job);
        code = ask_job_load(&h->most, &h->owner, &h->line, before);
    }
    return code == VOLLEY_DONE ? verb_fetch(h) : code;
}

/* From there to what was wanted. */
static int verb_result(ask_hand *h)
{
    const bool before = h->a->value[OPT_JOB] != NULL;
    int code = before ? verb_images_before(h) : VOLLEY_DONE;

    if (code == VOLLEY_DONE)
        code = verb_decrypt(h);
    if (code == VOLLEY_DONE && before)
        code = verb_names_before(h);
    if (code == VOLLEY_DONE) {
        volley_decrypt_warn(&h->owner);
        code = ask_tell(h);
    }
    return code == VOLLEY_DONE ? verb_forget(h) : code;
}

/* ---- the verb ----------------------------------------------------------- */

static int verb_check(const volley_args *a)
{
    const char *job = a->value[OPT_JOB], *name = a->value[OPT_NETWORK];

    if (job != NULL && !ask_is_id(job))
        return volley_usage("ask: --job '%s' is not an id of 32 hex digits",
                            job);
    if (name != NULL && !ask_is_name(name))
        return volley_usage("ask: --model '%s' is no name of a network: "
                            "letters, digits, '.', '_', '-'", name);
    if (job == NULL && a->words < 2)
        return volley_usage("ask: an image is missing; usage: volley ask URL "
                            "IMAGE... [-o RESULT]");
    if (a->value[OPT_OUT] != NULL
        && volley_check_names(a->value[OPT_OUT]) != VOLLEY_DONE)
        return VOLLEY_USAGE;
    if (a->value[OPT_SHEET] == NULL)
        return VOLLEY_DONE;
    return a->words > 1
               ? volley_check_sheet(a->value[OPT_SHEET])
               : volley_usage("ask: --sheet needs the images that went in");
}

static void verb_clear(ask_hand *h)
{
    volley_passage_clear(&h->pass);
    unet_result_clear(&h->r);
    volley_taken_clear(&h->taken);
    volley_answers_clear(&h->answers);
    volley_names_clear(&h->names);
    uni_record_clear(&h->record);
    uni_album_clear(&h->album);
    volley_owner_clear(&h->owner);
    volley_source_clear(&h->source);
    ask_note_clear(&h->note);
    ask_line_close(&h->line);
    free(h->label);
    free(h->home);
    free(h);
}

int ask_run(const volley_args *a)
{
    ask_hand *h = calloc(1, sizeof *h);     /* a plan is large               */
    int code = verb_check(a);

    if (h == NULL)
        return volley_fail("no memory");
    h->a = a;
    h->start = volley_clock();
    h->taken.plan = &h->source.plan;
    if (code == VOLLEY_DONE)
        code = ask_line_open(&h->line, a, a->word[0]);
    if (code == VOLLEY_DONE)
        code = verb_models(h);
    if (code == VOLLEY_DONE)
        code = verb_plan(h);
    if (code == VOLLEY_DONE)
        code = verb_job(h);
    if (code == VOLLEY_DONE)
        code = verb_result(h);
    verb_clear(h);
    return code;
}
