/* source.c -- what a MODEL or PLAN argument names, told by its content. */
#include <stdio.h>
#include <string.h>

#include "volley.h"

/* A model begins with its header's length in 8 bytes, of which the last are 0
 * in any file there is. */
volley_content volley_sniff(const uint8_t *data, size_t size)
{
    size_t i = 0;

    if (size >= 4 && memcmp(data, "VVCT", 4) == 0)
        return VOLLEY_VCT;
    if (size >= 4 && memcmp(data, "VLLY", 4) == 0)
        return VOLLEY_OBJECT;
    if (size >= 9 && data[6] == 0 && data[7] == 0 && data[8] == '{')
        return VOLLEY_MODEL;
    while (i < size && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t'
                        || data[i] == '\r'))
        i++;
    return i < size && data[i] == '{' ? VOLLEY_PLAN : VOLLEY_UNKNOWN;
}

static int source_load_plan(nn_plan *out, const char *path,
                            const uint8_t *data, size_t size)
{
    if (size > VOLLEY_PLAN_BYTES)
        return volley_fail("%s: a plan of %zu bytes: too large", path, size);
    if (nn_plan_load(out, (const char *)data, size) != CKKS_OK)
        return volley_fail("%s: %s", path, nn_last_error());
    return VOLLEY_DONE;
}

/* Why there is no plan; and the ring degree that would do, if another was asked
 * for. */
static int source_no_plan(volley_source *s, const nn_aim *aim)
{
    nn_aim other = *aim;
    char why[512];

    snprintf(why, sizeof why, "%s", nn_last_error());
    other.log_n = 0;
    if (aim->log_n == 0
        || nn_plan_make(&s->plan, &s->model, &other) != CKKS_OK)
        return volley_fail("%s: %s", s->path, why);
    return volley_fail("%s: %s; --log-n %d would do", s->path, why,
                       s->plan.params.log_n);
}

/* An output that is a single number for a whole volume is no mask of it. */
static int source_check_volume(const volley_source *s)
{
    const nn_layer *y = &s->model.layer[s->model.output];

    if (s->model.depth == 0
        || (s->model.num_classes == 0 && y->depth == s->model.depth
            && y->height == s->model.height && y->width == s->model.width))
        return VOLLEY_DONE;
    return volley_fail("%s: layer %s gives %d x %d x %d numbers a channel for "
                       "a volume of %d x %d x %d: of volumes only masks are "
                       "made", s->path, y->name, y->depth, y->height, y->width,
                       s->model.depth, s->model.height, s->model.width);
}

void volley_reading(nn_plan *out, const nn_model *m)
{
    const nn_layer *y = &m->layer[m->output];

    memset(out, 0, sizeof *out);
    memcpy(out->name, m->name, sizeof out->name);
    out->border = m->depth > 0 ? NN_HALO : m->border;
    out->core_height = out->layout.height = m->height;
    out->core_width = out->layout.width = m->width;
    out->layout.batch = 1;
    out->channels = m->channels;
    out->mul = m->mul;
    out->add = m->add;
    out->images = m->images;
    out->out_channels = y->channels;
    out->threshold = m->threshold;
    memcpy(out->foreground, m->foreground, sizeof out->foreground);
    out->num_classes = m->num_classes;
    memcpy(out->class_name, m->class_name, sizeof out->class_name);
    out->num_labels = m->num_labels;
    memcpy(out->label_name, m->label_name, sizeof out->label_name);
    memcpy(out->label_max, m->label_max, sizeof out->label_max);
    out->logit_max = y->range.max;
}

static int source_load_model(volley_source *s, const uint8_t *data,
                             size_t size, const char *plan_path,
                             const nn_aim *aim, bool clear)
{
    static const nn_aim by_default;
    uint8_t *text = NULL;
    size_t text_size;
    int code;

    if (plan_path != NULL && aim != NULL && aim->images != 0)
        return volley_fail("--plan %s was chosen already: --aim and --images "
                           "N are for making one", plan_path);
    if (nn_model_load(&s->model, data, size) != CKKS_OK)
        return volley_fail("%s: %s", s->path, nn_last_error());
    s->has_model = true;
    if (clear && s->model.blind && plan_path == NULL) {
        volley_reading(&s->plan, &s->model);
        return source_check_volume(s);
    }
    if (plan_path == NULL) {
        if (nn_plan_make(&s->plan, &s->model,
                         aim != NULL ? aim : &by_default) != CKKS_OK)
            return source_no_plan(s, aim != NULL ? aim : &by_default);
        return VOLLEY_DONE;
    }
    code = volley_read(&text, &text_size, plan_path, VOLLEY_PLAN_BYTES);
    if (code == VOLLEY_DONE)
        code = source_load_plan(&s->plan, plan_path, text, text_size);
    ckks_file_free(text, text_size);
    if (code == VOLLEY_DONE)        /* a plan's file holds no predictions    */
        code = volley_check(nn_plan_price(&s->plan, &s->model,
                                          aim != NULL ? aim->machine : NULL,
                                          aim != NULL ? aim->threads : 1));
    return code;
}

static int source_refuse(const char *path, volley_content content,
                         bool need_model)
{
    static const char *const what[] = {
        "", "a model", "a plan", "a key", "a file of ciphertexts"
    };

    if (content == VOLLEY_UNKNOWN)
        return volley_fail("%s is neither a model nor a plan", path);
    return volley_fail("%s is %s, not a model%s", path, what[content],
                       need_model ? " with its weights" : " or a plan");
}

static int source_load(volley_source *out, const char *path, bool need_model,
                       const char *plan_path, const nn_aim *aim, bool clear)
{
    uint8_t head[UNI_HEAD], *data = NULL;
    size_t size = uni_file_head(head, sizeof head, path);
    volley_content content = volley_sniff(head, size);
    int code;

    memset(out, 0, sizeof *out);
    out->path = path;
    if (size > 0 && content != VOLLEY_MODEL && content != VOLLEY_PLAN)
        return source_refuse(path, content, need_model);
    code = volley_read(&data, &size, path, content == VOLLEY_MODEL
                                               ? VOLLEY_MODEL_BYTES
                                               : VOLLEY_PLAN_BYTES);
    if (code != VOLLEY_DONE)
        return code;
    content = volley_sniff(data, size);
    if (size == 0)
        code = volley_fail("%s is empty", path);
    else if (content == VOLLEY_MODEL)
        code = source_load_model(out, data, size, plan_path, aim, clear);
    else if (content == VOLLEY_PLAN && !need_model && aim != NULL
             && aim->images != 0)
        code = volley_fail("%s is a plan: --aim and --images N are for a "
                           "model", path);
    else if (content == VOLLEY_PLAN && !need_model)
        code = source_load_plan(&out->plan, path, data, size);
    else
        code = source_refuse(path, content, need_model);
    ckks_file_free(data, size);
    out->images = out->plan.images;
    if (code != VOLLEY_DONE)
        volley_source_clear(out);
    return code;
}

int volley_source_load(volley_source *out, const char *path, bool need_model,
                       const char *plan_path, const nn_aim *aim)
{
    return source_load(out, path, need_model, plan_path, aim, false);
}

int volley_source_clear_load(volley_source *out, const char *path,
                             const char *plan_path, const nn_aim *aim)
{
    return source_load(out, path, true, plan_path, aim, true);
}

int volley_goal(nn_aim *aim, const volley_args *a)
{
    const char *goal = a->value[OPT_AIM];
    bool soon = goal != NULL && strcmp(goal, "latency") == 0;
    bool many = goal != NULL && strcmp(goal, "throughput") == 0;
    int images = 0, code;

    if (goal != NULL && !soon && !many)
        return volley_usage("--aim '%s' is neither latency nor throughput",
                            goal);
    code = volley_int(&images, a, OPT_IMAGES, 1, 1 << 29, 0);
    if (code != VOLLEY_DONE)
        return code;
    if ((soon && images > 1) || (many && images == 1))
        return volley_usage("--aim %s and --images %d contradict each other",
                            goal, images);
    aim->images = images > 0 ? images : soon ? 1 : many ? NN_MANY : 0;
    return VOLLEY_DONE;
}

int volley_source_context(volley_source *s, const ckks_memory *memory)
{
    return volley_check(nn_plan_context(&s->ctx, &s->plan, memory));
}

void volley_source_clear(volley_source *s)
{
    if (s->ctx != NULL)
        ckks_ctx_clear(&s->ctx);
    if (s->has_model)
        nn_model_clear(&s->model);
    memset(s, 0, sizeof *s);
}
