/* show.c -- progress of a side, layer by layer: bytes, and the time left.
 *
 * The plan's seconds may be those of another machine, so only their proportions
 * are used once some of the work is done.
 */
#include <time.h>
#include <unistd.h>

#include "volley/blind/verbs.h"

static double show_cost(const blind_cost *c)
{
    return c->client > c->server ? c->client : c->server;
}

/* Seconds planned of the steps before k; of num_steps: of all. */
static double show_before(const blind_plan *p, int k)
{
    double sum = 1e-3;

    for (int j = 1; j < k; j++)
        sum += show_cost(&p->step[j]);
    return sum;
}

static void show_step(void *user, const blind_network *n, int k)
{
    const blind_show *s = user;
    const double image = show_before(s->plan, n->num_steps);
    const double done = (double)s->image * image + show_before(s->plan, k);
    const double all = (double)s->images * image;
    const double elapsed = volley_clock() - s->start;
    double left = all - done;
    char sent[32], received[32], time[32];
    blind_traffic t;

    if (!s->shown)
        return;
    if (done > 0.02 * all)
        left *= elapsed / done;
    t = blind_wire_traffic(s->party->wire);
    fprintf(stderr, "\r%s %zu of %zu, %3.0f %%: %s, sent %s, received %s, "
            "%s left\x1b[K", s->doing, s->image + 1, s->images,
            100 * done / all, n->step[k].name,
            volley_bytes(sent, (double)t.sent),
            volley_bytes(received, (double)t.received),
            volley_time(time, left));
    fflush(stderr);
}

void volley_blind_show(blind_show *s, const char *doing,
                       const blind_plan *plan, const blind_party *party,
                       size_t images)
{
    *s = (blind_show){ .watch = { .step = show_step, .user = s },
                       .doing = doing, .plan = plan, .party = party,
                       .images = images, .shown = isatty(STDERR_FILENO) != 0,
                       .start = volley_clock() };
}

void volley_blind_next(blind_show *s, size_t i)
{
    s->image = i;
}

void volley_blind_end(blind_show *s)
{
    if (s->shown)
        fprintf(stderr, "\r\x1b[K");
    s->shown = false;
}

void volley_blind_put_traffic(nni_json_writer *w, const blind_network *n,
                              const blind_party *p, const blind_plan *plan,
                              size_t images, double seconds)
{
    const blind_traffic t = blind_wire_traffic(p->wire);

    nni_json_put_string(w, "network", n->name);
    nni_json_put_int(w, "bits", n->bits);
    nni_json_put_word(w, "images", images);
    nni_json_put_double(w, "seconds", seconds);
    nni_json_put_word(w, "sent_bytes", t.sent);
    nni_json_put_word(w, "received_bytes", t.received);
    nni_json_put_word(w, "turns", t.turns);
    nni_json_put_double(w, "cpu_seconds", (double)clock() / CLOCKS_PER_SEC);
    nni_json_put_double(w, "planned_bytes_up", plan->all.bytes.up);
    nni_json_put_double(w, "planned_bytes_down", plan->all.bytes.down);
    nni_json_put_double(w, "peak_rss_mib", volley_peak_rss());
    nni_json_put_double(w, "memory_bytes_at_most", plan->memory[p->server]);
    nni_json_put_string(w, "aes", p->aes->name);
}
