/* ask.c -- blind ask: the side that has the images. */
#include <stdlib.h>
#include <string.h>

#include "blind/connect.h"
#include "volley/blind/verbs.h"

enum { ASK_PATIENCE = 10 };     /* seconds for a connection                  */

typedef struct ask {
    const volley_args *a;
    blind_session *session;
    blind_network *n;
    blind_plan *plan;
    blind_images images;
    blind_show show;
    size_t refused;             /* images whose numbers left their range,    */
    size_t first;               /* and the first of them                     */
    double start, opened;       /* the clock: the command, the session       */
} ask;

/* What the server offers, bounded. */
static int ask_hear(ask *x)
{
    blind_manner m;
    char *text = NULL;
    size_t size = 0;
    int socket = -1, code = volley_blind_manner(&m, x->a);

    if (code == VOLLEY_DONE)
        code = volley_check(blind_connect(&socket, x->a->word[0],
                                          ASK_PATIENCE));
    if (code == VOLLEY_DONE)
        code = volley_check(blind_session_hear(&x->session, &text, &size,
                                               socket, &m));
    if (code == VOLLEY_DONE)
        code = volley_check(blind_network_load(&x->n, text, size));
    free(text);
    if (code == VOLLEY_DONE)
        code = volley_check(blind_plan_make(x->plan, x->n,
                                            blind_session_k(x->session)));
    return code == VOLLEY_DONE
               ? volley_blind_accept(x->a, x->n, x->plan, 0) : code;
}

/* Before anything is sent that depends on an image. */
static void ask_state(const ask *x)
{
    const blind_plan *p = x->plan;
    const double images = (double)x->images.count;
    const double up = p->setup.bytes.up
                      + images * (p->all.bytes.up - p->setup.bytes.up);
    const double down = p->setup.bytes.down
                        + images * (p->all.bytes.down - p->setup.bytes.down);
    char words[96], text[3][32], time[32];

    if (x->a->value[OPT_JSON] != NULL)
        return;
    fprintf(stderr, "%s: %s; the server learns how many images there are, and "
            "no pixel or label\n", x->n->name,
            volley_blind_words(words, x->n));
    fprintf(stderr, "%zu image%s, about %s over loopback: %s up, %s down; at "
            "most %s of memory\n", x->images.count,
            x->images.count == 1 ? "" : "s",
            volley_time(time, images * p->seconds[0]),
            volley_bytes(text[0], up), volley_bytes(text[1], down),
            volley_bytes(text[2], p->memory[0]));
}

/* An image that is refused is asked for to its end, like any other, and masks
 * are written when the session is over: whether one was refused, and how long
 * it takes to write, is not for the server to know. */
static int ask_image(ask *x, size_t i)
{
    blind_party *p = blind_session_party(x->session);
    int64_t *input = malloc(blind_step_count(&x->n->step[0]) * sizeof *input);
    bool over = false;
    int code = input != NULL ? volley_blind_input(input, &x->images, i)
                             : volley_fail("no memory for an image");

    volley_blind_next(&x->show, i);
    if (code == VOLLEY_DONE)
        code = volley_check(blind_walk(x->images.mask[i], &over, x->n, input,
                                       p, &x->show.watch));
    blind_network_input_clear(&input, x->n);
    if (code == VOLLEY_DONE && over && x->refused++ == 0)
        x->first = i + 1;
    return code;
}

static int ask_refused(const ask *x)
{
    if (x->refused == 0)
        return VOLLEY_DONE;
    return volley_fail("image %zu of %zu%s: numbers left the range that the "
                       "network was calibrated for, refused: its mask would "
                       "be worth nothing", x->first, x->images.count,
                       x->refused > 1 ? " and others" : "");
}

static int ask_images(ask *x)
{
    blind_party *p = blind_session_party(x->session);
    int code = volley_check(blind_session_open(x->session, x->n->bits,
                                               blind_network_squares(x->n)));

    x->opened = volley_clock();
    if (code == VOLLEY_DONE)
        code = volley_check(blind_walk_images(&x->images.count, p));
    volley_blind_show(&x->show, "ask", x->plan, p, x->images.count);
    for (size_t i = 0; i < x->images.count && code == VOLLEY_DONE; i++)
        code = ask_image(x, i);
    volley_blind_end(&x->show);
    if (code == VOLLEY_DONE)
        code = volley_check(blind_session_bye(x->session));
    if (code == VOLLEY_DONE)
        code = ask_refused(x);
    return code == VOLLEY_DONE ? volley_blind_all_labels(&x->images) : code;
}

static int ask_tell(ask *x)
{
    const double seconds = volley_clock() - x->start;
    const blind_party *p = blind_session_party(x->session);
    const blind_traffic t = blind_wire_traffic(p->wire);
    char text[2][32], time[32];
    nni_json_writer w;

    volley_blind_warn(&x->images);
    if (x->a->value[OPT_JSON] == NULL) {
        printf("%zu image%s, %s up, %s down, %s\n", x->images.count,
               x->images.count == 1 ? "" : "s",
               volley_bytes(text[0], (double)t.sent),
               volley_bytes(text[1], (double)t.received),
               volley_time(time, seconds));
        return VOLLEY_DONE;
    }
    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    volley_blind_put_show(&w, &x->show, x->n, seconds);
    nni_json_put_double(&w, "setup_seconds", x->opened - x->start);
    nni_json_put_word(&w, "clipped", x->images.clipped);
    volley_blind_put(&w, &x->images);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

int volley_run_blind_ask(const volley_args *a)
{
    ask x = { .a = a, .start = volley_clock() };
    int code = volley_check_names(a->value[OPT_OUT]);

    x.plan = calloc(1, sizeof *x.plan);
    if (x.plan == NULL)
        code = volley_fail("no memory");
    if (code == VOLLEY_DONE)
        code = ask_hear(&x);
    if (code == VOLLEY_DONE) {
        code = volley_blind_open(&x.images, a, x.n, a->word + 1,
                                 a->words - 1);
        if (code != VOLLEY_DONE)
            blind_session_refuse(x.session, "the client has no image for "
                                 "this network");
    }
    if (code == VOLLEY_DONE) {
        ask_state(&x);
        code = ask_images(&x);
    }
    if (code == VOLLEY_DONE)
        code = volley_blind_save(&x.images);
    if (code == VOLLEY_DONE)
        code = ask_tell(&x);
    if (x.images.n != NULL)
        volley_blind_clear(&x.images);
    blind_session_close(&x.session);
    blind_network_clear(&x.n);
    free(x.plan);
    return code;
}
