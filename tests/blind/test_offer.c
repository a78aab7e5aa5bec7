/* test_offer.c -- what a server tells of its network before a session: no more
 * than a client needs; and texts that no client takes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/plan.h"
#include "blind/quantise.h"
#include "network_support.h"

static blind_network *offer_network(void)
{
    const net_spec spec = { .dims = 2, .base = 4, .depth = 1, .side = 8,
                            .labels = 2, .border = NN_ZERO, .seed = 5 };
    blind_network *n = NULL;
    nn_model m;

    if (CHECK_OK(net_unet(&m, &spec)))
        (void)CHECK_OK(blind_quantise(&n, NULL, &m, 16));
    nn_model_clear(&m);
    return n;
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
    blind_network *n = offer_network(), *heard = NULL;
    char *text = NULL;
    size_t size = 0;

    if (n == NULL)
        return;
    if (CHECK_OK(blind_network_save(&text, &size, n))
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

/* One text for another. */
static void check_refused(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *other = malloc(strlen(text) + strlen(to) + 1);
    blind_network *n = NULL;

    if (CHECK(at != NULL && other != NULL, "no %s", from)) {
        memcpy(other, text, (size_t)(at - text));
        strcpy(other + (at - text), to);
        strcat(other, at + strlen(from));
        CHECK(blind_network_load(&n, other, strlen(other)) == CKKS_EFORMAT
              && n == NULL, "%s is taken", to);
    }
    blind_network_clear(&n);
    free(other);
}

TEST(offer_refuses)
{
    blind_network *n = offer_network();
    char *text = NULL;
    size_t size = 0;

    if (n == NULL)
        return;
    n->images = (nn_images){ .given = true, .values = NN_VALUES_WINDOW,
                             .low = 1, .high = 2 };
    if (CHECK_OK(blind_network_save(&text, &size, n))) {
        check_refused(text, "\"low\": 1, \"high\": 2",
                      "\"low\": 0, \"high\": 0");
        check_refused(text, "\"low\": 1, \"high\": 2",
                      "\"low\": 2, \"high\": 1");
        check_refused(text, "\"bits\": 16", "\"bits\": 7");
        check_refused(text, "\"name\": \"net\"", "\"name\": \"\\u001b[2J\"");
        check_refused(text, "\"op\": \"relu\"", "\"op\": \"input\"");
        check_refused(text, "\"in\": [0]", "\"in\": [1]");
        check_refused(text, "\"size\": [1, 8, 8]",
                      "\"size\": [4096, 131072, 8]");
        check_refused(text, "\"halo\": [0, 0, 0]", "\"halo\": [0, 4, 0]");
        check_refused(text, "\"shift\": ", "\"shift\": 4");
        check_refused(text, "\"before\": [0, 1, 1]", "\"before\": [0, 3, 1]");
        check_refused(text, "\"kernel\": [1, 3, 3]", "\"kernel\": [3, 3, 3]");
        check_refused(text, "\"range\": 1", "\"range\": 1e9");
        check_refused(text, "\"labels\": [\"part 0\", ", "\"labels\": [");
    }
    free(text);
    blind_network_clear(&n);
}
