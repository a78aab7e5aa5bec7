/* turns_support.c -- turns_support.h. */
#include "turns_support.h"

#include <stdlib.h>

#include "test.h"

const int turns_offered[2] = { 2, 1 };

static void turns_event(void *user, bool sent)
{
    turns_log *l = user;

    if (l->count == l->room) {
        l->room = 2 * l->room + 1024;
        l->sent = realloc(l->sent, l->room);
    }
    if (l->sent != NULL)
        l->sent[l->count++] = sent;
}

void turns_watch(turns_log *l, blind_wire *w)
{
    blind_wire_watch(w, turns_event, l);
}

void turns_clear(turns_log l[2])
{
    for (int i = 0; i < 2; i++) {
        free(l[i].sent);
        l[i] = (turns_log){ 0 };
    }
}

/* A side as it goes through its log. */
typedef struct turns_side {
    int length;                 /* of the chain that ends here               */
    int *of;                    /* of each frame that it sent                */
    size_t at, sent, received;
} turns_side;

static void turns_go(turns_side *s, const turns_log *l, const turns_side *other)
{
    for (; s->at < l->count; s->at++)
        if (l->sent[s->at]) {
            s->of[s->sent++] = s->length;
        } else if (s->received < other->sent) {
            const int came = other->of[s->received++] + 1;

            s->length = came > s->length ? came : s->length;
        } else {
            return;
        }
}

double turns_of(const turns_log l[2], const int from[2])
{
    turns_side s[2] = { { .length = from[0] }, { .length = from[1] } };
    size_t before;

    for (int i = 0; i < 2; i++)
        s[i].of = malloc((l[i].count + 1) * sizeof *s[i].of);
    do {
        before = s[0].at + s[1].at;
        turns_go(&s[0], &l[0], &s[1]);
        turns_go(&s[1], &l[1], &s[0]);
    } while (s[0].at + s[1].at > before);
    CHECK(s[0].at == l[0].count && s[1].at == l[1].count,
          "frames that nobody sent");
    for (int i = 0; i < 2; i++)
        free(s[i].of);
    return s[0].length / 2.0;
}
