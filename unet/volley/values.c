/* values.c -- what a model says of its images, what the images at hand are, and
 * what is odd about them: said before any work. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "volley.h"

enum { VALUES_TOLD = 8 };       /* volumes that have a line                  */

/* ---- --values, --window -------------------------------------------------- */

/* "LOW:HIGH", finite, LOW < HIGH. */
static bool values_pair(double *low, double *high, const char *text)
{
    char *end = NULL;

    *low = strtod(text, &end);
    if (end == text || *end != ':')
        return false;
    text = end + 1;
    *high = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*low) && isfinite(*high)
           && *low < *high;
}

/* "percentiles", "percentiles:LOW:HIGH" or "full". */
static int values_rule(nn_images *images, const char *text)
{
    static const char rule[] = "percentiles";
    const size_t n = strlen(rule);

    images->low = images->high = 0;
    if (strcmp(text, "full") == 0) {
        images->values = NN_VALUES_FULL;
        return VOLLEY_DONE;
    }
    images->values = NN_VALUES_PERCENTILES;
    if (strncmp(text, rule, n) != 0 || (text[n] != '\0' && text[n] != ':'))
        return volley_usage("--values '%s' is not percentiles, "
                            "percentiles:LOW:HIGH or full", text);
    if (text[n] == ':' && (!values_pair(&images->low, &images->high,
                                        text + n + 1)
                           || images->low < 0 || images->high > 100))
        return volley_usage("--values '%s': LOW:HIGH are percentiles, 0 <= LOW "
                            "< HIGH <= 100", text);
    return VOLLEY_DONE;
}

int volley_values(volley_source *s, const volley_args *a)
{
    const char *window = a->value[OPT_WINDOW], *rule = a->value[OPT_VALUES];
    nn_images images = s->images;
    int code = VOLLEY_DONE;

    if (window != NULL && rule != NULL)
        return volley_usage("--window and --values contradict each other");
    if (window != NULL) {
        images.values = NN_VALUES_WINDOW;
        if (!values_pair(&images.low, &images.high, window))
            code = volley_usage("--window '%s' is not LOW:HIGH, two numbers in "
                                "the units of the images, LOW < HIGH", window);
    } else if (rule != NULL) {
        code = values_rule(&images, rule);
    }
    if (code == VOLLEY_DONE && (window != NULL || rule != NULL)) {
        images.given = true;
        s->images = images;
        s->asked = true;
    }
    return code;
}

/* ---- what a model expects ------------------------------------------------ */

/* "percentiles 1 to 99.5", "values -100 to 300", "the whole range". */
static void values_words(char *out, size_t size, const nn_images *images)
{
    const bool none = images->low == 0 && images->high == 0;

    if (images->values == NN_VALUES_FULL)
        snprintf(out, size, "values of the whole range of the format");
    else
        snprintf(out, size, "%s %g to %g as black to white",
                 images->values == NN_VALUES_WINDOW ? "values" : "percentiles",
                 none ? 1.0 : images->low, none ? 99.5 : images->high);
}

bool volley_images_known(const nn_images *images)
{
    return images->given;
}

void volley_print_images(FILE *f, const nn_images *images)
{
    char words[96];

    if (!volley_images_known(images))
        return;
    values_words(words, sizeof words, images);
    fprintf(f, "for: %s", images->modality[0] != '\0' ? images->modality
                                                      : "images");
    if (images->plane != NN_PLANE_ANY || images->spacing_y > 0)
        fprintf(f, "; %s slices", uni_plane_name(images->plane));
    if (images->spacing_y > 0)
        fprintf(f, " of %g x %g mm a pixel", images->spacing_y,
                images->spacing_x);
    fprintf(f, "; %s\n", words);
}

void volley_put_images(nni_json_writer *w, const nn_images *images)
{
    static const char *const rule[] = { "percentiles", "window", "full" };

    if (!volley_images_known(images))
        return;
    nni_json_put_object(w, "images");
    nni_json_put_string(w, "modality", images->modality);
    if (images->plane != NN_PLANE_ANY)
        nni_json_put_string(w, "plane", uni_plane_name(images->plane));
    if (images->spacing_y > 0) {
        nni_json_put_array(w, "spacing");
        nni_json_put_double(w, NULL, images->spacing_y);
        nni_json_put_double(w, NULL, images->spacing_x);
        nni_json_put_end(w);
    }
    nni_json_put_string(w, "values", rule[images->values]);
    if (images->values != NN_VALUES_FULL) {
        const bool none = images->low == 0 && images->high == 0;

        nni_json_put_double(w, "low", none ? 1.0 : images->low);
        nni_json_put_double(w, "high", none ? 99.5 : images->high);
    }
    nni_json_put_end(w);
}

/* ---- the images at hand -------------------------------------------------- */

/* A line for a volume: slices, plane, spacing, and what becomes of them. */
static void values_volume(const uni_album_volume *v, const char *name)
{
    const uni_slicing *s = &v->slicing;
    char axes[4];

    uni_geometry_axes(axes, &v->geometry);
    if (v->geometry.unplaced)
        fprintf(stderr, "%s: %zu of %d slices, which do not say where they "
                "lie", name, v->count, s->slices);
    else
        fprintf(stderr, "%s: %zu of %d %s slices (stored %s)", name, v->count,
                s->slices, uni_plane_name(s->plane), axes);
    fprintf(stderr, ", %dx%d pixels", s->rows, s->columns);
    if (s->spacing[1] > 0)
        fprintf(stderr, " of %.4g x %.4g mm", s->spacing[1], s->spacing[2]);
    if (s->height != s->rows || s->width != s->columns)
        fprintf(stderr, ", resampled to %dx%d", s->height, s->width);
    fprintf(stderr, "\n");
}

static void values_warn(void *user, const char *line)
{
    (void)user;
    volley_warn("%s", line);
}

void volley_state_images(const volley_source *s, const volley_args *a,
                         const uni_album *album)
{
    const bool quiet = a->value[OPT_JSON] != NULL;

    if (!quiet && volley_images_known(&s->images)) {
        fprintf(stderr, "%s is ", s->plan.name);
        volley_print_images(stderr, &s->images);
    }
    for (size_t i = 0; i < album->volumes; i++) {
        const uni_album_volume *v = &album->volume[i];
        const char *name = v->count == 0 ? NULL
                           : uni_album_source_of(album, v->first).file;

        if (name != NULL && !quiet && i < VALUES_TOLD)
            values_volume(v, name);
        uni_album_say_spacing(album, i, s->plan.name, &s->images, values_warn,
                              NULL);
    }
    if (!quiet && album->volumes > VALUES_TOLD)
        fprintf(stderr, "and %zu volumes more\n",
                album->volumes - VALUES_TOLD);
    uni_album_say_values(album, values_warn, NULL);
}

void volley_state_work(const volley_source *s, const volley_args *a,
                       const unet_job *job)
{
    const double seconds = s->plan.seconds;
    const uint64_t up = s->cost.upload, down = s->cost.download;
    char text[2][32], time[2][32];

    if (a->value[OPT_JSON] != NULL)
        return;
    fprintf(stderr, "%zu image%s in %zu set%s of %d: at most %s up, %s down",
            job->images, job->images == 1 ? "" : "s", job->sets,
            job->sets == 1 ? "" : "s", s->plan.layout.batch,
            volley_bytes(text[0], (double)up * (double)job->sets),
            volley_bytes(text[1], (double)down * (double)job->sets));
    if (seconds > 0)
        fprintf(stderr, "; evaluate about %s a set on %d thread%s, %s",
                volley_time(time[0], seconds), s->plan.threads,
                s->plan.threads == 1 ? "" : "s",
                volley_time(time[1], seconds + (double)(job->sets - 1)
                                     * (seconds - s->plan.fresh_seconds)));
    fprintf(stderr, "\n");
}
