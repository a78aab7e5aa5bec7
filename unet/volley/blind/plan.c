/* plan.c -- blind plan: what both sides will pay, before a connection. */
#include <stdlib.h>
#include <string.h>

#include "volley/blind/verbs.h"

static void plan_line(const blind_step *s, const blind_cost *c)
{
    char up[32] = "", down[32] = "", room[32] = "", size[48];

    if (c->bytes.up + c->bytes.down > 0) {
        volley_bytes(up, c->bytes.up);
        volley_bytes(down, c->bytes.down);
    }
    if (s->op == BLIND_CONV)
        snprintf(room, sizeof room, "%.0f bits", c->headroom);
    snprintf(size, sizeof size, "%dx%dx%d", s->size[0], s->size[1],
             s->size[2]);
    printf("%-20.20s %-7s %5d %-13s %4d  %9s %9s  %s\n", s->name,
           blind_op_name[s->op], s->channels,
           s->size[0] == 1 ? size + 2 : size, s->fraction, up, down, room);
}

/* One image with its setup, by transfers of each depth. */
typedef struct plan_depth {
    int k;
    blind_bytes bytes;
    double seconds[BLIND_LINES];
} plan_depth;

enum { PLAN_DEPTHS = 3 };

static ckks_status plan_depths(plan_depth out[PLAN_DEPTHS], blind_plan *room,
                               const blind_network *n)
{
    ckks_status s = CKKS_OK;

    for (int i = 0; i < PLAN_DEPTHS && s == CKKS_OK; i++) {
        out[i].k = 1 << i;
        s = blind_plan_make(room, n, out[i].k);
        out[i].bytes = room->all.bytes;
        memcpy(out[i].seconds, room->seconds, sizeof out[i].seconds);
    }
    return s;
}

static void plan_print_depths(const plan_depth *d, int k)
{
    char up[32], down[32], time[32];

    for (int i = 0; i < PLAN_DEPTHS; i++)
        if (d[i].k != k)
            printf("with --transfer %d: %s up, %s down; %s: about %s\n",
                   d[i].k, volley_bytes(up, d[i].bytes.up),
                   volley_bytes(down, d[i].bytes.down),
                   blind_lines[BLIND_LINES - 1].name,
                   volley_time(time, d[i].seconds[BLIND_LINES - 1]));
}

static void plan_print(const blind_network *n, const blind_plan *p)
{
    char words[96], text[4][32];

    printf("%s: %s\n\n", n->name, volley_blind_words(words, n));
    printf("%-20s %-7s %5s %-13s %4s  %9s %9s  %s\n", "layer", "op", "chan.",
           "size", "frac", "up", "down", "headroom");
    for (int k = 0; k < n->num_steps; k++)
        plan_line(&n->step[k], &p->step[k]);
    printf("\nsetup: %s up, %s down\n",
           volley_bytes(text[0], p->setup.bytes.up),
           volley_bytes(text[1], p->setup.bytes.down));
    printf("with one image: %s up, %s down, %.0f turns\n",
           volley_bytes(text[0], p->all.bytes.up),
           volley_bytes(text[1], p->all.bytes.down), p->all.bytes.turns);
    for (int i = 0; i < BLIND_LINES; i++)
        printf("%s: about %s\n", blind_lines[i].name,
               volley_time(text[0], p->seconds[i]));
    printf("memory: client at most %s, server at most %s\n",
           volley_bytes(text[0], p->memory[0]),
           volley_bytes(text[1], p->memory[1]));
}

static void plan_put_step(nni_json_writer *w, const blind_step *s,
                          const blind_cost *c)
{
    nni_json_put_object(w, NULL);
    nni_json_put_string(w, "name", s->name);
    nni_json_put_string(w, "op", blind_op_name[s->op]);
    nni_json_put_int(w, "channels", s->channels);
    nni_json_put_array(w, "size");
    for (int a = 0; a < 3; a++)
        nni_json_put_int(w, NULL, s->size[a]);
    nni_json_put_end(w);
    nni_json_put_int(w, "fraction", s->fraction);
    nni_json_put_double(w, "bytes_up", c->bytes.up);
    nni_json_put_double(w, "bytes_down", c->bytes.down);
    nni_json_put_double(w, "turns", c->bytes.turns);
    if (s->op == BLIND_CONV) {
        nni_json_put_double(w, "headroom_bits", c->headroom);
        nni_json_put_int(w, "shift", s->conv.shift);
        nni_json_put_double(w, "ciphertexts_up", c->sent[0]);
        nni_json_put_double(w, "ciphertexts_down", c->sent[1]);
        nni_json_put_double(w, "weights", c->weights);
    }
    nni_json_put_double(w, "products", c->products);
    nni_json_put_double(w, "client_seconds", c->client);
    nni_json_put_double(w, "server_seconds", c->server);
    nni_json_put_end(w);
}

static void plan_put_depths(nni_json_writer *w, const plan_depth *d)
{
    nni_json_put_array(w, "transfers");
    for (int i = 0; i < PLAN_DEPTHS; i++) {
        nni_json_put_object(w, NULL);
        nni_json_put_int(w, "transfer", d[i].k);
        nni_json_put_double(w, "bytes_up", d[i].bytes.up);
        nni_json_put_double(w, "bytes_down", d[i].bytes.down);
        nni_json_put_end(w);
    }
    nni_json_put_end(w);
}

static int plan_json(const blind_network *n, const blind_plan *p,
                     const plan_depth *d, int chosen)
{
    nni_json_writer w;

    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "network", n->name);
    nni_json_put_int(&w, "bits", n->bits);
    nni_json_put_int(&w, "transfer", chosen);
    nni_json_put_double(&w, "bytes_up", p->all.bytes.up);
    nni_json_put_double(&w, "bytes_down", p->all.bytes.down);
    nni_json_put_double(&w, "turns", p->all.bytes.turns);
    nni_json_put_object(&w, "seconds");
    for (int i = 0; i < BLIND_LINES; i++)
        nni_json_put_double(&w, blind_lines[i].name, p->seconds[i]);
    nni_json_put_end(&w);
    nni_json_put_double(&w, "client_bytes", p->memory[0]);
    nni_json_put_double(&w, "server_bytes", p->memory[1]);
    plan_put_depths(&w, d);
    nni_json_put_array(&w, "steps");
    for (int k = 0; k < n->num_steps; k++)
        plan_put_step(&w, &n->step[k], &p->step[k]);
    nni_json_put_end(&w);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

int volley_run_blind_plan(const volley_args *a)
{
    blind_plan *p = calloc(1, sizeof *p);
    plan_depth depth[PLAN_DEPTHS] = { { 0 } };
    blind_network *n = NULL;
    int k, code = volley_blind_transfer(&k, a);

    if (p == NULL)
        code = volley_fail("no memory");
    if (code == VOLLEY_DONE)
        code = volley_blind_model(&n, a->word[0], a);
    if (code == VOLLEY_DONE)
        code = volley_check(plan_depths(depth, p, n));
    if (code == VOLLEY_DONE)
        code = volley_check(blind_plan_make(p, n, k));
    if (code == VOLLEY_DONE && a->value[OPT_JSON] != NULL)
        code = plan_json(n, p, depth, k);
    if (code == VOLLEY_DONE && a->value[OPT_JSON] == NULL) {
        plan_print(n, p);
        plan_print_depths(depth, k);
    }
    blind_network_clear(&n);
    free(p);
    return code;
}
