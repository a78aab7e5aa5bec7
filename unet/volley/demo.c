/* demo.c -- the whole way on the example images, through files as a user
 * would go it: plan, keygen, encrypt, evaluate, decrypt, and the cleartext
 * twin and the truth to compare with.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

/* ---- where things are --------------------------------------------------- */

char *demo_root(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    for (int up = 0; up < 2 && n > 0; up++) {
        while (n > 0 && path[n - 1] != '/')
            n--;
        while (n > 0 && path[n - 1] == '/')
            n--;
    }
    if (n > 0) {
        char *probe;
        bool there;

        path[n] = '\0';
        probe = volley_join(path, "unet/models/gm.safetensors");
        there = probe != NULL && access(probe, R_OK) == 0;
        free(probe);
        if (there)
            return volley_sibling(path, "", NULL);
    }
    return volley_sibling(".", "", NULL);
}

char *demo_in(const char *folder, const char *name)
{
    char *path = volley_join(folder, name);

    if (path == NULL)
        (void)volley_fail("no memory for a name");
    return path;
}

static int demo_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int demo_list(demo *d)
{
    static const char ending[] = "-image.pgm";
    DIR *folder = opendir(d->data);

    if (folder == NULL)
        return volley_fail("opening the folder %s: %s; see volley demo "
                           "--help for --data", d->data, strerror(errno));
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        size_t n = strlen(e->d_name), cut = sizeof ending - 1;

        if (n <= cut || strcmp(e->d_name + n - cut, ending) != 0
            || d->count == DEMO_SLICES)
            continue;
        d->name[d->count] = volley_join(d->data, e->d_name);
        if (d->name[d->count] == NULL)
            break;
        n = strlen(d->name[d->count]);
        d->name[d->count++][n - cut] = '\0';
    }
    (void)closedir(folder);
    if (d->count == 0)
        return volley_fail("%s has no file NAME%s", d->data, ending);
    qsort(d->name, (size_t)d->count, sizeof d->name[0], demo_compare);
    return VOLLEY_DONE;
}

int demo_load(volley_images *out, const demo *d, const char *tag,
              int channels)
{
    char *path[DEMO_SLICES] = {0}, ending[NN_NAME + 16];
    const char *list[DEMO_SLICES];
    int code = VOLLEY_DONE;

    snprintf(ending, sizeof ending, "-%s.pgm", tag);
    for (int i = 0; i < d->count && code == VOLLEY_DONE; i++) {
        size_t size = strlen(d->name[i]) + strlen(ending) + 1;

        list[i] = path[i] = malloc(size);
        if (path[i] == NULL)
            code = volley_fail("no memory for a name");
        else
            snprintf(path[i], size, "%s%s", d->name[i], ending);
    }
    if (code == VOLLEY_DONE)
        code = volley_images_load(out, list, d->count, channels,
                                  d->image.count > 0 ? d->image.size : NULL);
    for (int i = 0; i < d->count; i++)
        free(path[i]);
    return code;
}

static int demo_check_truth(const demo *d)
{
    for (int i = 0; i < d->count; i++)
        if (d->truth.size[i].height != d->image.size[i].height
            || d->truth.size[i].width != d->image.size[i].width)
            return volley_fail("%s: image %dx%d, truth %dx%d", d->name[i],
                               d->image.size[i].height,
                               d->image.size[i].width,
                               d->truth.size[i].height,
                               d->truth.size[i].width);
    return VOLLEY_DONE;
}

static int demo_open(demo *d, const volley_args *a)
{
    int code = VOLLEY_DONE;

    d->quiet = a->value[OPT_JSON] != NULL;
    d->out = a->value[OPT_OUT] != NULL ? a->value[OPT_OUT] : "build/demo";
    d->root = demo_root();
    if (d->root == NULL)
        return volley_fail("no memory");
    d->model = a->value[OPT_MODEL] != NULL
               ? volley_sibling(a->value[OPT_MODEL], "", NULL)
               : demo_in(d->root, "unet/models/gm.safetensors");
    d->data = a->value[OPT_DATA] != NULL
              ? volley_sibling(a->value[OPT_DATA], "", NULL)
              : demo_in(d->root, "examples/data");
    if (d->model == NULL || d->data == NULL)
        return VOLLEY_FAILED;
    code = volley_source_load(&d->source, d->model, true, NULL, NULL);
    if (code == VOLLEY_DONE && d->source.plan.num_classes > 0)
        code = volley_fail("demo: %s classifies, and the demo is about masks",
                           d->model);
    if (code == VOLLEY_DONE && d->source.plan.num_labels > 0)
        code = volley_fail("demo: %s gives %d labels, and the demo is about "
                           "masks of one class", d->model,
                           d->source.plan.num_labels);
    if (code == VOLLEY_DONE)
        code = demo_list(d);
    if (code == VOLLEY_DONE)
        code = demo_load(&d->image, d, "image", d->source.plan.channels);
    if (code == VOLLEY_DONE)
        code = demo_load(&d->truth, d, d->source.plan.name, 1);
    if (code == VOLLEY_DONE)
        code = demo_check_truth(d);
    if (code == VOLLEY_DONE)
        code = volley_check(unet_job_init(&d->job, &d->source.plan,
                                          d->image.size, d->image.count));
    if (code == VOLLEY_DONE)
        code = volley_folder(d->out);
    if (code != VOLLEY_DONE)
        return code;
    d->keys = demo_in(d->out, "eval.keys");
    d->secret = demo_in(d->out, "secret.key");
    d->in_vct = demo_in(d->out, "in.vct");
    d->out_vct = demo_in(d->out, "out.vct");
    return d->keys != NULL && d->secret != NULL && d->in_vct != NULL
           && d->out_vct != NULL ? VOLLEY_DONE : VOLLEY_FAILED;
}

static void demo_close(demo *d)
{
    for (size_t i = 0; i < d->job.images && d->clear != NULL; i++)
        free(d->clear[i]);
    free(d->clear);
    for (int i = 0; i < d->count; i++) {
        free(d->mask[i]);
        free(d->twin[i]);
        free(d->label[i]);
        free(d->name[i]);
    }
    unet_result_clear(&d->result);
    unet_job_clear(&d->job);
    volley_images_clear(&d->image);
    volley_images_clear(&d->truth);
    volley_source_clear(&d->source);
    free(d->keys);
    free(d->secret);
    free(d->in_vct);
    free(d->out_vct);
    free(d->model);
    free(d->data);
    free(d->root);
}

/* ---- the stages --------------------------------------------------------- */

static void demo_say(const demo *d, const char *stage, double seconds,
                     const char *what, double bytes)
{
    char time[32], size[32];

    if (d->quiet)
        return;
    printf("%-9s %8s  %s", stage, volley_time(time, seconds), what);
    if (bytes > 0)
        printf(", %s", volley_bytes(size, bytes));
    printf("\n");
    fflush(stdout);
}

static int demo_stages(demo *d)
{
    volley_report ran = {0};
    uint64_t up = 0, keys = 0;
    const volley_input images = volley_images_input(&d->image);
    const char *const result[] = { d->out_vct };
    volley_owner owner = {0};
    double start = volley_clock(), keygen = 0, encrypt = 0;
    int code = volley_keygen(&d->source, d->out, false, &keys);

    keygen = volley_clock() - start;
    if (code == VOLLEY_DONE) {
        demo_say(d, "keygen", keygen, "secret.key, eval.keys", (double)keys);
        start = volley_clock();
        code = volley_owner_open(&owner, d->out, &d->source.plan);
    }
    if (code == VOLLEY_DONE) {
        code = volley_encrypt(&d->source, &owner, &images, NULL, d->in_vct,
                              &up);
        encrypt = volley_clock() - start;
    }
    if (code == VOLLEY_DONE) {
        demo_say(d, "encrypt", encrypt, "in.vct", (double)up);
        code = volley_evaluate(&d->source, d->keys, d->in_vct, NULL,
                               d->out_vct, &ran, NULL);
    }
    if (code == VOLLEY_DONE) {
        demo_say(d, "evaluate", ran.evaluate, "out.vct", (double)ran.download);
        start = volley_clock();
        code = volley_decrypt(&d->result, NULL, &d->source, &owner, result, 1,
                              false);
    }
    volley_owner_clear(&owner);
    ran.keygen = keygen;
    ran.encrypt = encrypt;
    ran.decrypt = volley_clock() - start;
    if (code == VOLLEY_DONE)
        demo_say(d, "decrypt", ran.decrypt, "masks", 0);
    d->report = ran;
    return code;
}

/* 255 where the value is above the threshold; malloc, NULL: told. */
static uint8_t *demo_mask(const double *value, unet_size size,
                          double threshold)
{
    const size_t n = (size_t)size.height * (size_t)size.width;
    uint8_t *mask = malloc(n);

    if (mask == NULL)
        (void)volley_fail("no memory for a mask of %zu pixels", n);
    for (size_t i = 0; i < n && mask != NULL; i++)
        mask[i] = value[i] > threshold ? 255 : 0;
    return mask;
}

static int demo_clear(demo *d)
{
    const volley_input images = volley_images_input(&d->image);
    const double threshold = d->source.plan.threshold;
    double start = volley_clock();
    int code;

    d->clear = calloc(d->job.images, sizeof *d->clear);
    for (size_t i = 0; i < d->job.images && d->clear != NULL; i++) {
        d->clear[i] = calloc((size_t)d->job.size[i].height
                             * (size_t)d->job.size[i].width,
                             sizeof **d->clear);
        if (d->clear[i] == NULL)
            return volley_fail("no memory for the logits");
    }
    if (d->clear == NULL)
        return volley_fail("no memory for the logits");
    code = volley_clear_logits(d->clear, &d->source, &images, false);
    for (int i = 0; i < d->count && code == VOLLEY_DONE; i++) {
        unet_size size = d->job.size[i];

        d->mask[i] = demo_mask(d->result.logit[i], size, threshold);
        d->twin[i] = demo_mask(d->clear[i], size, threshold);
        d->label[i] = demo_mask(d->truth.pixel[i], size, 127.5);
        if (d->mask[i] == NULL || d->twin[i] == NULL || d->label[i] == NULL)
            code = VOLLEY_FAILED;
    }
    if (code == VOLLEY_DONE)
        demo_say(d, "clear", volley_clock() - start, "masks without "
                 "encryption", 0);
    return code;
}

static void demo_last_words(const demo *d)
{
    const volley_report *r = &d->report;
    char up[32], down[32], keys[32];

    if (d->quiet)
        return;
    printf("\n%zu slices in %zu set%s; %s up, %s down, %s of evaluation keys; "
           "peak memory %.0f MiB\n", r->images, r->sets,
           r->sets == 1 ? "" : "s", volley_bytes(up, (double)r->upload),
           volley_bytes(down, (double)r->download),
           volley_bytes(keys, (double)r->keys), r->peak_rss_mib);
    printf("%d thread%s, kernel %s, N = 2^%d, log2 QP %.1f, about %.0f bits "
           "of security\n", r->threads, r->threads == 1 ? "" : "s", r->kernel,
           r->log_n, r->log_qp, r->security_bits);
    printf("%s: input.png truth.png mask.png overlay.png report.json\n",
           d->out);
}

int volley_run_demo(const volley_args *a)
{
    demo *d = calloc(1, sizeof *d);
    int code;

    if (d == NULL)
        return volley_fail("no memory");
    code = demo_open(d, a);
    if (code == VOLLEY_DONE && !d->quiet) {
        volley_print_plan(&d->source.plan);
        printf("\n");
        fflush(stdout);
    }
    if (code == VOLLEY_DONE)
        code = demo_stages(d);
    if (code == VOLLEY_DONE)
        code = demo_clear(d);
    if (code == VOLLEY_DONE) {
        demo_compare_all(d);
        code = demo_pictures(d);
    }
    if (code == VOLLEY_DONE)
        code = demo_report(d);
    if (code == VOLLEY_DONE)
        demo_last_words(d);
    demo_close(d);
    free(d);
    return code;
}
