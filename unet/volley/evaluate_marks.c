/* evaluate_marks.c -- what names all that sets of a result depend on: sets that
 * are found, and parts that are joined, must be of the same. */
#include <errno.h>
#include <string.h>

#include "evaluate.h"

/* What all sets of one result have in common. */
typedef struct marks_origin {
    uint8_t plan[UNET_ID], request[UNET_ID], keys[UNET_ID], weights[UNET_ID];
    char version[UNET_ID];
} marks_origin;

/* What those of one evaluation have, too. */
typedef struct marks_run {
    uint8_t origin[UNET_ID], inputs[UNET_ID], part[UNET_ID];
} marks_run;

/* Adds bytes from..end - 1 of a file to a name, piece by piece: every name is
 * of the one before and a piece. */
static int marks_bytes(uint8_t name[UNET_ID], FILE *f, const char *path,
                       uint64_t from, uint64_t end)
{
    static uint8_t piece[UNET_ID + (1 << 20)];
    const size_t most = sizeof piece - UNET_ID;

    errno = 0;
    if (fseeko(f, (off_t)from, SEEK_SET) != 0)
        return volley_fail("reading %s: %s", path, strerror(errno));
    while (from < end) {
        const size_t n = end - from < most ? (size_t)(end - from) : most;

        if (fread(piece + UNET_ID, 1, n, f) != n)
            return volley_fail("reading %s: %s", path,
                               strerror(errno != 0 ? errno : EIO));
        memcpy(piece, name, UNET_ID);
        ckks_blake2b(name, UNET_ID, piece, UNET_ID + n, NULL, 0);
        from += n;
    }
    return VOLLEY_DONE;
}

/* The head of the inputs and the sets that are evaluated: what other machines
 * evaluate is not read. */
static int marks_inputs(uint8_t name[UNET_ID], unet_reader *reader,
                        const evaluate_hand *h)
{
    const uint64_t head = unet_reader_at(reader);
    uint64_t from = head, end = head;
    unet_info info;
    FILE *f;
    int code;

    unet_reader_info(&info, reader);
    code = volley_check(unet_reader_skip(reader,
                                         h->part.first - info.part.first));
    from = unet_reader_at(reader);
    if (code == VOLLEY_DONE)
        code = volley_check(unet_reader_skip(reader, h->part.count));
    end = unet_reader_at(reader);
    if (code != VOLLEY_DONE)
        return code;
    f = fopen(h->in_path, "rb");
    if (f == NULL)
        return volley_fail("reading %s: %s", h->in_path, strerror(errno));
    code = marks_bytes(name, f, h->in_path, 0, head);
    if (code == VOLLEY_DONE)
        code = marks_bytes(name, f, h->in_path, from, end);
    (void)fclose(f);
    return code;
}

int evaluate_mark(evaluate_hand *h, bool kept)
{
    const volley_source *s = h->source;
    marks_origin origin = {0};
    marks_run run = {0};
    unet_reader *reader = NULL;
    unet_info info;
    int code = volley_check(unet_reader_open(&reader, h->in_path, &s->plan,
                                             UNET_INPUT));

    if (code != VOLLEY_DONE)
        return code;
    unet_reader_info(&info, reader);
    memcpy(origin.plan, info.plan, UNET_ID);
    memcpy(origin.request, info.request, UNET_ID);
    memcpy(origin.keys, h->keys_name, UNET_ID);
    ckks_blake2b(origin.weights, UNET_ID, (const uint8_t *)s->model.data,
                 s->model.data_count * sizeof *s->model.data, NULL, 0);
    snprintf(origin.version, sizeof origin.version, "%s", CKKS_VERSION);
    ckks_blake2b(h->origin, UNET_ID, (const uint8_t *)&origin, sizeof origin,
                 NULL, 0);
    memcpy(run.origin, h->origin, UNET_ID);
    memcpy(run.part, &h->part, sizeof h->part);
    if (kept)
        code = marks_inputs(run.inputs, reader, h);
    ckks_blake2b(h->keep.mark, UNET_ID, (const uint8_t *)&run, sizeof run,
                 NULL, 0);
    h->keep.origin = h->is_part ? h->origin : NULL;
    unet_reader_close(&reader);
    return code;
}
