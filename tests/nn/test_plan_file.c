/* test_plan_file.c -- plans as text: there and back, and hostile text.
 *
 * A loader may refuse a changed text or take it; what it takes must make sense
 * to everything that reads a plan, and must not pass for the plan it was.
 */
#include "net_support.h"

#include <ctype.h>

enum { TEXT = 1 << 16 };

typedef struct saved {
    nn_model m;
    nn_plan p;
    char *text;
    size_t size;
    uint8_t fingerprint[16];
} saved;

static void saved_clear(saved *s)
{
    if (s == NULL)
        return;
    nn_model_clear(&s->m);
    free(s->text);
    free(s);
}

static saved *save_one(const net_kind *k, nn_border border)
{
    saved *s = calloc(1, sizeof *s);
    rig_shape shape;
    nn_aim aim;

    if (!CHECK(s != NULL, "no memory"))
        return NULL;
    if (CHECK(rig_shape_at(&shape, k, border, 1), "no shape")
        && rig_model(&s->m, &shape, k->build)) {
        aim = rig_aim(&shape);
        if (NN_OK(nn_plan_make(&s->p, &s->m, &aim))
            && NN_OK(nn_plan_save(&s->text, &s->size, &s->p))) {
            CHECK_OK(nn_plan_fingerprint(s->fingerprint, &s->p));
            return s;
        }
    }
    saved_clear(s);
    return NULL;
}

static saved *save_small(void)
{
    return save_one(&net_kinds[2], NN_HALO);
}

/* ---- there and back ----------------------------------------------------- */

static void check_equal(const nn_plan *a, const nn_plan *b)
{
    const nn_layout *l = &a->layout, *m = &b->layout;

    CHECK(strcmp(a->name, b->name) == 0 && a->border == b->border
              && strcmp(a->foreground, b->foreground) == 0, "names");
    CHECK(l->height == m->height && l->width == m->width
              && l->ring_y == m->ring_y && l->ring_x == m->ring_x
              && l->grid_y == m->grid_y && l->grid_x == m->grid_x
              && l->batch == m->batch && l->slots == m->slots, "layout");
    CHECK(a->core_height == b->core_height && a->core_width == b->core_width
              && a->halo == b->halo && a->channels == b->channels
              && a->mul == b->mul && a->add == b->add
              && a->in_level == b->in_level && a->in_scale == b->in_scale
              && a->out_scale == b->out_scale
              && a->scale_bits == b->scale_bits
              && a->out_level == b->out_level && a->out_gap == b->out_gap
              && a->out_channels == b->out_channels
              && a->num_classes == b->num_classes
              && a->num_labels == b->num_labels
              && memcmp(a->label_name, b->label_name, sizeof a->label_name)
                     == 0
              && memcmp(a->label_max, b->label_max, sizeof a->label_max) == 0
              && a->threshold == b->threshold
              && a->logit_max == b->logit_max && a->error_sd == b->error_sd,
          "ends: scale %.17g, %.17g", a->out_scale, b->out_scale);
    CHECK(a->params.log_n == b->params.log_n
              && a->params.security == b->params.security
              && a->params.dnum == b->params.dnum
              && a->params.fitted_special == b->params.fitted_special
              && a->params.num_primes == b->params.num_primes
              && a->params.num_special == b->params.num_special
              && memcmp(a->params.primes, b->params.primes,
                        sizeof a->params.primes) == 0
              && memcmp(a->params.special, b->params.special,
                        sizeof a->params.special) == 0, "parameters");
    CHECK(a->num_keys == b->num_keys && a->num_steps == b->num_steps,
          "%zu and %zu keys, %d and %d steps", a->num_keys, b->num_keys,
          a->num_steps, b->num_steps);
    for (size_t i = 0; i < a->num_keys; i++)
        CHECK(a->key[i].kind == b->key[i].kind
                  && a->key[i].step == b->key[i].step
                  && a->key[i].level == b->key[i].level, "key %zu", i);
    for (int i = 0; i < a->num_steps; i++)
        CHECK(strcmp(a->step[i].name, b->step[i].name) == 0
                  && a->step[i].square == b->step[i].square
                  && a->step[i].rotate_inputs == b->step[i].rotate_inputs
                  && a->step[i].level == b->step[i].level
                  && a->step[i].log_scale == b->step[i].log_scale
                  && a->step[i].channels == b->step[i].channels
                  && a->step[i].height == b->step[i].height
                  && a->step[i].width == b->step[i].width, "step %d", i);
}

static void check_there_and_back(const net_kind *k, nn_border border)
{
    saved *s = save_one(k, border);
    nn_plan *p = calloc(1, sizeof *p);
    char *again = NULL;
    size_t size = 0;
    uint8_t fingerprint[16];
    nn_weights *w = NULL;

    if (s != NULL && CHECK(p != NULL, "no memory")
        && NN_OK(nn_plan_load(p, s->text, s->size))) {
        check_equal(p, &s->p);
        CHECK_OK(nn_plan_fingerprint(fingerprint, p));
        CHECK(memcmp(fingerprint, s->fingerprint, 16) == 0,
              "%s: another fingerprint", k->name);
        if (NN_OK(nn_plan_save(&again, &size, p)))
            CHECK(size == s->size && memcmp(again, s->text, size) == 0,
                  "%s: another text", k->name);
        NN_OK(nn_weights_init(&w, &s->m, p));
    }
    nn_weights_clear(&w);
    free(again);
    free(p);
    saved_clear(s);
}

TEST(plan_file_there_and_back)
{
    for (const net_kind *k = net_kinds; k->build != NULL; k++) {
        check_there_and_back(k, k->dense ? NN_ZERO : NN_HALO);
        if (!k->dense)
            check_there_and_back(k, NN_WRAP);
    }
}

/* The fingerprint names whatever client and server must agree on. */
TEST(plan_file_fingerprint)
{
    saved *s = save_small();
    nn_plan *q = calloc(1, sizeof *q);
    uint8_t f[16];

    for (int i = 0; s != NULL && CHECK(q != NULL, "no memory") && i < 15;
         i++) {
        *q = s->p;
        switch (i) {
        case 0: q->name[0] ^= 1; break;
        case 1: q->border = NN_ZERO; break;
        case 2: q->layout.ring_y++; break;
        case 3: q->layout.batch++; break;
        case 4: q->halo++; break;
        case 5: q->params.primes[0]++; break;
        case 6: q->params.special[0]++; break;
        case 7: q->mul *= 2; break;
        case 8: q->add += 1; break;
        case 9: q->in_scale *= 2; break;
        case 10: q->out_scale *= 2; break;
        case 11: q->key[0].step++; break;
        case 12: q->params.fitted_special ^= 1; break;
        case 13: q->step[0].rotate_inputs = !q->step[0].rotate_inputs; break;
        default: q->params.dnum++; break;
        }
        CHECK_OK(nn_plan_fingerprint(f, q));
        CHECK(memcmp(f, s->fingerprint, 16) != 0, "change %d is not in it", i);
    }
    free(q);
    saved_clear(s);
}

/* Planned with fitted special primes; both values are read and written, and
 * nothing else is, nor none. */
TEST(plan_file_fitted_special)
{
    static const struct { const char *to; bool taken; } change[] = {
        { "\"fitted_special\": 1,", true },
        { "\"fitted_special\": 0,", true },
        { "\"fitted_special\": 2,", false },
        { "\"fitted_special\": -1,", false },
        { "\"fitted_special\": true,", false },
        { "", false }
    };
    saved *s = save_small();
    nn_plan *p = calloc(1, sizeof *p);
    char *text = malloc(TEXT), *again = NULL;

    if (s != NULL)
        CHECK(s->p.params.fitted_special == 1, "planned without");
    for (size_t i = 0; CHECK(p != NULL && text != NULL, "no memory")
                       && s != NULL && i < sizeof change / sizeof *change;
         i++) {
        size_t size = 0;

        memcpy(text, s->text, s->size + 1);
        if (!CHECK(text_replace(text, TEXT, "\"fitted_special\": 1,",
                                change[i].to), "not in the text"))
            break;
        if (!change[i].taken) {
            NN_STATUS(nn_plan_load(p, text, strlen(text)), CKKS_EFORMAT);
            CHECK(strstr(nn_last_error(), "fitted_special") != NULL, "%s",
                  nn_last_error());
        } else if (NN_OK(nn_plan_load(p, text, strlen(text)))
                   && NN_OK(nn_plan_save(&again, &size, p))) {
            CHECK(p->params.fitted_special == (i == 0), "%d",
                  p->params.fitted_special);
            CHECK(size == strlen(text) && memcmp(again, text, size) == 0,
                  "another text for %s", change[i].to);
            free(again);
            again = NULL;
        }
    }
    free(text);
    free(p);
    saved_clear(s);
}

TEST(plan_file_null)
{
    saved *s = save_small();
    nn_plan *p = calloc(1, sizeof *p);
    char *text = NULL;
    size_t size = 0;

    if (s != NULL && CHECK(p != NULL, "no memory")) {
        NN_STATUS(nn_plan_save(NULL, &size, &s->p), CKKS_EARG);
        NN_STATUS(nn_plan_save(&text, NULL, &s->p), CKKS_EARG);
        NN_STATUS(nn_plan_save(&text, &size, NULL), CKKS_EARG);
        NN_STATUS(nn_plan_load(NULL, s->text, s->size), CKKS_EARG);
        NN_STATUS(nn_plan_load(p, NULL, 0), CKKS_EARG);
        NN_STATUS(nn_plan_load(p, s->text, 0), CKKS_EFORMAT);
    }
    free(p);
    saved_clear(s);
}

/* ---- hostile text ------------------------------------------------------- */

/* A plan that was taken: everything that reads it survives it. */
static void check_taken(const saved *s, const nn_plan *p, const char *what,
                        size_t at)
{
    const nn_layout *l = &p->layout;
    nn_weights *w = NULL;
    uint8_t f[16];
    char *text = NULL;
    size_t size = 0;

    CHECK(l->slots == (size_t)1 << (p->params.log_n - 1)
              && l->height == l->ring_y * l->grid_y
              && l->width == l->ring_x * l->grid_x && l->batch >= 1
              && (uint64_t)l->batch * (uint64_t)l->grid_y
                         * (uint64_t)l->grid_x <= l->slots
              && p->core_height >= 1 && p->core_width >= 1 && p->halo >= 0
              && p->core_height + 2 * p->halo <= l->height
              && p->core_width + 2 * p->halo <= l->width
              && p->in_level >= 0 && p->in_level < p->params.num_primes
              && p->in_scale >= 1 && p->out_scale >= 1
              && nn_plan_inputs(p) > 0 && nn_plan_outputs(p) > 0,
          "%s at %zu was taken: map %dx%d rings %dx%d batch %d", what, at,
          l->height, l->width, l->ring_y, l->ring_x, l->batch);
    CHECK_OK(nn_plan_fingerprint(f, p));
    if (NN_OK(nn_plan_save(&text, &size, p)))
        CHECK((size == s->size && memcmp(text, s->text, size) == 0)
                  == (memcmp(f, s->fingerprint, 16) == 0),
              "%s at %zu: fingerprint and text disagree", what, at);
    if (nn_weights_init(&w, &s->m, p) != CKKS_OK)
        CHECK(w == NULL, "%s at %zu", what, at);
    nn_weights_clear(&w);
    free(text);
}

/* Loads a copy of exactly this size, so that a reader past the end is seen. */
static bool try_text(const saved *s, const char *text, size_t size,
                     const char *what, size_t at)
{
    static nn_plan p;
    char *copy = malloc(size + (size == 0));
    ckks_status st;

    if (!CHECK(copy != NULL, "no memory"))
        return false;
    memcpy(copy, text, size);
    memset(&p, 0x5a, sizeof p);
    st = nn_plan_load(&p, copy, size);
    free(copy);
    if (st == CKKS_OK) {
        check_taken(s, &p, what, at);
        return true;
    }
    CHECK(st == CKKS_EFORMAT && nn_last_error()[0] != '\0',
          "%s at %zu: %s", what, at, ckks_status_name(st));
    for (size_t i = 0; i < sizeof p; i++)
        if (!CHECK(((const uint8_t *)&p)[i] == 0x5a,
                   "%s at %zu: refused, and the plan changed", what, at))
            break;
    return false;
}

TEST(plan_file_truncated)
{
    saved *s = save_small();

    for (size_t i = 0; s != NULL && i < s->size; i++)
        if (try_text(s, s->text, i, "cut", i))
            CHECK(i >= s->size - 1, "cut to %zu of %zu bytes was taken", i,
                  s->size);
    saved_clear(s);
}

TEST(plan_file_flipped_bits)
{
    saved *s = save_small();
    char *out = malloc(TEXT);

    for (size_t i = 0; CHECK(out != NULL, "no memory") && s != NULL
                       && i < 8 * s->size; i += test_long() ? 1 : 3) {
        memcpy(out, s->text, s->size);
        out[i / 8] ^= (char)(1 << i % 8);
        try_text(s, out, s->size, "flip", i);
    }
    free(out);
    saved_clear(s);
}

/* text with [at, at + cut) replaced by word, in a buffer of TEXT bytes. */
static size_t splice(char *out, const saved *s, size_t at, size_t cut,
                     const char *word)
{
    size_t n = strlen(word);

    memcpy(out, s->text, at);
    memcpy(out + at, word, n);
    memcpy(out + at + n, s->text + at + cut, s->size - at - cut);
    return s->size + n - cut;
}

/* Every key renamed, and every key doubled under another name. */
TEST(plan_file_keys)
{
    saved *s = save_small();
    char *out = malloc(TEXT);
    int keys = 0;

    if (!CHECK(out != NULL, "no memory") || s == NULL) {
        free(out);
        saved_clear(s);
        return;
    }
    for (char *c = s->text; (c = strchr(c, '"')) != NULL; c++) {
        char *end = strchr(c + 1, '"');
        size_t at = (size_t)(c + 1 - s->text), size;

        if (end[1] == ':') {
            size = splice(out, s, at, 1, "X");
            CHECK(!try_text(s, out, size, "a key renamed", at), "%.20s", c);
            size = splice(out, s, at - 1, 0, "\"surplus\": 1, ");
            CHECK(!try_text(s, out, size, "a surplus key", at), "%.20s", c);
            keys++;
        }
        c = end;
    }
    CHECK(keys > 40, "%d keys seen", keys);
    free(out);
    saved_clear(s);
}

/* Every value replaced by something absurd. */
TEST(plan_file_absurd_values)
{
    static const char *const word[] = {
        "-1", "0", "1", "3", "63", "64", "1000", "65535", "65536", "131072",
        "2147483647", "2147483648", "-2147483648", "4294967296",
        "9223372036854775807", "18446744073709551615", "18446744073709551616",
        "1e308", "-1e308", "1e-300", "1e999", "0.5", "1.5", "true", "null",
        "\"\"", "\"x\"", "[]", "{}", "[1]", "NaN", "Infinity"
    };
    saved *s = save_small();
    char *out = malloc(TEXT);
    int values = 0;

    for (size_t i = 1; CHECK(out != NULL, "no memory") && s != NULL
                       && i < s->size; i++) {
        size_t n = strspn(s->text + i, "0123456789.eE+-");

        if (n == 0 || strchr(": \n\t[,", s->text[i - 1]) == NULL)
            continue;
        for (size_t k = 0; k < sizeof word / sizeof *word; k++)
            try_text(s, out, splice(out, s, i, n, word[k]), word[k], i);
        values++;
        i += n;
    }
    CHECK(values > 40, "%d values seen", values);
    free(out);
    saved_clear(s);
}

/* Things that single changes do not reach. */
TEST(plan_file_whole_lies)
{
    static const struct { const char *from, *to; } lie[] = {
        { "volley-plan-1", "volley-plan-2" },
        { "\"halo\"", "\"mirror\"" },
        { "\"relin\"", "\"none\"" },
        { "\"foreground\": \"cell\"", "\"foreground\": 5" },
        { "\"primes\": [", "\"primes\": [[" },
        { "\"keys\": [", "\"keys\": [1, " },
        { "\"steps\": [", "\"steps\": [[], " },
        { "\"name\": \"test\"", "\"name\": \"0123456789012345678901234567890"
          "123456789012345678901234567890123\"" }
    };
    saved *s = save_small();
    char *out = malloc(TEXT);

    for (size_t i = 0; CHECK(out != NULL, "no memory") && s != NULL
                       && i < sizeof lie / sizeof *lie; i++) {
        memcpy(out, s->text, s->size + 1);
        if (CHECK(text_replace(out, TEXT, lie[i].from, lie[i].to), "no %s",
                  lie[i].from))
            CHECK(!try_text(s, out, strlen(out), lie[i].to, i), "taken: %s",
                  lie[i].to);
    }
    for (int i = 0; out != NULL && s != NULL && i < 3; i++) {
        size_t n = s->size;     /* lists longer than a plan has room for     */

        memcpy(out, s->text, s->size + 1);
        for (int k = 0; k < 300; k++)
            text_replace(out, TEXT,
                         i == 0 ? "\"primes\": ["
                                : i == 1 ? "\"special\": [" : "\"keys\": [",
                         i == 0 ? "\"primes\": [97, "
                                : i == 1 ? "\"special\": [97, "
                                         : "\"keys\": [{\"kind\": \"conj\", "
                                           "\"step\": 0, \"level\": 0}, ");
        CHECK(strlen(out) > n && !try_text(s, out, strlen(out), "list", 0),
              "a list of 300 was taken");
    }
    free(out);
    saved_clear(s);
}

/* A plan's labels: what no list of them may be. */
TEST(plan_file_labels)
{
    static const struct { const char *from, *to; } lie[] = {
        { "\"labels\": [", "\"labels\": 3, \"x\": [" },
        { "\"labels\": [", "\"labels\": [5, " },
        { "\"labels\": [", "\"labels\": [], \"x\": [" },
        { "\"labels\": [", "\"label\": [" },
        { "\"name\": \"part 1\"", "\"name\": 1" },
        { "\"name\": \"part 1\"", "\"name\": \"part 1\", \"x\": 1" },
        { "\"name\": \"part 1\",", "" },
        { "\"labels\": [", "\"labels\": [{\"name\": \"y\", \"max\": 0}, " },
        { "\"foreground\": \"\"", "\"foreground\": \"cell\"" },
        { "\"threshold\": 0", "\"threshold\": 1" },
    };
    saved *s = save_one(net_kind_named("labels 3"), NN_HALO);
    char *out = malloc(TEXT);

    for (size_t i = 0; CHECK(out != NULL, "no memory") && s != NULL
                       && i < sizeof lie / sizeof *lie; i++) {
        memcpy(out, s->text, s->size + 1);
        if (CHECK(text_replace(out, TEXT, lie[i].from, lie[i].to), "no %s",
                  lie[i].from))
            CHECK(!try_text(s, out, strlen(out), lie[i].to, i), "taken: %s",
                  lie[i].to);
    }
    if (out != NULL && s != NULL) {
        memcpy(out, s->text, s->size + 1);
        for (int i = 0; i < NN_MAX_LABELS + 1; i++)
            text_replace(out, TEXT, "\"labels\": [",
                         "\"labels\": [{\"name\": \"y\", \"max\": 0}, ");
        CHECK(!try_text(s, out, strlen(out), "many labels", 0), "taken");
    }
    free(out);
    saved_clear(s);
}
