/* serve.c -- blind serve: the side that has the network. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "blind/connect.h"
#include "volley/blind/verbs.h"

/* How long a client is waited for unless --wait says it: so many times of what
 * the plan says for the slowest of its lines, and not less than so long. */
static const double serve_times = 10, serve_least = 600;
enum { SERVE_MOST_WAIT = 100000000 };

typedef struct serve {
    const volley_args *a;
    blind_manner manner;
    blind_network *n;
    blind_plan *plan;
    char *text;                 /* of the offer                              */
    size_t size;
} serve;

static volatile sig_atomic_t serve_signal;
static volatile int serve_stop;

static void serve_end(int number)
{
    serve_signal = number;
    serve_stop = 1;
}

static void serve_tell(const serve *x, const blind_show *show, double seconds)
{
    const blind_traffic t = blind_wire_traffic(show->party->wire);
    const size_t images = show->images;
    char text[2][32], time[32];
    nni_json_writer w;

    if (x->a->value[OPT_JSON] == NULL) {
        printf("served %zu image%s: %s sent, %s received, %s\n", images,
               images == 1 ? "" : "s",
               volley_bytes(text[0], (double)t.sent),
               volley_bytes(text[1], (double)t.received),
               volley_time(time, seconds));
        return;
    }
    nni_json_writer_init(&w, stdout, 0);
    nni_json_put_object(&w, NULL);
    volley_blind_put_show(&w, show, x->n, seconds);
    nni_json_put_end(&w);
    (void)volley_json_end(&w);
}

static int serve_images(const serve *x, blind_session *s, double start)
{
    blind_party *p = blind_session_party(s);
    size_t images = 0;
    blind_show show;
    int code = volley_check(blind_session_open(s, x->n->bits,
                                               blind_network_squares(x->n)));

    if (code == VOLLEY_DONE)
        code = volley_check(blind_walk_images(&images, p));
    volley_blind_show(&show, "serve", x->plan, p, images);
    for (size_t i = 0; i < images && code == VOLLEY_DONE; i++) {
        volley_blind_next(&show, i);
        blind_wire_allow(p->wire, x->manner.allowed);
        code = volley_check(blind_walk(NULL, NULL, x->n, NULL, p,
                                       &show.watch));
    }
    volley_blind_end(&show);
    if (code == VOLLEY_DONE)
        code = volley_check(blind_session_bye(s));
    if (code == VOLLEY_DONE)
        serve_tell(x, &show, volley_clock() - start);
    return code;
}

static int serve_client(int socket, void *user)
{
    const serve *x = user;
    const double start = volley_clock();
    blind_session *s = NULL;
    int code;

    code = volley_check(blind_session_offer(&s, socket, x->text, x->size,
                                            &x->manner));
    if (code == VOLLEY_DONE)
        code = serve_images(x, s, start);
    blind_session_close(&s);
    return volley_flush() != VOLLEY_DONE ? VOLLEY_FAILED : code;
}

/* What a client hears that comes while another one is served. */
static void serve_busy(int socket, double seconds, void *user)
{
    const serve *x = user;
    char line[200], time[3][32];

    snprintf(line, sizeof line, "busy with another client for %s so far; an "
             "image takes about %s here, and its client may take %s more",
             volley_time(time[0], seconds),
             volley_time(time[1], x->plan->seconds[0]),
             volley_time(time[2], x->manner.allowed));
    blind_session_busy(socket, line);
}

/* --wait, behind the plan. */
static int serve_wait(serve *x)
{
    const double most = serve_times * x->plan->seconds[BLIND_LINES - 1];
    int seconds, code = volley_int(&seconds, x->a, OPT_WAIT, 1,
                                   SERVE_MOST_WAIT, 0);

    x->manner.allowed = seconds > 0 ? seconds : fmax(most, serve_least);
    return code;
}

static int serve_ready(serve *x)
{
    int code = volley_blind_manner(&x->manner, x->a);

    if (code == VOLLEY_DONE)
        code = volley_blind_model(&x->n, x->a->word[0], x->a);
    if (code == VOLLEY_DONE)
        code = volley_check(blind_plan_make(x->plan, x->n, x->manner.k));
    if (code == VOLLEY_DONE)
        code = volley_blind_accept(x->a, x->n, x->plan, 1);
    if (code == VOLLEY_DONE)
        code = serve_wait(x);
    if (code == VOLLEY_DONE)
        code = volley_check(blind_network_save(&x->text, &x->size, x->n));
    return code;
}

/* Listens, says where, and serves until a signal, or one client. */
static int serve_listen(serve *x, int port)
{
    const bool once = x->a->value[OPT_ONCE] != NULL;
    const char *host = x->a->value[OPT_HOST];
    struct sigaction end = { .sa_handler = serve_end };
    int listener = -1, failed = 0;
    char words[96];
    int code = volley_check(blind_listen(&listener, &port, host));

    if (code != VOLLEY_DONE)
        return code;
    sigemptyset(&end.sa_mask);
    (void)sigaction(SIGTERM, &end, NULL);
    (void)sigaction(SIGINT, &end, NULL);
    if (host != NULL && strcmp(host, "127.0.0.1") != 0
        && strcmp(host, "::1") != 0)
        volley_warn("%s: whoever reaches this address may ask; what goes over "
                    "the line is authenticated by nobody: ssh or stunnel "
                    "before it", host);
    fprintf(stderr, "%s: %s; listening at %s, port %d\n", x->n->name,
            volley_blind_words(words, x->n),
            host != NULL ? host : "127.0.0.1", port);
    code = volley_check(blind_serve(&failed, listener, once, &serve_stop,
                                    serve_client, serve_busy, x));
    if (code == VOLLEY_DONE && serve_stop) {
        (void)signal(serve_signal, SIG_DFL);
        (void)raise(serve_signal);
    }
    return code == VOLLEY_DONE && failed > 0 && once ? VOLLEY_FAILED : code;
}

int volley_run_blind_serve(const volley_args *a)
{
    serve x = { .a = a };
    int port, code = volley_int(&port, a, OPT_PORT, 0, 65535, 0);

    x.plan = calloc(1, sizeof *x.plan);
    if (x.plan == NULL)
        code = volley_fail("no memory");
    if (code == VOLLEY_DONE)
        code = serve_ready(&x);
    if (code == VOLLEY_DONE)
        code = serve_listen(&x, port);
    blind_network_clear(&x.n);
    free(x.text);
    free(x.plan);
    return code;
}
