/* walk.c -- a network, step by step, by one of the two parties.
 *
 * Convolutions, activations and labels need the other side (linear.h,
 * activation.h); sums, concatenations and divisions are done by each on its
 * own share.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/bytes.h"
#include "blind/walk.h"

typedef struct walk {
    const blind_network *n;
    blind_party *p;
    blind_share *value[BLIND_MAX_STEPS];
    int last[BLIND_MAX_STEPS];
    const blind_watch *watch;
    uint8_t *label;
} walk;

bool blind_network_squares(const blind_network *n)
{
    bool any = false;

    for (int k = 0; k < n->num_steps; k++)
        any |= n->step[k].op == BLIND_SQUARE;
    return any;
}

/* ---- shares ------------------------------------------------------------- */

static blind_share *walk_new(size_t count)
{
    blind_share *x = malloc(count * sizeof *x);

    if (x == NULL)
        (void)nn_fail(CKKS_EMEM, "no memory for %zu shares", count);
    return x;
}

static void walk_free(blind_share **x, size_t count)
{
    if (*x != NULL)
        cki_wipe(*x, count * sizeof **x);
    free(*x);
    *x = NULL;
}

/* The output of step j goes if step k was the last to read it. */
static void walk_drop(walk *w, int j, int k)
{
    if (w->last[j] == k)
        walk_free(&w->value[j], blind_step_count(&w->n->step[j]));
}

/* value[k] = that of its only input, which is taken over if nothing reads it
 * any more. */
static ckks_status walk_take(walk *w, int k)
{
    const int j = w->n->step[k].in[0];
    const size_t count = blind_step_count(&w->n->step[j]);

    if (w->last[j] == k) {
        w->value[k] = w->value[j];
        w->value[j] = NULL;
        return CKKS_OK;
    }
    w->value[k] = walk_new(count);
    if (w->value[k] == NULL)
        return CKKS_EMEM;
    memcpy(w->value[k], w->value[j], count * sizeof **w->value);
    return CKKS_OK;
}

/* ---- steps of one side -------------------------------------------------- */

/* The image is the client's share of itself. */
static ckks_status walk_input(walk *w, const int64_t *input)
{
    const size_t count = blind_step_count(&w->n->step[0]);

    w->value[0] = walk_new(count);
    if (w->value[0] == NULL)
        return CKKS_EMEM;
    for (size_t i = 0; i < count; i++)
        w->value[0][i] = input == NULL ? 0 : (blind_share)input[i];
    return CKKS_OK;
}

/* out[window i + j] = number j of window i, row by row. */
static void walk_windows(blind_share *out, const blind_step *s,
                         const blind_step *from, const blind_share *x)
{
    for (int c = 0; c < s->channels; c++)
        for (int z = 0; z < s->size[0]; z++)
            for (int y = 0; y < s->size[1]; y++)
                for (int j = 0; j < s->size[2]; j++)
                    for (int p = 0; p < s->pool[0]; p++)
                        for (int q = 0; q < s->pool[1]; q++)
                            for (int r = 0; r < s->pool[2]; r++)
                                *out++ = x[blind_step_at(
                                    from, c, z * s->pool[0] + p,
                                    y * s->pool[1] + q, j * s->pool[2] + r)];
}

static int walk_window(const blind_step *s)
{
    return s->pool[0] * s->pool[1] * s->pool[2];
}

/* Sums of windows, or the largest of each. */
static ckks_status walk_pool(walk *w, int k)
{
    const blind_step *s = &w->n->step[k], *from = &w->n->step[s->in[0]];
    const size_t count = blind_step_count(s);
    const size_t window = (size_t)walk_window(s);
    blind_share *all = walk_new(count * window);
    ckks_status st = CKKS_EMEM;

    if (all == NULL)
        return st;
    walk_windows(all, s, from, w->value[s->in[0]]);
    walk_drop(w, s->in[0], k);
    w->value[k] = walk_new(count);
    if (w->value[k] != NULL && s->op == BLIND_MAX) {
        st = blind_max(w->value[k], all, count, (int)window, w->n->bits, w->p);
    } else if (w->value[k] != NULL) {
        memset(w->value[k], 0, count * sizeof *all);
        for (size_t i = 0; i < count * window; i++)
            w->value[k][i / window] += all[i];
        st = CKKS_OK;
    }
    walk_free(&all, count * window);
    return st;
}

static ckks_status walk_join(walk *w, int k)
{
    const blind_step *s = &w->n->step[k];
    const size_t size = blind_step_count(s);
    size_t at = 0;

    w->value[k] = walk_new(size);
    if (w->value[k] == NULL)
        return CKKS_EMEM;
    for (int i = 0; i < s->num_in; i++) {
        const size_t count = blind_step_count(&w->n->step[s->in[i]]);
        bool again = false;

        memcpy(w->value[k] + at, w->value[s->in[i]], count * sizeof **w->value);
        for (int j = i + 1; j < s->num_in; j++)
            again |= s->in[j] == s->in[i];
        if (!again)
            walk_drop(w, s->in[i], k);
        at += count;
    }
    return CKKS_OK;
}

/* Each input divided by its own power of two, then their sum. */
static ckks_status walk_add(walk *w, int k)
{
    const blind_step *s = &w->n->step[k];
    const size_t count = blind_step_count(s);
    blind_share *part = walk_new(count);

    w->value[k] = walk_new(count);
    if (part == NULL || w->value[k] == NULL) {
        walk_free(&part, 0);
        return CKKS_EMEM;
    }
    memset(w->value[k], 0, count * sizeof *part);
    for (int i = 0; i < s->num_in; i++) {
        memcpy(part, w->value[s->in[i]], count * sizeof *part);
        if (s->align[i] > 0)
            blind_truncate(part, count, s->align[i], w->p->server);
        for (size_t j = 0; j < count; j++)
            w->value[k][j] += part[j];
    }
    walk_free(&part, count);
    for (int i = 0; i < s->num_in; i++)
        walk_drop(w, s->in[i], k);
    return CKKS_OK;
}

/* ---- steps of both ------------------------------------------------------ */

static ckks_status walk_conv(walk *w, int k)
{
    const blind_step *s = &w->n->step[k];
    ckks_status st;

    w->value[k] = walk_new(blind_step_count(s));
    if (w->value[k] == NULL)
        return CKKS_EMEM;
    st = blind_convolve(w->value[k], w->value[s->in[0]], &s->conv, s->weight,
                        s->bias, s->map, w->p);
    walk_drop(w, s->in[0], k);
    return st;
}

/* Scores of the middle of the map, pixel by pixel. */
static ckks_status walk_labels(walk *w, int k)
{
    const blind_step *s = &w->n->step[k], *from = &w->n->step[s->in[0]];
    const size_t count = blind_step_count(s);
    const size_t classes = (size_t)from->channels;
    const int *halo = w->n->halo;
    blind_share *x = walk_new(count * classes), *at = x;
    ckks_status st;

    if (x == NULL)
        return CKKS_EMEM;
    for (int z = 0; z < s->size[0]; z++)
        for (int y = 0; y < s->size[1]; y++)
            for (int j = 0; j < s->size[2]; j++)
                for (int c = 0; c < from->channels; c++)
                    *at++ = w->value[s->in[0]][blind_step_at(
                        from, c, z + halo[0], y + halo[1], j + halo[2])];
    walk_drop(w, s->in[0], k);
    st = blind_labels(w->label, x, count, from->channels, w->n->bits, w->p);
    walk_free(&x, count * classes);
    return st;
}

static ckks_status walk_step(walk *w, int k)
{
    const blind_step *s = &w->n->step[k];
    const size_t count = blind_step_count(s);
    ckks_status st = CKKS_OK;

    switch (s->op) {
    case BLIND_CONV:
        return walk_conv(w, k);
    case BLIND_RELU:
        st = walk_take(w, k);
        return st == CKKS_OK
                   ? blind_relu(w->value[k], count, w->n->bits, w->p) : st;
    case BLIND_SQUARE:
        st = walk_take(w, k);
        return st == CKKS_OK
                   ? blind_square(w->value[k], count, s->shift, w->p) : st;
    case BLIND_SUM:
    case BLIND_MAX:
        return walk_pool(w, k);
    case BLIND_CONCAT:
        return walk_join(w, k);
    case BLIND_ADD:
        return walk_add(w, k);
    case BLIND_LABELS:
        return walk_labels(w, k);
    case BLIND_INPUT:
    case BLIND_OPS:
        break;
    }
    return st;
}

static void walk_tell(const walk *w, int k)
{
    if (w->watch != NULL && w->watch->step != NULL)
        w->watch->step(w->watch->user, w->n, k);
}

static void walk_testing(const walk *w, int k)
{
#ifdef BLIND_TESTING
    if (w->watch != NULL && w->watch->shares != NULL && w->value[k] != NULL)
        w->watch->shares(w->watch->user, k, w->value[k],
                         blind_step_count(&w->n->step[k]));
#else
    (void)w;
    (void)k;
#endif
}

ckks_status blind_walk_images(size_t *images, blind_party *p)
{
    uint8_t frame[BLIND_IMAGES_BYTES];
    ckks_status st;

    blind_wire_step(p->wire, 0, "images");
    if (!p->server) {
        cki_store32(frame, (uint32_t)*images);
        return blind_wire_send(p->wire, BLIND_AGREE, frame, sizeof frame);
    }
    st = blind_wire_receive(p->wire, BLIND_AGREE, frame, sizeof frame);
    if (st != CKKS_OK)
        return st;
    if (cki_load32(frame) < 1 || cki_load32(frame) > BLIND_MOST_IMAGES)
        return nn_fail(CKKS_EFORMAT, "%u images, not 1..%d",
                       (unsigned)cki_load32(frame), BLIND_MOST_IMAGES);
    *images = cki_load32(frame);
    return CKKS_OK;
}

ckks_status blind_walk(uint8_t *label, bool *over, const blind_network *n,
                       const int64_t *input, blind_party *p,
                       const blind_watch *watch)
{
    walk *w = calloc(1, sizeof *w);
    ckks_status st;

    if (w == NULL)
        return nn_fail(CKKS_EMEM, "no memory");
    w->n = n;
    w->p = p;
    w->watch = watch;
    w->label = label;
    blind_network_last(w->last, n);
    st = walk_input(w, input);
    for (int k = 1; k < n->num_steps && st == CKKS_OK; k++) {
        blind_wire_step(p->wire, k, n->step[k].name);
        walk_tell(w, k);
        walk_testing(w, k - 1);
        st = walk_step(w, k);
    }
    if (st == CKKS_OK)
        st = blind_overflowed(over, p);
    if (st == CKKS_EFORMAT)             /* the other side hears why          */
        blind_wire_refuse(p->wire, nn_last_error());
    for (int k = 0; k < n->num_steps; k++)
        walk_free(&w->value[k], blind_step_count(&n->step[k]));
    free(w);
    return st;
}
