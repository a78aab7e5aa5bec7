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

static double show_work(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Adds what the step that ran took, if one did; begins another (0: none). */
static void show_turn(blind_show *s, int step)
{
    const double now = volley_clock(), work = show_work();

    if (s->step > 0) {
        s->took[s->step] += now - s->since;
        s->worked[s->step] += work - s->work;
    }
    s->step = step;
    s->since = now;
    s->work = work;
}

static void show_step(void *user, const blind_network *n, int k)
{
    blind_show *s = user;
    const double image = show_before(s->plan, n->num_steps);
    const double done = (double)s->image * image + show_before(s->plan, k);
    const double all = (double)s->images * image;
    const double elapsed = volley_clock() - s->start;
    double left = all - done;
    char sent[32], received[32], time[32];
    blind_traffic t;

    show_turn(s, k);
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
    show_turn(s, 0);
    s->image = i;
}

void volley_blind_end(blind_show *s)
{
    show_turn(s, 0);
    if (s->shown)
        fprintf(stderr, "\r\x1b[K");
    s->shown = false;
}

static void show_put_steps(nni_json_writer *w, const blind_show *s,
                           const blind_network *n)
{
    nni_json_put_array(w, "steps");
    for (int k = 1; k < n->num_steps; k++) {
        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "name", n->step[k].name);
        nni_json_put_string(w, "op", blind_op_name[n->step[k].op]);
        nni_json_put_double(w, "seconds", s->took[k]);
        nni_json_put_double(w, "cpu_seconds", s->worked[k]);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

void volley_blind_put_show(nni_json_writer *w, const blind_show *s,
                           const blind_network *n, double seconds)
{
    const blind_traffic t = blind_wire_traffic(s->party->wire);

    nni_json_put_string(w, "network", n->name);
    nni_json_put_int(w, "bits", n->bits);
    nni_json_put_word(w, "images", s->images);
    nni_json_put_double(w, "seconds", seconds);
    nni_json_put_double(w, "cpu_seconds", show_work());
    nni_json_put_word(w, "sent_bytes", t.sent);
    nni_json_put_word(w, "received_bytes", t.received);
    nni_json_put_double(w, "turns", s->plan->setup.bytes.turns
                        + (double)s->images * (s->plan->all.bytes.turns
                                               - s->plan->setup.bytes.turns));
    nni_json_put_double(w, "planned_bytes_up", s->plan->all.bytes.up);
    nni_json_put_double(w, "planned_bytes_down", s->plan->all.bytes.down);
    nni_json_put_double(w, "peak_rss_mib", volley_peak_rss());
    nni_json_put_double(w, "memory_bytes_at_most",
                        s->plan->memory[s->party->server]);
    nni_json_put_string(w, "aes", s->party->aes->name);
    show_put_steps(w, s, n);
}
