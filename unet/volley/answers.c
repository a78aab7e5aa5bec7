/* answers.c -- what a classifier says: lines, CSV, JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "volley.h"

enum { ANSWERS_SHOWN = 20 };

int volley_answers_init(volley_answers *out, const volley_args *a,
                        const nn_plan *p, const volley_names *names)
{
    const size_t images = names->images;
    int first = 0;
    int code = volley_int(&first, a, OPT_FIRST, 0, 1 << 29, 0);

    memset(out, 0, sizeof *out);
    if (code != VOLLEY_DONE)
        return code;
    out->plan = p;
    out->images = images;
    out->name = calloc(images, sizeof *out->name);
    if (out->name == NULL)
        return volley_fail("no memory for %zu names", images);
    for (size_t i = 0; i < images; i++) {
        char number[24];

        snprintf(number, sizeof number, "%zu", (size_t)first + i);
        out->name[i] = volley_sibling(names->known ? names->image[i] : number,
                                      "", NULL);
        if (out->name[i] == NULL)
            return volley_fail("no memory for a name");
    }
    if (a->value[OPT_LABELS] == NULL)
        return VOLLEY_DONE;
    out->label = calloc(images, sizeof *out->label);
    if (out->label == NULL)
        return volley_fail("no memory for %zu labels", images);
    return volley_labels(out->label, out, a);
}

void volley_answers_clear(volley_answers *x)
{
    for (size_t i = 0; i < x->images && x->name != NULL; i++)
        free(x->name[i]);
    free(x->name);
    free(x->label);
    memset(x, 0, sizeof *x);
}

/* ---- CSV ---------------------------------------------------------------- */

/* A field as RFC 4180 has it.  A spreadsheet takes a text that begins with one
 * of = + - @ for a formula, and names come from elsewhere: they get an
 * apostrophe in front, which says that it is a text. */
static void csv_put(FILE *f, const char *text)
{
    const bool formula = text[0] != '\0'
                         && strchr("=+-@\t\r", text[0]) != NULL;

    if (!formula && strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, f);
        return;
    }
    fputc('"', f);
    if (formula)
        fputc('\'', f);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', f);
        fputc(*text, f);
    }
    fputc('"', f);
}

static void csv_write(FILE *f, const volley_answers *x)
{
    const nn_plan *p = x->plan;

    fputs("image,class,score", f);
    for (int k = 0; k < p->out_channels; k++) {
        fputc(',', f);
        csv_put(f, p->out_channels == 1 ? "logit" : p->class_name[k]);
    }
    fputc('\n', f);
    for (size_t i = 0; i < x->images; i++) {
        csv_put(f, x->name[i]);
        fputc(',', f);
        csv_put(f, p->class_name[uni_class(p, x->logit[i])]);
        fprintf(f, ",%.6f", uni_class_score(p, x->logit[i]));
        for (int k = 0; k < p->out_channels; k++)
            fprintf(f, ",%.9g", x->logit[i][k]);
        fputc('\n', f);
    }
}

static int csv_save(const char *path, const volley_answers *x)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    int code = VOLLEY_DONE;
    bool cut;

    if (f == NULL)
        return volley_fail("no memory");
    csv_write(f, x);
    cut = ferror(f) != 0;
    /* glibc says nothing of memory that lacks at the end, but leaves NULL */
    if (fclose(f) != 0 || cut || text == NULL)
        code = volley_fail("no memory for %zu lines", x->images);
    if (code == VOLLEY_DONE)
        code = volley_write(path, text, size, 0644);
    free(text);
    return code;
}

/* ---- standard output ---------------------------------------------------- */

static size_t answers_count(const volley_answers *x, int class)
{
    size_t n = 0;

    for (size_t i = 0; i < x->images; i++)
        n += uni_class(x->plan, x->logit[i]) == class;
    return n;
}

static void put_share(nni_json_writer *w, const char *key, double x)
{
    if (isfinite(x))
        nni_json_put_double(w, key, x);
    else
        nni_json_put_null(w, key);
}

static void put_answer(nni_json_writer *w, const volley_answers *x, size_t i)
{
    const nn_plan *p = x->plan;

    nni_json_put_object(w, NULL);
    nni_json_put_string(w, "image", x->name[i]);
    nni_json_put_string(w, "class", p->class_name[uni_class(p, x->logit[i])]);
    nni_json_put_double(w, "score", uni_class_score(p, x->logit[i]));
    nni_json_put_array(w, "logits");
    for (int k = 0; k < p->out_channels; k++)
        nni_json_put_double(w, NULL, x->logit[i][k]);
    nni_json_put_end(w);
    if (x->label != NULL)
        nni_json_put_string(w, "label", p->class_name[x->label[i]]);
    nni_json_put_end(w);
}

static int answers_json(const volley_answers *x, double seconds)
{
    const nn_plan *p = x->plan;
    nni_json_writer w;

    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_double(&w, "seconds", seconds);
    nni_json_put_word(&w, "images", x->images);
    nni_json_put_array(&w, "classes");
    for (int c = 0; c < p->num_classes; c++) {
        nni_json_put_object(&w, NULL);
        nni_json_put_string(&w, "class", p->class_name[c]);
        nni_json_put_word(&w, "images", answers_count(x, c));
        nni_json_put_end(&w);
    }
    nni_json_put_end(&w);
    if (x->label != NULL) {
        nni_json_put_word(&w, "right", x->quality.right);
        put_share(&w, "accuracy", x->quality.accuracy);
        if (p->num_classes == 2) {
            put_share(&w, "balanced_accuracy", x->quality.balanced);
            put_share(&w, "auc", x->quality.auc);
        }
    }
    nni_json_put_array(&w, "results");
    for (size_t i = 0; i < x->images; i++)
        put_answer(&w, x, i);
    nni_json_put_end(&w);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

static void answers_quality(const volley_answers *x)
{
    const uni_quality *q = &x->quality;

    printf("right: %zu of %zu, accuracy %.4f", q->right, q->images,
           q->accuracy);
    if (isfinite(q->auc))
        printf(", balanced accuracy %.4f, AUC %.4f", q->balanced, q->auc);
    else if (x->plan->num_classes == 2)
        printf(" (one class only: no balanced accuracy, no AUC)");
    printf("\n");
}

static void answers_text(const volley_answers *x, double seconds)
{
    const nn_plan *p = x->plan;
    char time[32];

    for (size_t i = 0; i < x->images && i < ANSWERS_SHOWN; i++) {
        int class = uni_class(p, x->logit[i]);

        printf("%s: %s, score %.4f", x->name[i], p->class_name[class],
               uni_class_score(p, x->logit[i]));
        if (x->label != NULL && x->label[i] != class)
            printf(", wrong: %s", p->class_name[x->label[i]]);
        printf("\n");
    }
    if (x->images > ANSWERS_SHOWN)
        printf("and %zu more\n", x->images - ANSWERS_SHOWN);
    printf("%zu image%s, %s:", x->images, x->images == 1 ? "" : "s",
           volley_time(time, seconds));
    for (int c = 0, some = 0; c < p->num_classes; c++) {
        size_t n = answers_count(x, c);

        if (n > 0)
            printf("%s %s %zu", some++ > 0 ? "," : "", p->class_name[c], n);
    }
    printf("\n");
    if (x->label != NULL)
        answers_quality(x);
}

int volley_answers_tell(volley_answers *x, const volley_args *a,
                        double *const *logit, const uni_album *album,
                        double seconds, bool secret)
{
    const bool json = a->value[OPT_JSON] != NULL;
    int code = VOLLEY_DONE;

    x->logit = logit;
    if (x->label != NULL)
        code = volley_check(uni_quality_init(&x->quality, x->plan,
                                              (const double *const *)logit,
                                              x->label, x->images));
    if (code == VOLLEY_DONE && secret && (json || a->value[OPT_OUT] != NULL))
        volley_warn("scores and logits carry the noise of the ciphertext: "
                    "whoever gets them together with it can compute the "
                    "secret key");
    if (code == VOLLEY_DONE && a->value[OPT_OUT] != NULL)
        code = csv_save(a->value[OPT_OUT], x);
    if (code == VOLLEY_DONE && a->value[OPT_SHEET] != NULL)
        code = volley_sheet(a->value[OPT_SHEET], x, album);
    if (code != VOLLEY_DONE)
        return code;
    if (json)
        return answers_json(x, seconds);
    answers_text(x, seconds);
    return VOLLEY_DONE;
}
