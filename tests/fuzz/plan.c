/* plan.c -- plans and machines as JSON: as texts, and field by field.
 * variant: the network whose plan the draws begin with.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* ---- plans --------------------------------------------------------------- */

static void mend_fields(fuzz_input *in)
{
    fuzz_draw d = { in->data, in->size };
    char *text = fuzz_draw_json(&d, fuzz_net_at(in->variant)->text);

    fuzz_replace(in, text, strlen(text));
    fuzz_free(text);
}

static ckks_status load_plan(void *x, const fuzz_input *in)
{
    return nn_plan_load(x, (const char *)in->data, in->size);
}

static ckks_status save_plan(uint8_t **out, size_t *size, const void *x,
                             const fuzz_input *in)
{
    char *text = NULL;
    ckks_status s = nn_plan_save(&text, size, x);

    (void)in;
    *out = (uint8_t *)text;
    return s;
}

/* What is saved has the same name for both sides. */
static void check_fingerprint(const nn_plan *p)
{
    uint8_t a[16], b[16];
    nn_plan *again = fuzz_room(sizeof *again);
    char *text = NULL;
    size_t size;

    if (nn_plan_fingerprint(a, p) == CKKS_OK
        && nn_plan_save(&text, &size, p) == CKKS_OK
        && nn_plan_load(again, text, size) == CKKS_OK)
        fuzz_must(nn_plan_fingerprint(b, again) == CKKS_OK
                      && memcmp(a, b, sizeof a) == 0,
                  "plan: saved, it has another fingerprint");
    free(text);
    fuzz_free(again);
}

static void use_plan(void *x, const fuzz_input *in)
{
    if (in->fault == 0)
        check_fingerprint(x);
    (void)fuzz_owner(x, fuzz_net_at(in->variant));
}

static void none(void *x)
{
    (void)x;
}

/* Plans that no text can say, but a host program: each is refused. */
static void misuse_check(const nn_plan *good)
{
    nn_plan *p = fuzz_room(sizeof *p);

    for (int i = 0; i < 9; i++) {
        *p = *good;
        switch (i) {
        case 0: memset(p->name, 'x', sizeof p->name); break;
        case 1: p->num_classes = -1; break;
        case 2: p->num_steps = -1; break;
        case 3: p->num_keys = NN_MAX_KEYS + 1; break;
        case 4: p->params.num_primes = 0; break;
        case 5: p->border = (nn_border)9; break;
        case 6: p->layout.slots *= 2; break;
        case 7: p->params.num_special = 0; break;
        default: p->core_height = 0; break;
        }
        fuzz_must(nn_plan_check(p) == CKKS_EFORMAT, "plan: change %d passes",
                  i);
    }
    fuzz_must(nn_plan_check(NULL) == CKKS_EARG, "plan: none");
    fuzz_free(p);
}

static void misuse_plan(const fuzz_input *in)
{
    const fuzz_net *net = fuzz_net_at(in->variant);
    nn_plan *p = fuzz_room(sizeof *p);
    char *text = NULL;
    size_t size = 0;

    fuzz_must(nn_plan_load(NULL, net->text, net->size) == CKKS_EARG
                  && nn_plan_load(p, NULL, 0) == CKKS_EARG
                  && nn_plan_save(NULL, &size, p) == CKKS_EARG
                  && nn_plan_save(&text, NULL, p) == CKKS_EARG
                  && nn_plan_save(&text, &size, NULL) == CKKS_EARG
                  && text == NULL, "plan: misuse was taken");
    fuzz_free(p);
    misuse_check(&net->plan);
}

/* One text for another in the plan of network 0. */
static void seeds_wrong(const fuzz_target *t)
{
    static const char *const wrong[][2] = {
        { "\"primes\": [", "\"primes\": 1, \"x\": [" },
        { "\"special\": [", "\"special\": [1, -1, " },
        { "\"classes\": [", "\"classes\": 1, \"x\": [" },
        { "\"keys\": [", "\"keys\": 1, \"x\": [" },
        { "\"steps\": [", "\"steps\": 1, \"x\": [" },
        { "\"layout\": {", "\"layout\": 1, \"x\": {" },
        { "\"kind\": \"relin\"", "\"kind\": \"conj\"" },
        { "\"kind\": \"relin\"", "\"kind\": 5" },
        { "\"channels\": 1", "\"channels\": 4096" }
    };
    const char *text = fuzz_net_at(0)->text;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *at = strstr(text, wrong[i][0]);
        char *out = fuzz_room(fuzz_net_at(0)->size + 64);

        fuzz_must(at != NULL, "a plan without %s", wrong[i][0]);
        memcpy(out, text, (size_t)(at - text));
        strcat(out, wrong[i][1]);
        strcat(out, at + strlen(wrong[i][0]));
        fuzz_seed(t, 0, 0, 0, out, strlen(out));
        fuzz_free(out);
    }
}

/* More keys, and more steps, than there may be. */
static void seeds_many(const fuzz_target *t)
{
    static const char *const list[] = { "\"keys\": [", "\"steps\": [" };
    const char *text = fuzz_net_at(0)->text;

    for (size_t i = 0; i < 2; i++) {
        const char *at = strstr(text, list[i]) + strlen(list[i]);
        const size_t item = strcspn(at, "}") + 1;
        char *out = fuzz_room(fuzz_net_at(0)->size + 300 * (item + 1) + 1);
        size_t n = (size_t)(at - text);

        memcpy(out, text, n);
        for (int k = 0; k < 300; k++) {
            memcpy(out + n, at, item);
            out[n + item] = ',';
            n += item + 1;
        }
        strcpy(out + n, at);
        fuzz_seed(t, 0, 0, 0, out, strlen(out));
        fuzz_free(out);
    }
}

static void seeds_plan(const fuzz_target *t)
{
    seeds_wrong(t);
    seeds_many(t);
    for (uint8_t i = 0; i < FUZZ_PLANS; i++)
        fuzz_seed(t, i, i == 0 ? FUZZ_SWEEP | FUZZ_MISUSE : 0, i,
                  fuzz_net_at(i)->text, fuzz_net_at(i)->size);
}

/* No change, then one change each of a few values. */
static void seeds_fields(const fuzz_target *t)
{
    for (uint8_t i = 0; i < FUZZ_PLANS; i++) {
        const uint8_t draws[] = { 2, 20, 0, (uint8_t)(i % 3), 1, i, 0, 5, 6 };

        fuzz_seed(t, i, 0, 0, draws, i == 0 ? 0 : sizeof draws);
    }
}

const fuzz_target fuzz_plan = {
    "plan", sizeof(nn_plan), NULL, load_plan, save_plan, NULL, use_plan, none,
    misuse_plan, seeds_plan
};
const fuzz_target fuzz_plan_fields = {
    "plan_fields", sizeof(nn_plan), mend_fields, load_plan, save_plan, NULL,
    use_plan, none, NULL, seeds_fields
};

/* ---- machines ------------------------------------------------------------ */

static char *machine_text(const char *kernel)
{
    nn_machine m;
    char *text = NULL;
    size_t size = 0;

    fuzz_must(nn_machine_default(&m, kernel) == CKKS_OK
                  && nn_machine_save(&text, &size, &m) == CKKS_OK, "machine");
    return text;
}

static void mend_machine(fuzz_input *in)
{
    fuzz_draw d = { in->data, in->size };
    char *base, *text;

    if (!(in->flags & FUZZ_DRAW))
        return;
    base = machine_text("portable");
    text = fuzz_draw_json(&d, base);
    fuzz_replace(in, text, strlen(text));
    fuzz_free(text);
    free(base);
}

static ckks_status load_machine(void *x, const fuzz_input *in)
{
    return nn_machine_load(x, (const char *)in->data, in->size);
}

static ckks_status save_machine(uint8_t **out, size_t *size, const void *x,
                                const fuzz_input *in)
{
    char *text = NULL;
    ckks_status s = nn_machine_save(&text, size, x);

    (void)in;
    *out = (uint8_t *)text;
    return s;
}

/* A prediction by it. */
static void use_machine(void *x, const fuzz_input *in)
{
    const fuzz_net *net = fuzz_net_at(in->variant);
    nn_plan *p = fuzz_room(sizeof *p);

    *p = net->plan;
    if (fuzz_patient(in)
        && nn_plan_price(p, &net->model, x, 1 + in->variant % 4) == CKKS_OK)
        fuzz_must(p->seconds > 0, "machine: %g seconds", p->seconds);
    fuzz_free(p);
}

static void misuse_machine(const fuzz_input *in)
{
    nn_machine m, odd;
    char *text = NULL;
    size_t size = 0;

    fuzz_must(nn_machine_default(&m, NULL) == CKKS_OK
                  && nn_machine_default(NULL, NULL) == CKKS_EARG
                  && nn_machine_default(&m, "abacus") == CKKS_EPARAM
                  && nn_machine_load(NULL, "", 0) == CKKS_EARG
                  && nn_machine_load(&m, NULL, 0) == CKKS_EARG
                  && nn_machine_save(NULL, &size, &m) == CKKS_EARG
                  && nn_machine_save(&text, NULL, &m) == CKKS_EARG
                  && nn_machine_save(&text, &size, NULL) == CKKS_EARG
                  && in->data != NULL, "machine: misuse was taken");
    odd = m;
    memset(odd.kernel, 'x', sizeof odd.kernel);
    fuzz_must(nn_machine_save(&text, &size, &odd) == CKKS_EARG,
              "machine: a name without end");
    odd = m;
    odd.cost[NN_PASS] = 0;
    fuzz_must(nn_machine_save(&text, &size, &odd) == CKKS_EPARAM,
              "machine: a cost of 0");
    fuzz_arm(1, true);
    fuzz_must(nn_machine_default(&m, NULL) != CKKS_OK,
              "machine: a context without memory");
    (void)fuzz_disarm();
}

/* Texts at the edges of JSON, which all formats of text share. */
static void seeds_json(const fuzz_target *t)
{
    static const char *const text[] = {
        "[\"\\u00e9\\uD83D\\uDe00\\ufffd\\\"\\/\\b\\f\\n\\r\\t\\\\\"]",
        "[\"\\uD83Dx\"]", "[\"\\uD83D\\u0041\"]", "[\"\\uDE00\"]",
        "[\"\\u12G4\"]",
        "[\"\\u12", "[\"\\x\"]", "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
        "[\"\xc3\"]", "[\"\xed\xa0\x80\"]", "[\"\x01\"]", "[\"abc", "[-]",
        "[01]",
        "[1.]", "[1e+]", "[-0.5e-3, 1E+10, 0]", "[1e999]", "[tru]", "[nul]",
        "{\"a\":1,\"a\":2}", "{\"a\"}", "{\"a\":}", "{a:1}", "[1 2]", "[1,]",
        "[]x",
        "", " ", "{\"b\":[],\"a\":{},\"c\":[{}]}", "[\"\\u0000\"]",
        "[1111111111111111111111111111111111111111111111111111111111111111111"
        "1111111111111111111111111111111111111111111111111]",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
    };

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        fuzz_seed(t, 0, i == 0 ? FUZZ_SWEEP : 0, 0, text[i], strlen(text[i]));
}

static void seeds_machine(const fuzz_target *t)
{
    static const char *const kernel[] = { "portable", "avx2", "avx512ifma" };
    const uint8_t draws[] = { 1, 3, 2, 9 };

    for (uint8_t i = 0; i < 3; i++) {
        char *text = machine_text(kernel[i]);

        fuzz_seed(t, i, i == 0 ? FUZZ_SWEEP | FUZZ_MISUSE : 0, 0, text,
                  strlen(text));
        free(text);
    }
    fuzz_seed(t, 0, FUZZ_DRAW, 0, draws, sizeof draws);
    seeds_json(t);
}

const fuzz_target fuzz_machine = {
    "machine", sizeof(nn_machine), mend_machine, load_machine, save_machine,
    NULL, use_machine, none, misuse_machine, seeds_machine
};
