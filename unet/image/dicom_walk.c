/* dicom_walk.c -- the elements of a DICOM file [DICOM25], one after the other.
 *
 * An element is a tag (group, element: 16 bits each), where the transfer syntax
 * says so two letters of its type, a length of 16 or 32 bits, and so many
 * bytes.  A sequence is a row of items, which are rows of elements; either may
 * have the length 2^32 - 1 and end with a delimiter instead.  Levels are kept
 * in a table: no input makes the code call itself.
 */
#include <string.h>

#include "image/dicom.h"

enum { WALK_PREAMBLE = 128, WALK_SYNTAX = 0x00020010 };
#define WALK_ITEM 0xfffee000u
#define WALK_ITEM_END 0xfffee00du
#define WALK_END 0xfffee0ddu
#define WALK_UNDEFINED 0xffffffffu

static uint32_t walk_word(const uint8_t *in, int bytes)
{
    uint32_t v = 0;

    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | in[i];
    return v;
}

static uint32_t walk_tag(const uint8_t *in)
{
    return walk_word(in, 2) << 16 | walk_word(in + 2, 2);
}

static bool walk_letters(const uint8_t *in)
{
    return in[0] >= 'A' && in[0] <= 'Z' && in[1] >= 'A' && in[1] <= 'Z';
}

/* Types whose length has 16 bits; of all others, also those to come, 32. */
static bool walk_short(const uint8_t *type)
{
    static const char known[] = "AEASATCSDADSDTFDFLISLOLTPNSHSLSSSTTMUIULUS";

    for (size_t i = 0; i + 1 < sizeof known; i += 2)
        if (memcmp(known + i, type, 2) == 0)
            return true;
    return false;
}

/* ---- the beginning ------------------------------------------------------- */

/* A group length, or the first tag of group 8, explicit or implicit; also of a
 * data set in the other order of bytes, to be refused by its name. */
static bool walk_bare(const uint8_t *in, size_t size)
{
    static const uint8_t first[] = { 0, 1, 5, 8, 0x16 };

    if (size >= 8 && memcmp(in, "\0\10\0", 3) == 0
        && (memcmp(in + 4, "CS", 2) == 0 || memcmp(in + 4, "UI", 2) == 0))
        return true;
    if (size < 8 || (in[0] != 2 && in[0] != 8) || in[1] != 0 || in[3] != 0)
        return false;
    if (in[0] == 2 || in[2] == 0)
        return in[2] == 0 && (memcmp(in + 4, "UL\4", 4) == 0
                              || memcmp(in + 4, "\4\0\0", 4) == 0);
    for (size_t i = 0; i < sizeof first; i++)
        if (in[2] == first[i])
            return memcmp(in + 4, "CS", 2) == 0 || memcmp(in + 4, "UI", 2) == 0
                || (in[6] == 0 && in[7] == 0);
    return false;
}

bool uni_is_dicom(const uint8_t *in, size_t size)
{
    return (size >= WALK_PREAMBLE + 4
            && memcmp(in + WALK_PREAMBLE, "DICM", 4) == 0)
        || walk_bare(in, size);
}

ckks_status uni_dicom_begin(uni_dicom_walk *out, const char *name,
                            const uint8_t *in, size_t have, size_t size)
{
    uni_dicom_walk w = { .name = name, .in = in, .have = have, .size = size };

    if (!uni_is_dicom(in, have))
        return nn_fail(CKKS_EFORMAT, "%s: no DICOM file", name);
    if (!walk_bare(in, have))
        w.at = WALK_PREAMBLE + 4;
    w.meta = true;
    w.level[0] = (uni_dicom_level){ .end = size, .item_end = size,
                                    .limit = size, .in_item = true,
                                    .typed = true };
    *out = w;
    return CKKS_OK;
}

/* ---- steps --------------------------------------------------------------- */

/* Whether n bytes follow within the level.  *there: also in the memory. */
static ckks_status walk_room(bool *there, uni_dicom_walk *w, size_t n)
{
    const size_t limit = w->level[w->depth].limit;

    *there = false;
    if (w->at > limit || n > limit - w->at)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM data cut short: an element "
                       "begins at byte %zu, and the %s ends at byte %zu",
                       w->name, w->at, w->depth > 0 ? "sequence around it"
                       : "file", limit);
    *there = w->at + n <= w->have;
    w->cut = !*there;
    return CKKS_OK;
}

static ckks_status walk_push(uni_dicom_walk *w, uint32_t tag, size_t length,
                             bool typed)
{
    const uni_dicom_level *outer = &w->level[w->depth];
    const size_t end = length == UNI_DICOM_OPEN ? UNI_DICOM_OPEN
                                                : w->at + length;

    if (w->depth >= UNI_DICOM_DEPTH)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM sequences in sequences, more "
                       "than %d deep at byte %zu", w->name, UNI_DICOM_DEPTH,
                       w->at);
    w->level[w->depth + 1] = (uni_dicom_level){
        .tag = tag, .item = -1, .end = end, .typed = typed,
        .limit = end == UNI_DICOM_OPEN ? outer->limit : end
    };
    w->depth++;
    return CKKS_OK;
}

/* A length of the file, bounded by what is around it. */
static ckks_status walk_length(size_t *out, const uni_dicom_walk *w,
                               uint32_t tag, uint32_t length)
{
    const size_t limit = w->level[w->depth].limit;

    *out = length == WALK_UNDEFINED ? UNI_DICOM_OPEN : length;
    if (*out == UNI_DICOM_OPEN || length <= limit - w->at)
        return CKKS_OK;
    return nn_fail(CKKS_EFORMAT, "%s: DICOM element (%04x,%04x) has %lu bytes "
                   "at byte %zu, and %zu are left in the %s: cut short or "
                   "damaged", w->name, (unsigned)(tag >> 16),
                   (unsigned)(tag & 0xffff), (unsigned long)length, w->at,
                   limit - w->at, w->depth > 0 ? "sequence around it" : "file");
}

/* Between the items of a sequence: the next one, or its end. */
static ckks_status walk_item(uni_dicom_walk *w)
{
    uni_dicom_level *l = &w->level[w->depth];
    uint32_t tag, length;
    bool there;
    ckks_status s;

    if (l->end != UNI_DICOM_OPEN && w->at == l->end) {
        w->depth--;
        return CKKS_OK;
    }
    s = walk_room(&there, w, 8);
    if (s != CKKS_OK || !there)
        return s;
    tag = walk_tag(w->in + w->at);
    length = walk_word(w->in + w->at + 4, 4);
    w->at += 8;
    if (tag == WALK_END && l->end == UNI_DICOM_OPEN) {
        w->depth--;
        return CKKS_OK;
    }
    if (tag != WALK_ITEM || l->item == INT32_MAX)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM sequence (%04x,%04x) has "
                       "(%04x,%04x) at byte %zu where an item is due", w->name,
                       (unsigned)(l->tag >> 16), (unsigned)(l->tag & 0xffff),
                       (unsigned)(tag >> 16), (unsigned)(tag & 0xffff),
                       w->at - 8);
    s = walk_length(&l->item_end, w, tag, length);
    if (s != CKKS_OK)
        return s;
    if (l->item_end != UNI_DICOM_OPEN) {
        l->item_end += w->at;
        l->limit = l->item_end;
    }
    l->item++;
    l->in_item = true;
    return CKKS_OK;
}

/* Behind an item: what bounds the sequence does again. */
static void walk_leave(uni_dicom_walk *w)
{
    uni_dicom_level *l = &w->level[w->depth];

    l->in_item = false;
    l->limit = l->end != UNI_DICOM_OPEN ? l->end
                                        : w->level[w->depth - 1].limit;
}

/* Without group 2, or without a syntax in it: by the first element. */
static ckks_status walk_guess(bool *typed, const uni_dicom_walk *w)
{
    const uint8_t *in = w->in + w->at;

    *typed = walk_letters(in + 4);
    if (in[0] == 0 && in[1] != 0)
        return uni_dicom_syntax(typed, w->name,
                                (const uint8_t *)"1.2.840.10008.1.2.2", 19);
    return CKKS_OK;
}

/* Behind group 2 the transfer syntax counts. */
static ckks_status walk_syntax(uni_dicom_walk *w)
{
    bool *typed = &w->level[0].typed;

    if (walk_word(w->in + w->at, 2) == 2)
        return CKKS_OK;
    w->meta = false;
    return w->syntax.tag != 0
         ? uni_dicom_syntax(typed, w->name, w->in + w->syntax.at,
                            w->syntax.length) : walk_guess(typed, w);
}

/* ---- elements ------------------------------------------------------------ */

/* Sequences of which something is used, whatever their length. */
static bool walk_used(const uni_dicom_walk *w, uint32_t tag)
{
    static const uint32_t outer[] = { 0x00283000, 0x52009229, 0x52009230 };
    static const uint32_t inner[] = { 0x00209113, 0x00209116, 0x00289110,
                                      0x00289145 };
    const uint32_t group = w->level[w->depth].tag;

    for (int i = 0; w->depth == 0 && i < 3; i++)
        if (tag == outer[i])
            return true;
    for (int i = 0; w->depth == 1 && i < 4; i++)
        if (tag == inner[i] && group >> 16 == 0x5200)
            return true;
    return false;
}

/* Tag, type and length; w->at: the value.  sequence: by its type. */
static ckks_status walk_header(uni_dicom_element *out, bool *sequence,
                               bool *typed, uni_dicom_walk *w)
{
    const bool explicit = w->level[w->depth].typed;
    const uint8_t *in = w->in + w->at;
    const uint8_t *type = in + 4;
    const uint32_t tag = walk_tag(in);
    const bool delimiter = tag == WALK_ITEM_END;        /* has no type       */
    uint32_t length = walk_word(in + 4, 4);
    bool there = true;
    ckks_status s = CKKS_OK;

    *sequence = !explicit;
    *typed = explicit;
    w->at += 8;
    if (explicit && !delimiter) {
        if (!walk_letters(type))
            return nn_fail(CKKS_EFORMAT, "%s: DICOM element (%04x,%04x) at "
                           "byte %zu has the type 0x%02x%02x, want two "
                           "letters: damaged, or not in the transfer syntax it "
                           "says; dcmconv +te IN OUT writes it anew", w->name,
                           (unsigned)(tag >> 16), (unsigned)(tag & 0xffff),
                           w->at - 8, type[0], type[1]);
        *sequence = memcmp(type, "SQ", 2) == 0 || memcmp(type, "UN", 2) == 0;
        *typed = memcmp(type, "UN", 2) != 0;    /* whose items are implicit  */
        length = walk_word(in + 6, 2);
        if (!walk_short(type)) {
            s = walk_room(&there, w, 4);
            if (s != CKKS_OK || !there)
                return s;
            length = walk_word(in + 8, 4);
            w->at += 4;
        }
    }
    out->tag = tag;
    s = walk_length(&out->length, w, tag, length);
    out->at = w->at;
    return s;
}

/* What follows a header: the elements of a sequence, or its value, passed. */
static ckks_status walk_value(uni_dicom_walk *w, uni_dicom_element *e,
                              bool sequence, bool typed)
{
    const size_t length = e->length;

    if (e->tag == UNI_DICOM_PIXELS && w->depth == 0
        && length == UNI_DICOM_OPEN)
        return CKKS_OK;                         /* refused where it is used  */
    if (length == UNI_DICOM_OPEN && !sequence)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM element (%04x,%04x) at byte "
                       "%zu has no length and is no sequence", w->name,
                       (unsigned)(e->tag >> 16), (unsigned)(e->tag & 0xffff),
                       e->at);
    if (length == UNI_DICOM_OPEN || (sequence && walk_used(w, e->tag))) {
        e->length = UNI_DICOM_OPEN;
        return walk_push(w, e->tag, length, typed);
    }
    w->at += length;
    return CKKS_OK;
}

/* One step: an element (tag not 0), or an item or end passed. */
static ckks_status walk_step(uni_dicom_element *out, uni_dicom_walk *w)
{
    const uni_dicom_level *l = &w->level[w->depth];
    bool there, sequence = false, typed = false;
    ckks_status s;

    if (!l->in_item)
        return walk_item(w);
    if (w->depth > 0 && w->at == l->item_end) {
        walk_leave(w);
        return CKKS_OK;
    }
    s = walk_room(&there, w, 8);
    if (s == CKKS_OK && there && w->meta)
        s = walk_syntax(w);
    if (s == CKKS_OK && there)
        s = walk_header(out, &sequence, &typed, w);
    if (s != CKKS_OK || w->cut)
        return s;
    if (out->tag == WALK_ITEM_END && w->depth > 0
        && l->item_end == UNI_DICOM_OPEN) {
        walk_leave(w);
        out->tag = 0;
        return CKKS_OK;
    }
    if (w->meta && out->tag == WALK_SYNTAX && out->length != UNI_DICOM_OPEN)
        w->syntax = *out;
    return walk_value(w, out, sequence, typed);
}

ckks_status uni_dicom_next(bool *more, uni_dicom_element *out,
                           uni_dicom_walk *w)
{
    uni_dicom_element e = {0};
    ckks_status s = CKKS_OK;

    *more = false;
    while (s == CKKS_OK && e.tag == 0 && !w->cut
           && !(w->depth == 0 && w->at == w->size))
        s = walk_step(&e, w);
    if (s != CKKS_OK || w->cut || e.tag == 0)
        return s;
    *more = true;
    *out = e;
    return CKKS_OK;
}
