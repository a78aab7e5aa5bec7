/* report.c -- a study as a table, as CSV and as a picture. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "study.h"

/* A text that grows. */
typedef struct text {
    char *data;
    size_t size, room;
    bool failed;
} text;

static void put(text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(text *t, const char *format, ...)
{
    va_list ap;
    int more;

    va_start(ap, format);
    more = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (t->size + (size_t)more + 1 > t->room) {
        size_t room = 2 * (t->size + (size_t)more + 1);
        char *grown = realloc(t->data, room);

        if (grown == NULL) {
            t->failed = true;
            return;
        }
        t->data = grown;
        t->room = room;
    }
    va_start(ap, format);
    vsnprintf(t->data + t->size, t->room - t->size, format, ap);
    va_end(ap);
    t->size += (size_t)more;
}

static double images_an_hour(const study_row *r)
{
    return 3600 * r->batch / r->seconds;
}

/* ---- table -------------------------------------------------------------- */

static void put_table(text *t, const study *s)
{
    put(t, "| # | way | rings, grid, batch | dense | N | log QP | bits of "
        "security | prime bits | threads | rotations | relin | s a set | "
        "images/h | accuracy | equal | MiB | KiB up | encrypt ms | decrypt ms "
        "|\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
        "---|---|---|\n");
    for (int i = 0; i < s->rows; i++) {
        const study_row *r = &s->row[i];
        char mib[32] = "";

        if (!isnan(r->memory_mib))
            snprintf(mib, sizeof mib, "%.0f", r->memory_mib);
        put(t, "| %d | %s | %s | %s | 2^%d | %.0f | %.0f | %d | %d | %ld | "
            "%ld | %.3f | %.3g | %.2f %% | %zu of %zu | %s | %.3g | %.3g | "
            "%.3g |\n", i + 1, r->name, r->layout, r->dense, r->log_n,
            r->log_qp, r->security, r->bits, r->threads, r->rotations,
            r->relins, r->seconds, images_an_hour(r), 100 * r->accuracy,
            r->equal, r->images, mib, r->upload_kib, 1e3 * r->encrypt,
            1e3 * r->decrypt);
    }
}

static void put_csv(text *t, const study *s)
{
    put(t, "number,way,layout,dense,log_n,log_qp,security_bits,prime_bits,"
        "threads,rotations,relins,seconds_a_set,batch,images_an_hour,accuracy,"
        "equal,encrypted,memory_mib,upload_kib_an_image,encrypt_s_an_image,"
        "decrypt_s_an_image\n");
    for (int i = 0; i < s->rows; i++) {
        const study_row *r = &s->row[i];

        put(t, "%d,\"%s\",\"%s\",\"%s\",%d,%.1f,%.1f,%d,%d,%ld,%ld,%.6f,%d,"
            "%.1f,%.4f,%zu,%zu,%.1f,%.1f,%.6g,%.6g\n", i + 1, r->name,
            r->layout, r->dense, r->log_n, r->log_qp, r->security, r->bits,
            r->threads, r->rotations, r->relins, r->seconds, r->batch,
            images_an_hour(r), r->accuracy, r->equal, r->images,
            r->memory_mib, r->upload_kib, r->encrypt, r->decrypt);
    }
}

/* ---- picture ------------------------------------------------------------ */

enum { WIDTH = 900, HEIGHT = 560, LEFT = 70, RIGHT = 250, TOP = 40,
       BOTTOM = 60 };

/* Decades that hold all values. */
typedef struct axis {
    int low, high;
    double from, length;        /* in the picture; length < 0: upwards       */
} axis;

static double along(const axis *a, double v)
{
    return a->from + (log10(v) - a->low) / (a->high - a->low) * a->length;
}

static void put_axes(text *t, const axis *x, const axis *y)
{
    for (int d = x->low; d <= x->high; d++)
        put(t, "<path d='M%.1f %d V%d' stroke='#ddd'/><text x='%.1f' y='%d' "
            "text-anchor='middle'>%g</text>\n", along(x, pow(10, d)), TOP,
            HEIGHT - BOTTOM, along(x, pow(10, d)), HEIGHT - BOTTOM + 18,
            pow(10, d));
    for (int d = y->low; d <= y->high; d++)
        put(t, "<path d='M%d %.1f H%d' stroke='#ddd'/><text x='%d' y='%.1f' "
            "text-anchor='end'>%.0e</text>\n", LEFT, along(y, pow(10, d)),
            WIDTH - RIGHT, LEFT - 6, along(y, pow(10, d)) + 4, pow(10, d));
    put(t, "<text x='%d' y='%d' text-anchor='middle'>seconds a set</text>\n"
        "<text x='%d' y='%d'>images an hour</text>\n",
        (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, LEFT, TOP - 12);
}

static void put_svg(text *t, const study *s)
{
    axis x = { 9, -9, LEFT, WIDTH - LEFT - RIGHT };
    axis y = { 9, -9, HEIGHT - BOTTOM, TOP + BOTTOM - HEIGHT };

    for (int i = 0; i < s->rows; i++) {
        const double lx = log10(s->row[i].seconds);
        const double ly = log10(images_an_hour(&s->row[i]));

        x.low = (int)fmin(x.low, floor(lx));
        x.high = (int)fmax(x.high, ceil(lx));
        y.low = (int)fmin(y.low, floor(ly));
        y.high = (int)fmax(y.high, ceil(ly));
    }
    put(t, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
        "font-family='sans-serif' font-size='12'>\n<rect width='100%%' "
        "height='100%%' fill='white'/>\n", WIDTH, HEIGHT);
    put_axes(t, &x, &y);
    for (int i = 0; i < s->rows; i++) {
        const study_row *r = &s->row[i];
        const double px = along(&x, r->seconds);
        const double py = along(&y, images_an_hour(r));

        put(t, "<circle cx='%.1f' cy='%.1f' r='4' fill='%s'/><text x='%.1f' "
            "y='%.1f' font-size='10'>%d</text>\n<text x='%d' y='%d' "
            "font-size='11'>%d  %s</text>\n", px, py,
            r->batch == 1 ? "#1b6ca8" : "#c0392b", px + 5, py - 4, i + 1,
            WIDTH - RIGHT + 20, TOP + 17 * i, i + 1, r->name);
    }
    put(t, "</svg>\n");
}

/* ---- files -------------------------------------------------------------- */

static int save(const study *s, const char *folder, const char *ending,
                void (*make)(text *t, const study *s))
{
    char name[NN_NAME + 8], *path;
    text t = {0};
    int code = VOLLEY_FAILED;

    make(&t, s);
    snprintf(name, sizeof name, "%s%s", s->model->name, ending);
    path = volley_join(folder, name);
    if (t.failed || path == NULL)
        (void)volley_fail("no memory for %s", name);
    else
        code = volley_write(path, t.data, t.size, 0644);
    free(path);
    free(t.data);
    return code;
}

int study_report(const study *s, const char *folder)
{
    text t = {0};
    int code = VOLLEY_DONE;

    put_table(&t, s);
    if (t.failed)
        code = volley_fail("no memory for a table of %d rows", s->rows);
    else
        fputs(t.data, stdout);
    free(t.data);
    if (code == VOLLEY_DONE && folder != NULL)
        code = save(s, folder, ".md", put_table);
    if (code == VOLLEY_DONE && folder != NULL)
        code = save(s, folder, ".csv", put_csv);
    if (code == VOLLEY_DONE && folder != NULL)
        code = save(s, folder, ".svg", put_svg);
    return code == VOLLEY_DONE ? volley_flush() : code;
}
