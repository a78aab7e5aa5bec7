/* test_offer.c -- the server's offer: back from its text as it was, and what a
 * client refuses of it. */
#include <math.h>

#include "blind/plan.h"
#include "blind/plan.h"
#include "network_support.h"

static ckks_status offered(blind_network **n, char **text, size_t *size)
{
    const net_spec spec = { .dims = 2, .base = 2, .depth = 1, .side = 16,
                            .norm = true, .max = true, .labels = 3,
                            .border = NN_ZERO, .seed = 2 };
    nn_model m;
    ckks_status s = net_unet(&m, &spec);

    if (s == CKKS_OK)
        s = blind_quantise(n, NULL, &m, 16);
    if (s == CKKS_OK)
        s = blind_network_save(text, size, *n);
    nn_model_clear(&m);
    return s;
}

/* Text, network, text: the same; and shapes that follow are the server's. */
TEST(offer_comes_back_as_it_was)
{
    blind_network *n = NULL, *back = NULL;
    char *text = NULL, *again = NULL;
    size_t size, size_again = 0;

    if (!CHECK_OK(offered(&n, &text, &size))
        || !CHECK_OK(blind_network_load(&back, text, size))
        || !CHECK_OK(blind_network_save(&again, &size_again, back)))
        return;
    CHECK(size == size_again && memcmp(text, again, size) == 0,
          "%s\n became\n%s", text, again);
    for (int k = 0; k < n->num_steps; k++) {
        const blind_step *a = &n->step[k], *b = &back->step[k];
        blind_conv conv = a->conv;

        conv.log_sum = ceil(conv.log_sum);
        CHECK(a->op == b->op && a->channels == b->channels
              && memcmp(a->size, b->size, sizeof a->size) == 0
              && a->limit == b->limit
              && memcmp(&conv, &b->conv, sizeof conv) == 0,
              "step %s differs", a->name);
        CHECK(b->weight == NULL && b->bias == NULL && b->map == NULL,
              "step %s has weights", b->name);
    }
    free(text);
    free(again);
    blind_network_clear(&n);
    blind_network_clear(&back);
}

/* No weight is in the text: two networks that differ in them alone, and in
 * nothing that follows from their size, are offered alike. */
TEST(offer_holds_no_weight)
{
    blind_network *n = NULL;
    char *text = NULL, *other = NULL;
    size_t size, size_other = 0;

    if (!CHECK_OK(offered(&n, &text, &size)))
        return;
    for (int k = 0; k < n->num_steps; k++)
        if (n->step[k].op == BLIND_CONV)
            for (int i = 0; i < n->step[k].conv.out; i++) {
                n->step[k].weight[i] = -n->step[k].weight[i];
                n->step[k].bias[i]++;
            }
    if (CHECK_OK(blind_network_save(&other, &size_other, n)))
        CHECK(size == size_other && memcmp(text, other, size) == 0,
              "another text");
    free(text);
    free(other);
    blind_network_clear(&n);
}

static size_t times(const char *text, const char *word)
{
    size_t n = 0;

    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        n++;
    return n;
}

/* The calibrated range of the input alone, for the client clips by it; sums to
 * whole bits, and as many bytes planned as at the server. */
TEST(offer_tells_no_ranges)
{
    static blind_plan mine, theirs;
    blind_network *n = NULL, *heard = NULL;
    char *text = NULL;
    size_t size = 0;

    if (CHECK_OK(offered(&n, &text, &size))
        && CHECK_OK(blind_network_load(&heard, text, size))) {
        CHECK(times(text, "\"range\"") == 1, "%zu ranges",
              times(text, "\"range\""));
        for (int k = 1; k < n->num_steps; k++) {
            const double is = heard->step[k].conv.log_sum;

            CHECK(is == ceil(n->step[k].conv.log_sum), "step %d: 2^%g", k, is);
            CHECK(heard->step[k].range == 0, "step %d: a range", k);
        }
        if (CHECK_OK(blind_plan_make(&mine, n, 2))
            && CHECK_OK(blind_plan_make(&theirs, heard, 2)))
            CHECK(mine.all.bytes.up == theirs.all.bytes.up
                  && mine.all.bytes.down == theirs.all.bytes.down,
                  "other bytes");
    }
    free(text);
    blind_network_clear(&heard);
    blind_network_clear(&n);
}

TEST(offer_that_cannot_be_is_refused)
{
    static const char *const change[][3] = {
        { "volley-blind-1", "volley-blind-2", "format" },
        { "\"bits\": 16", "\"bits\": 64", "bits" },
        { "\"dims\": 2", "\"dims\": 3", "a side of" },
        { "\"channels\": 1", "\"channels\": 0", "channels" },
        { "\"size\": [1, 16, 16]", "\"size\": [1, 65536, 65536]",
          "number of values" },
        { "\"size\": [1, 16, 16]", "\"size\": [2, 16, 16]", "depth" },
        { "\"halo\": [0, 0, 0]", "\"halo\": [0, 8, 0]", "halo" },
        { "\"op\": \"conv\"", "\"op\": \"dense\"", "op" },
        { "\"op\": \"relu\"", "\"op\": \"sum\"", "pool" },
        { "\"op\": \"labels\"", "\"op\": \"relu\"", "number" },
        { "\"in\": [0]", "\"in\": [1]", "an input" },
        { "\"in\": [0]", "\"in\": []", "in" },
        { "\"kernel\": [1, 3, 3]", "\"kernel\": [1, 3, 65]", "kernel" },
        { "\"before\": [0, 1, 1]", "\"before\": [0, 3, 1]", "pad" },
        { "\"before\": [0, 1, 1]", "\"before\": [0, 1]", "before" },
        { "\"stride\": 1", "\"stride\": 3", "stride" },
        { "\"shift\": ", "\"shift\": 4", "shift" },
        { "\"log_sum\": ", "\"log_sum\": 9", "sums" },
        { "\"pool\": [1, 2, 2]", "\"pool\": [1, 4, 4]", "window" },
        { "\"fraction\": ", "\"fraction\": 9", "fraction" },
        { "\"range\": 1", "\"range\": 1e9", "fraction" },
        { "\"range\": 1", "\"range\": -1", "range" },
        { "\"labels\": [\"part 0\", ", "\"labels\": [", "scores" },
        { "\"name\": \"net\"", "\"name\": \"n\\u001b[2J\"", "name" },
        { "\"mul\": ", "\"mul\": 1e40, \"more\": ", "more" },
        { "\"plane\": 0", "\"plane\": 9", "plane" },
        { "\"given\": false", "\"given\": true", "low: not below high" },
    };
    blind_network *n = NULL, *back = NULL;
    char *text = NULL;
    size_t size;

    if (!CHECK_OK(offered(&n, &text, &size)))
        return;
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        const char *const *c = change[i];
        char *at = strstr(text, c[0]);
        char *other = malloc(size + 64);

        if (CHECK(at != NULL, "no %s in %s", c[0], text)) {
            snprintf(other, size + 64, "%.*s%s%s", (int)(at - text), text,
                     c[1], at + strlen(c[0]));
            CHECK_STATUS(blind_network_load(&back, other, strlen(other)),
                         CKKS_EFORMAT);
            CHECK(back == NULL && strstr(nn_last_error(), c[2]) != NULL,
                  "%s: %s", c[1], nn_last_error());
            blind_network_clear(&back);
        }
        free(other);
    }
    free(text);
    blind_network_clear(&n);
}

/* Any cut is refused, and reads nothing behind it. */
TEST(offer_that_is_cut_is_refused)
{
    blind_network *n = NULL, *back = NULL;
    char *text = NULL;
    size_t size;

    if (!CHECK_OK(offered(&n, &text, &size)))
        return;
    for (size_t i = 0; i < size; i += 1 + size / 200) {
        char *part = malloc(i + 1);

        memcpy(part, text, i);
        CHECK_STATUS(blind_network_load(&back, part, i), CKKS_EFORMAT);
        free(part);
    }
    free(text);
    blind_network_clear(&n);
}

/* One to three characters changed, thousands of times: refused, or a network
 * that can be planned. */
TEST(offer_with_any_characters_is_bounded)
{
    static blind_plan plan;
    blind_network *n = NULL, *back = NULL;
    char *text = NULL, *other;
    size_t size, taken = 0;
    uint64_t seed = 17;

    if (!CHECK_OK(offered(&n, &text, &size)))
        return;
    other = malloc(size + 1);
    for (int i = 0; i < (test_long() ? 200000 : 4000); i++) {
        static const char with[] = "0123456789-e.,:[]{}\"truefalsnull";
        const int changes = 1 + (int)(test_word(&seed) % 3);
        ckks_status s;

        memcpy(other, text, size + 1);
        for (int j = 0; j < changes; j++)
            other[test_word(&seed) % size] =
                with[test_word(&seed) % (sizeof with - 1)];
        s = blind_network_load(&back, other, size);
        CHECK(s == CKKS_OK || s == CKKS_EFORMAT, "status %d for %s", s, other);
        if (s == CKKS_OK) {
            s = blind_plan_make(&plan, back, 2);
            CHECK(s == CKKS_OK || s == CKKS_EPARAM, "status %d for %s", s,
                  other);
            taken++;
        }
        blind_network_clear(&back);
    }
    CHECK(taken > 10, "only %zu taken", taken);
    free(other);
    free(text);
    blind_network_clear(&n);
}
