/* test_expects.c -- the object `images` of model and plan files. */
#include <math.h>

#include "model_support.h"

static bool tiny_model(model_maker *k)
{
    maker_start(k, "zero", 0, 1, 4, 4);
    maker_conv(k, "out", "image", 1, 1, 3);
    maker_finish(k, "out");
    return CHECK(k->data != NULL, "no memory");
}

/* The model with such an object beside its border. */
static ckks_status load_with(nn_model *m, const char *images)
{
    static model_maker k;
    static char with[512];
    ckks_status s;

    if (!tiny_model(&k))
        return CKKS_EMEM;
    snprintf(with, sizeof with, "\"images\":%s,\"border\"", images);
    CHECK(text_replace(k.net, sizeof k.net, "\"border\"", with), "no border");
    maker_header(&k);
    s = model_made(m, &k);
    maker_clear(&k);
    return s;
}

static bool same(const nn_images *a, const nn_images *b)
{
    return a->given == b->given && strcmp(a->modality, b->modality) == 0
           && a->plane == b->plane && a->spacing_y == b->spacing_y
           && a->spacing_x == b->spacing_x && a->values == b->values
           && a->low == b->low && a->high == b->high;
}

TEST(expects_fields)
{
    static const struct { const char *text; nn_images want; } row[] = {
        { "{}", { .given = true, .low = 1, .high = 99.5 } },
        { "{\"modality\":\"CT\",\"plane\":\"coronal\",\"spacing\":[0.5,2],"
          "\"values\":\"window\",\"low\":-160,\"high\":240}",
          { true, "CT", NN_PLANE_CORONAL, 0.5, 2, NN_VALUES_WINDOW, -160,
            240 } },
        { "{\"values\":\"full\",\"plane\":\"sagittal\"}",
          { .given = true, .plane = NN_PLANE_SAGITTAL,
            .values = NN_VALUES_FULL } },
        { "{\"low\":0,\"high\":100,\"plane\":\"axial\"}",
          { .given = true, .plane = NN_PLANE_AXIAL, .high = 100 } },
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        nn_model m = {0};

        if (CHECK(load_with(&m, row[i].text) == CKKS_OK, "%s: %s",
                  row[i].text, nn_last_error()))
            CHECK(same(&m.images, &row[i].want), "%s", row[i].text);
        nn_model_clear(&m);
    }
}

TEST(expects_refusals)
{
    static const struct { const char *text, *words; } row[] = {
        { "[]", "images is not an object" },
        { "{\"x\":1}", "unknown key \"x\"" },
        { "{\"plane\":\"\"}", "plane is not" },
        { "{\"plane\":1}", "plane is not" },
        { "{\"values\":\"all\"}", "values is not" },
        { "{\"modality\":7}", "modality is not" },
        { "{\"modality\":\"a\\u001b[2J\"}", "control character" },
        { "{\"modality\":\"0123456789012345678901234567890123456789012345678"
          "901234567890123\"}", "at most 63" },
        { "{\"spacing\":1}", "spacing is not" },
        { "{\"spacing\":[1]}", "spacing is not" },
        { "{\"spacing\":[1,2,3]}", "spacing is not" },
        { "{\"spacing\":[0,1]}", "above 0" },
        { "{\"spacing\":[1,-1]}", "above 0" },
        { "{\"spacing\":[1,1e300]}", "1e+300 mm" },
        { "{\"spacing\":[1e-300,1]}", "1e-300 and" },
        { "{\"low\":1}", "low or high" },
        { "{\"low\":5,\"high\":5}", "low 5, high 5" },
        { "{\"low\":-1,\"high\":5}", "both in 0..100" },
        { "{\"low\":1,\"high\":101}", "both in 0..100" },
        { "{\"values\":\"window\"}", "low or high" },
        { "{\"values\":\"window\",\"low\":-1.7e308,\"high\":1.7e308}",
          "want low < high" },
        { "{\"values\":\"full\",\"low\":1}", "has no low" },
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        nn_model m = {0};

        if (CHECK(load_with(&m, row[i].text) == CKKS_EFORMAT, "%s: accepted",
                  row[i].text))
            CHECK(strstr(nn_last_error(), row[i].words) != NULL,
                  "%s: \"%s\", want \"%s\"", row[i].text, nn_last_error(),
                  row[i].words);
        nn_model_clear(&m);
    }
}

/* The owner has the plan alone. */
TEST(expects_reach_the_plan)
{
    static nn_plan p, q;
    nn_model m = {0};
    const nn_aim aim = { .security = CKKS_INSECURE };
    char *text = NULL;
    size_t size;
    uint8_t with[16], without[16];

    if (!CHECK(load_with(&m, "{\"modality\":\"T1\",\"plane\":\"axial\","
                             "\"spacing\":[0.1,0.3],\"low\":2,\"high\":98}")
               == CKKS_OK, "%s", nn_last_error())
        || !CHECK(nn_plan_make(&p, &m, &aim) == CKKS_OK, "%s",
                  nn_last_error()))
        goto done;
    CHECK(same(&p.images, &m.images), "the plan's are not the model's");
    if (CHECK(nn_plan_save(&text, &size, &p) == CKKS_OK
              && nn_plan_load(&q, text, size) == CKKS_OK, "%s",
              nn_last_error()))
        CHECK(same(&q.images, &p.images), "another one comes back");
    CHECK(nn_plan_fingerprint(with, &p) == CKKS_OK, "%s", nn_last_error());
    memset(&q.images, 0, sizeof q.images);
    CHECK(nn_plan_fingerprint(without, &q) == CKKS_OK, "%s", nn_last_error());
    CHECK(memcmp(with, without, 16) != 0, "the fingerprint does not see it");
    q = p;
    q.images.spacing_y = NAN;
    CHECK(nn_plan_check(&q) == CKKS_EFORMAT, "no number as spacing");
    q = p;
    q.images.high = HUGE_VAL;
    CHECK(nn_plan_check(&q) == CKKS_EFORMAT, "endless window");
    q = p;
    q.images.plane = (nn_plane)4;
    CHECK(nn_plan_check(&q) == CKKS_EFORMAT, "a fifth plane");
done:
    free(text);
    nn_model_clear(&m);
}
