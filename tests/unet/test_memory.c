/* test_memory.c -- every allocation of every function of libnn and libunet
 * fails once: a status and a message, outputs as they were, no file but the one
 * that was there, nothing held; with all its memory the call works.
 * tests/scripts/alloc.sh compares the names with nn.h and unet.h.
 */
#include "memory_support.h"
#include "net_support.h"
#include "test.h"
#include "unet_support.h"

enum { MOST_SLOTS = 1 << 13, MOST_CTS = 64 };

/* What calls need.  outs: what they write, compared byte for byte. */
static struct {
    rig r;
    const nn_plan *p;
    uint8_t *model;
    size_t model_size;
    char *plan, *machine;
    size_t plan_size, machine_size;
    nn_machine costs;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    nn_weights *weights;
    ckks_ct in[MOST_CTS];
    unet_job job;
    unet_size size;
    const double *pixel[1];
    unet_pixels pixels;
    test_folder inputs, results, part, requests, folder;
    unet_writer *writer;
    unet_reader *reader;
    unet_request request;
    unet_encryption *encryption;
    unet_memory bytes;          /* of the results, or of a request           */
    unet_sink sink;             /* takes all                                 */
} t;

static struct {
    nn_model model;
    nn_machine costs;
    nn_plan plan;
    char *text;
    nn_line *line;
    size_t size;
    uint8_t hash[16];
    ckks_ctx *ctx;
    ckks_sk *sk;
    ckks_keys *keys;
    ckks_keys_maker *maker;
    nn_weights *weights;
    nn_pages *pool;
    ckks_ct ct[MOST_CTS];
    unet_job job;
    unet_request request;
    unet_result result;
    unet_reader *reader;
    unet_writer *writer;
    unet_encryption *encryption;
    unet_memory memory;
    unet_done done;
    unet_joined joined;
    uint64_t bytes;
    double numbers[MOST_SLOTS], ranges[NN_MAX_STEPS];
} outs, before;

static const uint8_t id[UNET_ID] = { 1, 2, 3 };
static const char there[] = "what was there before";

/* ---- libnn -------------------------------------------------------------- */

static ckks_status plain(void)
{
    return CKKS_OK;
}

static ckks_status do_layout(void)
{
    const nn_layout *l = &t.p->layout;

    outs.numbers[0] = nn_layout_phases(l, 1) + nn_layout_phase(l, 1, 0, 0)
                      + (double)nn_layout_slot(l, 1, 0, 0, 0)
                      + nn_halo_radius(&t.r.m) + nn_plan_inputs(t.p)
                      + nn_plan_outputs(t.p);
    return CKKS_OK;
}

static ckks_status do_seconds(void)
{
    const nn_switching s = { 0, 1, 1, 1, 0, 0, false };

    outs.numbers[0] = nn_switch_seconds(&s, &t.p->params, &t.costs);
    return CKKS_OK;
}

static ckks_status do_pack(void)
{
    nn_pack(outs.numbers, t.p, t.pixel, 1);
    return nn_unpack(outs.numbers, nn_plan_logits(t.p), t.p, t.r.clear, 0);
}

static ckks_status do_model_load(void)
{
    return nn_model_load(&outs.model, t.model, t.model_size);
}

static ckks_status do_model_float(void)
{
    return nn_model_float(outs.numbers, &t.r.m, t.r.pixel, 1, t.r.m.height,
                          t.r.m.width);
}

static ckks_status do_machine_default(void)
{
    return nn_machine_default(&outs.costs, NULL);
}

static ckks_status do_machine_save(void)
{
    return nn_machine_save(&outs.text, &outs.size, &t.costs);
}

static ckks_status do_machine_load(void)
{
    return nn_machine_load(&outs.costs, t.machine, t.machine_size);
}

static ckks_status do_plan_make(void)
{
    const nn_aim aim = { .security = CKKS_INSECURE, .log_n = 6,
                         .ring_y = t.p->layout.ring_y,
                         .ring_x = t.p->layout.ring_x, .images = 3,
                         .threads = 2, .max_memory = (size_t)1 << 40 };

    return nn_plan_make(&outs.plan, &t.r.m, &aim);
}

static void plan_before(void)
{
    outs.plan = t.r.p;
}

static ckks_status do_plan_price(void)
{
    return nn_plan_price(&outs.plan, &t.r.m, &t.costs, 2);
}

static ckks_status do_plan_explain(void)
{
    return nn_plan_explain(&outs.line, &outs.size, t.p, &t.r.m, NULL, 2);
}

static ckks_status do_plan_save(void)
{
    return nn_plan_save(&outs.text, &outs.size, t.p);
}

static ckks_status do_plan_load(void)
{
    return nn_plan_load(&outs.plan, t.plan, t.plan_size);
}

static ckks_status do_plan_check(void)
{
    return nn_plan_check(t.p);
}

static ckks_status do_fingerprint(void)
{
    return nn_plan_fingerprint(outs.hash, t.p);
}

static ckks_status do_context(void)
{
    return nn_plan_context(&outs.ctx, t.p, NULL);
}

static ckks_status do_weights_init(void)
{
    return nn_weights_init(&outs.weights, &t.r.m, t.p);
}

static void weights_before(void)
{
    NN_OK(nn_weights_init(&t.weights, &t.r.m, t.p));
}

static ckks_status do_weights_encode(void)
{
    return nn_weights_encode(t.weights, t.ctx);
}

/* Inputs are consumed, so each run has its own. */
static void inputs_before(void)
{
    ckks_pt pt = { 0 };

    for (int i = 0; i < nn_plan_inputs(t.p); i++)
        if (!CHECK_OK(ckks_encode(&pt, t.ctx, t.r.in
                                      + (size_t)i * t.p->layout.slots, NULL,
                                  t.p->layout.slots, t.p->in_level,
                                  t.p->in_scale))
            || !CHECK_OK(ckks_encrypt_sk(&t.in[i], &t.rng, &pt, t.sk)))
            break;
    ckks_pt_clear(&pt);
}

static ckks_status do_run(void)
{
    return nn_run(outs.ct, t.in, t.p, t.r.w, t.keys, NULL);
}

static ckks_status do_run_scratch(void)
{
    return nn_run_scratch(outs.ct, t.in, t.p, t.r.w, t.keys, NULL, NULL);
}

static ckks_status do_clear(void)
{
    return nn_clear(outs.numbers, t.r.in, t.p, t.r.w, outs.ranges);
}

static ckks_status do_pool_init(void)
{
    return nn_pages_init(&outs.pool);
}

static void pool_before(void)
{
    NN_OK(nn_pages_init(&outs.pool));
}

/* What a hook gives is NULL or memory; either way it is given back. */
static ckks_status do_pool_memory(void)
{
    const ckks_memory m = nn_pages_memory(outs.pool);
    void *p = m.allocate(m.user, 100);

    if (p == NULL)
        return nn_fail(CKKS_EMEM, "the pool has no memory");
    m.release(m.user, p, 100);
    return nn_pages_peak(outs.pool) >= 100 && nn_pages_peak(outs.pool) <= 8192
               ? CKKS_OK : CKKS_EARG;
}

/* ---- libunet ------------------------------------------------------------ */

static ckks_status do_tiles(void)
{
    const unet_tile where = unet_job_tile(&t.job, t.p, 0);

    unet_tile_cut(outs.numbers, t.p, t.pixel[0], t.size, where);
    unet_tile_paste(outs.ranges, t.p, t.r.clear, (unet_size){ 1, 1 }, where);
    outs.numbers[0] = unet_reflect(-1, 3) + unet_bound(t.p)
                      + unet_limit(t.p) + unet_label_limit(t.p, 0)
                      + unet_job_count(&t.job, t.p, 0);
    return unet_check_keys(t.p, t.keys);
}

static ckks_status do_mask(void)
{
    return unet_mask((uint8_t *)outs.ranges, t.p, t.r.clear,
                     (unet_size){ 1, 1 });
}

static ckks_status do_job_init(void)
{
    return unet_job_init(&outs.job, t.p, &t.size, 1);
}

static ckks_status do_unet_pack(void)
{
    return unet_pack(outs.numbers, t.p, &t.job, &t.pixels, 0);
}

static ckks_status do_unet_unpack(void)
{
    double *const logit[1] = { outs.numbers };

    return unet_unpack(logit, t.p, &t.job, t.r.clear, 0);
}

static ckks_status do_keygen(void)
{
    return unet_keygen(&outs.sk, &outs.keys, &t.rng, t.ctx, t.p);
}

static ckks_status do_keygen_maker(void)
{
    return unet_keygen_maker(&outs.sk, &outs.maker, &t.rng, t.ctx, t.p);
}

static ckks_status do_encrypt(void)
{
    return unet_encrypt(t.folder.path, &outs.bytes, NULL, &t.rng, t.p, &t.job,
                        &t.pixels, t.ctx, t.sk, NULL);
}

static ckks_status do_encrypt_to(void)
{
    return unet_encrypt_to(&t.sink, &outs.request, &t.rng, t.p, &t.job,
                           &t.pixels, t.ctx, t.sk, NULL);
}

static ckks_status do_encryption_init(void)
{
    return unet_encryption_init(&outs.encryption, &t.sink, &t.rng, t.p, &t.job,
                                &t.pixels, t.ctx, t.sk);
}

static void encryption_before(void)
{
    NN_OK(unet_encryption_init(&t.encryption, &t.sink, &t.rng, t.p, &t.job,
                               &t.pixels, t.ctx, t.sk));
}

static ckks_status do_encryption_next(void)
{
    return unet_encryption_left(t.encryption) == 0
           || unet_encryption_request(t.encryption) != NULL
           ? CKKS_EARG : unet_encryption_next(t.encryption);
}

static ckks_status do_evaluate(void)
{
    return unet_evaluate(t.folder.path, &outs.done, t.inputs.path, NULL, NULL,
                         t.p, t.r.w, t.ctx, t.keys, NULL);
}

/* As it is loaded before each run, so it has no answer yet. */
static void request_before(void)
{
    NN_OK(unet_request_load(&t.request, t.requests.name, t.results.path,
                            t.p));
}

static ckks_status do_decrypt(void)
{
    const char *const path[1] = { t.results.path };

    return unet_decrypt(&outs.result, &t.request, path, 1, t.p, t.ctx, t.sk,
                        NULL);
}

/* The results in memory, besides. */
static void results_before(void)
{
    request_before();
    t.bytes.data = bytes_read(t.results.path, &t.bytes.size);
}

static ckks_status do_decrypt_from(void)
{
    const unet_source source = unet_memory_source(&t.bytes, "results");

    return unet_decrypt_from(&outs.result, &t.request, &source, 1, t.p, t.ctx,
                             t.sk, NULL);
}

static void request_bytes_before(void)
{
    request_before();
    t.bytes.size = unet_request_size(&t.request);
    t.bytes.data = malloc(t.bytes.size);
    NN_OK(unet_request_bytes(t.bytes.data, t.bytes.size, &t.request));
}

static ckks_status do_request_bytes(void)
{
    return unet_request_bytes(t.bytes.data, unet_request_size(&t.request),
                              &t.request);
}

static ckks_status do_request_parse(void)
{
    return unet_request_parse(&outs.request, t.bytes.data, t.bytes.size, t.p);
}

static ckks_status do_request_load(void)
{
    return unet_request_load(&outs.request, t.requests.name, t.results.path,
                             t.p);
}

static ckks_status do_request_save(void)
{
    return unet_request_save(t.requests.name, &t.request);
}

static ckks_status do_request_forget(void)
{
    unet_request_forget(&t.request);
    return CKKS_OK;
}

static ckks_status do_accept(void)
{
    const unet_policy policy = { .insecure = 1 };
    unet_cost cost;

    unet_plan_cost(&cost, t.p);
    return unet_accept(&cost, t.p, &policy, UNET_KEYGEN);
}

static ckks_status do_reader_open(void)
{
    return unet_reader_open(&outs.reader, t.inputs.path, t.p, UNET_INPUT);
}

static void inputs_bytes_before(void)
{
    t.bytes.data = bytes_read(t.inputs.path, &t.bytes.size);
}

static ckks_status do_reader_from(void)
{
    unet_source source = unet_memory_source(&t.bytes, "inputs");

    return unet_reader_from(&outs.reader, &source, t.p, UNET_INPUT);
}

static void reader_before(void)
{
    NN_OK(unet_reader_open(&t.reader, t.inputs.path, t.p, UNET_INPUT));
}

static ckks_status do_reader_next(void)
{
    return unet_reader_next(&outs.ct[0], t.reader, t.ctx);
}

static ckks_status do_reader_skip(void)
{
    return unet_reader_skip(t.reader, 1);
}

static ckks_status do_reader_says(void)
{
    unet_info info;

    unet_reader_info(&info, t.reader);
    return unet_reader_job(t.reader)->images == info.images
           && unet_reader_bytes(t.reader) == info.bytes
           && unet_reader_at(t.reader) < info.bytes ? CKKS_OK : CKKS_EARG;
}

/* What lies in the folder of outputs becomes a part, and is joined. */
static ckks_status do_join(void)
{
    const char *const path[1] = { t.part.path };

    return unet_join(t.folder.path, &outs.joined, path, 1, NULL);
}

static ckks_status do_writer_open(void)
{
    return unet_writer_open(&outs.writer, t.folder.path, t.p, &t.job,
                            UNET_INPUT, id, NULL);
}

static ckks_status take_all(void *user, const uint8_t *in, size_t size)
{
    (void)user;
    return in != NULL || size == 0 ? CKKS_OK : CKKS_EARG;
}

static ckks_status do_writer_to(void)
{
    return unet_writer_to(&outs.writer, &t.sink, t.p, &t.job, UNET_INPUT, id,
                          NULL);
}

static ckks_status do_memory_sink(void)
{
    const unet_sink sink = unet_memory_sink(&outs.memory, "memory");

    return sink.write(sink.user, (const uint8_t *)there, sizeof there);
}

static void writer_before(void)
{
    inputs_before();
    NN_OK(unet_writer_open(&t.writer, t.folder.path, t.p, &t.job, UNET_INPUT,
                           id, NULL));
}

static ckks_status do_writer_put(void)
{
    return unet_writer_put(t.writer, &t.in[0]);
}

static void writer_full(void)
{
    writer_before();
    for (int i = 0; i < nn_plan_inputs(t.p); i++)
        NN_OK(unet_writer_put(t.writer, &t.in[i]));
}

static ckks_status do_writer_finish(void)
{
    return unet_writer_finish(t.writer, &outs.bytes);
}

/* ---- each of them ------------------------------------------------------- */

typedef struct operation {
    const char *name;
    void (*prepare)(void);
    ckks_status (*run)(void);
    int least;                  /* allocations at the least; -1: none at all */
} operation;

/* `plain`: called by all others (messages) or after each (what clears). */
static const operation operations[] = {
    { "nn_last_error", NULL, plain, -1 },
    { "nn_fail", NULL, plain, -1 },
    { "nn_relay", NULL, plain, -1 },
    { "nn_line_name", NULL, plain, -1 },
    { "nn_model_clear", NULL, plain, -1 },
    { "nn_pages_clear", NULL, plain, -1 },
    { "nn_weights_clear", NULL, plain, -1 },
    { "nn_halo_radius", NULL, do_layout, -1 },
    { "nn_layout_phases", NULL, do_layout, -1 },
    { "nn_layout_phase", NULL, do_layout, -1 },
    { "nn_layout_slot", NULL, do_layout, -1 },
    { "nn_plan_inputs", NULL, do_layout, -1 },
    { "nn_plan_outputs", NULL, do_layout, -1 },
    { "nn_switch_seconds", NULL, do_seconds, -1 },
    { "nn_pack", NULL, do_pack, -1 },
    { "nn_unpack", NULL, do_pack, -1 },
    { "nn_plan_logits", NULL, do_pack, -1 },
    { "nn_plan_check", NULL, do_plan_check, 0 },
    { "nn_model_load", NULL, do_model_load, 5 },
    { "nn_model_float", NULL, do_model_float, 2 },
    { "nn_machine_default", NULL, do_machine_default, 10 },
    { "nn_machine_save", NULL, do_machine_save, 2 },
    { "nn_machine_load", NULL, do_machine_load, 2 },
    { "nn_plan_make", NULL, do_plan_make, 20 },
    { "nn_plan_price", plan_before, do_plan_price, 10 },
    { "nn_plan_explain", NULL, do_plan_explain, 10 },
    { "nn_plan_save", NULL, do_plan_save, 2 },
    { "nn_plan_load", NULL, do_plan_load, 5 },
    { "nn_plan_fingerprint", NULL, do_fingerprint, 1 },
    { "nn_plan_context", NULL, do_context, 20 },
    { "nn_weights_init", NULL, do_weights_init, 5 },
    { "nn_weights_encode", weights_before, do_weights_encode, 0 },
    { "nn_run", inputs_before, do_run, 20 },
    { "nn_run_scratch", inputs_before, do_run_scratch, 20 },
    { "nn_clear", NULL, do_clear, 2 },
    { "nn_pages_init", NULL, do_pool_init, 1 },
    { "nn_pages_memory", pool_before, do_pool_memory, 1 },
    { "nn_pages_peak", pool_before, do_pool_memory, 1 },
    { "unet_job_clear", NULL, plain, -1 },
    { "unet_result_clear", NULL, plain, -1 },
    { "unet_reader_close", NULL, plain, -1 },
    { "unet_writer_clear", NULL, plain, -1 },
    { "unet_pixels_array", NULL, plain, -1 },
    { "unet_reflect", NULL, do_tiles, -1 },
    { "unet_bound", NULL, do_tiles, -1 },
    { "unet_job_tile", NULL, do_tiles, -1 },
    { "unet_job_count", NULL, do_tiles, -1 },
    { "unet_tile_cut", NULL, do_tiles, -1 },
    { "unet_tile_paste", NULL, do_tiles, -1 },
    { "unet_check_keys", NULL, do_tiles, -1 },
    { "unet_job_init", NULL, do_job_init, 2 },
    { "unet_pack", NULL, do_unet_pack, 1 },
    { "unet_unpack", NULL, do_unet_unpack, 1 },
    { "unet_keygen", NULL, do_keygen, 5 },
    { "unet_keygen_maker", NULL, do_keygen_maker, 5 },
    { "unet_encrypt", NULL, do_encrypt, 8 },
    { "unet_encrypt_to", NULL, do_encrypt_to, 8 },
    { "unet_encryption_init", NULL, do_encryption_init, 7 },
    { "unet_encryption_next", encryption_before, do_encryption_next, 3 },
    { "unet_encryption_left", encryption_before, do_encryption_next, 3 },
    { "unet_encryption_request", encryption_before, do_encryption_next, 3 },
    { "unet_encryption_clear", NULL, plain, -1 },
    { "unet_evaluate", NULL, do_evaluate, 20 },
    { "unet_decrypt", request_before, do_decrypt, 8 },
    { "unet_decrypt_from", results_before, do_decrypt_from, 8 },
    { "unet_plan_cost", NULL, do_accept, 0 },
    { "unet_accept", NULL, do_accept, 0 },
    { "unet_limit", NULL, do_tiles, -1 },
    { "unet_label_limit", NULL, do_tiles, -1 },
    { "unet_mask", NULL, do_mask, 0 },
    { "unet_request_load", NULL, do_request_load, 3 },
    { "unet_request_save", request_before, do_request_save, 2 },
    { "unet_request_size", request_bytes_before, do_request_bytes, -1 },
    { "unet_request_bytes", request_bytes_before, do_request_bytes, -1 },
    { "unet_request_parse", request_bytes_before, do_request_parse, 3 },
    { "unet_request_forget", request_before, do_request_forget, -1 },
    { "unet_request_clear", NULL, plain, -1 },
    { "unet_reader_skip", reader_before, do_reader_skip, 0 },
    { "unet_reader_open", NULL, do_reader_open, 4 },
    { "unet_reader_from", inputs_bytes_before, do_reader_from, 4 },
    { "unet_reader_next", reader_before, do_reader_next, 1 },
    { "unet_reader_info", reader_before, do_reader_says, -1 },
    { "unet_reader_job", reader_before, do_reader_says, -1 },
    { "unet_reader_bytes", reader_before, do_reader_says, -1 },
    { "unet_reader_at", reader_before, do_reader_says, -1 },
    { "unet_join", NULL, do_join, 6 },
    { "unet_writer_open", NULL, do_writer_open, 5 },
    { "unet_writer_to", NULL, do_writer_to, 3 },
    { "unet_memory_source", inputs_bytes_before, do_reader_from, 4 },
    { "unet_memory_sink", NULL, do_memory_sink, 1 },
    { "unet_memory_clear", NULL, plain, -1 },
    { "unet_writer_put", writer_before, do_writer_put, 1 },
    { "unet_writer_finish", writer_full, do_writer_finish, 0 }
};

static void clear_all(void)
{
    nn_model_clear(&outs.model);
    free(outs.text);
    free(outs.line);
    ckks_ctx_clear(&outs.ctx);
    ckks_keys_maker_clear(&outs.maker);
    ckks_sk_clear(&outs.sk);
    ckks_keys_clear(&outs.keys);
    nn_weights_clear(&outs.weights);
    nn_weights_clear(&t.weights);
    nn_pages_clear(&outs.pool);
    for (int i = 0; i < MOST_CTS; i++) {
        ckks_ct_clear(&outs.ct[i]);
        ckks_ct_clear(&t.in[i]);
    }
    unet_job_clear(&outs.job);
    unet_request_clear(&outs.request);
    unet_request_clear(&t.request);
    unet_result_clear(&outs.result);
    unet_reader_close(&outs.reader);
    unet_reader_close(&t.reader);
    unet_writer_clear(&outs.writer);
    unet_writer_clear(&t.writer);
    unet_encryption_clear(&outs.encryption);
    unet_encryption_clear(&t.encryption);
    unet_memory_clear(&outs.memory);
    unet_memory_clear(&t.bytes);
    memset(&outs, 0, sizeof outs);
}

/* The file with the name of the outputs is the one that was there. */
static void check_file(const char *name, long k)
{
    size_t size;
    uint8_t *bytes = bytes_read(t.folder.path, &size);

    CHECK(bytes != NULL && size == sizeof there
              && memcmp(bytes, there, size) == 0,
          "%s: allocation %ld refused: the file has changed", name, k);
    CHECK(folder_files(&t.folder) == 1, "%s: allocation %ld refused: %d files",
          name, k, folder_files(&t.folder));
    CHECK(folder_files(&t.requests) == 1, "%s: allocation %ld refused: %d "
          "requests", name, k, folder_files(&t.requests));
    free(bytes);
}

/* Returns how many allocations the call makes.  Each of the first 32 fails
 * once, then every fifth; in the long form each. */
static long fail_each(const operation *o)
{
    static const char stale[] = "the message of another call";
    bool through = false;
    long calls = 0;

    for (long k = 1; k < 5000 && !through;
         k += k < 32 || test_long() ? 1 : 5) {
        const long held = memory_held();
        ckks_status s;

        if (!CHECK(bytes_write(t.folder.path, (const uint8_t *)there,
                               sizeof there), "no file"))
            break;
        if (o->prepare != NULL)
            o->prepare();
        before = outs;
        (void)nn_fail(CKKS_OK, "%s", stale);
        memory_refuse(o->least < 0 ? 1 : k);
        s = o->run();
        calls = memory_calls();
        through = calls < k;
        memory_refuse(0);
        if (through) {
            CHECK(s == CKKS_OK, "%s: %s", o->name, nn_last_error());
        } else {
            CHECK(s == CKKS_EMEM, "%s: allocation %ld refused: %s (%s)",
                  o->name, k, ckks_status_name(s), nn_last_error());
            CHECK(strcmp(nn_last_error(), stale) != 0
                      && nn_last_error()[0] != '\0',
                  "%s: allocation %ld refused: no message", o->name, k);
            CHECK(memcmp(&before, &outs, sizeof outs) == 0,
                  "%s: allocation %ld refused: outputs changed", o->name, k);
            if (t.writer == NULL)
                check_file(o->name, k);
        }
        clear_all();
        CHECK(memory_held() == held, "%s: allocation %ld refused: %ld pieces "
              "are left", o->name, k, memory_held() - held);
    }
    CHECK(through, "%s: more than %ld allocations", o->name, calls);
    return calls;
}

static bool make_model(void)
{
    static model_maker k;

    maker_start(&k, "zero", 0, 1, 4, 4);
    maker_conv(&k, "a", "image", 1, 2, 3);
    maker_plain(&k, "square", "b", "a", NULL);
    maker_conv(&k, "c", "b", 2, 1, 1);
    maker_finish(&k, "c");
    t.model = maker_bytes(&t.model_size, &k);
    maker_clear(&k);
    return CHECK(t.model != NULL, "no memory");
}

/* The note of the request, for folder_close. */
static void name_request(void)
{
    size_t at = strlen(t.requests.name);

    if (!NN_OK(unet_request_load(&t.request, t.requests.name, t.results.path,
                                 t.p)))
        return;
    snprintf(t.requests.path, sizeof t.requests.path, "%s/", t.requests.name);
    for (int i = 0; i < UNET_ID; i++)
        snprintf(t.requests.path + at + 1 + 2 * i, 3, "%02x",
                 t.request.id[i]);
    strcpy(t.requests.path + at + 1 + 2 * UNET_ID, ".req");
    unet_request_clear(&t.request);
}

static bool make_files(void)
{
    uint64_t bytes;

    const unet_keep part = { .origin = id };

    return folder_open(&t.inputs) && folder_open(&t.results)
           && folder_open(&t.part)
           && folder_open(&t.folder) && folder_open(&t.requests)
           && NN_OK(unet_job_init(&t.job, t.p, &t.size, 1))
           && NN_OK(unet_encrypt(t.inputs.path, &bytes, t.requests.name,
                                 &t.rng, t.p, &t.job, &t.pixels, t.ctx, t.sk,
                                 NULL))
           && NN_OK(unet_evaluate(t.results.path, NULL, t.inputs.path, NULL,
                                  NULL, t.p, t.r.w, t.ctx, t.keys, NULL))
           && NN_OK(unet_evaluate(t.part.path, NULL, t.inputs.path, NULL,
                                  &part, t.p, t.r.w, t.ctx, t.keys, NULL));
}

static bool make_all(const char *name, nn_border border)
{
    const net_kind *kind = net_kind_named(name);
    const uint8_t seed[CKKS_SEED_BYTES] = { 5 };
    rig_shape s;

    memset(&t, 0, sizeof t);
    memset(&outs, 0, sizeof outs);
    if (!CHECK(rig_shape_at(&s, kind, border, 0), "no shape")
        || !rig_init(&t.r, &s, kind->build))
        return false;
    t.p = &t.r.p;
    t.pixel[0] = t.r.pixel;
    t.pixels = unet_pixels_array(t.pixel);
    t.sink = (unet_sink){ take_all, NULL, "all" };
    t.size = (unet_size){ t.p->core_height, t.p->core_width };
    return CHECK(nn_plan_inputs(t.p) <= MOST_CTS
                     && nn_plan_outputs(t.p) <= MOST_CTS
                     && (size_t)nn_plan_inputs(t.p) * t.p->layout.slots
                            <= MOST_SLOTS, "%d inputs", nn_plan_inputs(t.p))
           && make_model() && NN_OK(nn_machine_default(&t.costs, "portable"))
           && NN_OK(nn_machine_save(&t.machine, &t.machine_size, &t.costs))
           && NN_OK(nn_plan_save(&t.plan, &t.plan_size, t.p))
           && NN_OK(nn_plan_context(&t.ctx, t.p, NULL))
           && CHECK_OK(ckks_rng_init(&t.rng, seed))
           && NN_OK(unet_keygen(&t.sk, &t.keys, &t.rng, t.ctx, t.p))
           && make_files();
}

static void fail_all(const char *name, nn_border border)
{
    const long held = memory_held();
    long failed = 0;
    bool made;

    made = make_all(name, border);
    if (made)
        name_request();
    for (size_t i = 0; made && i < sizeof operations / sizeof *operations;
         i++) {
        const operation *o = &operations[i];
        long n = fail_each(o);

        CHECK(o->least < 0 ? n == 0 : n >= o->least, "%s: %ld allocations",
              o->name, n);
        failed += n;
    }
    test_note("%s: %ld allocations", name, failed);
    folder_close(&t.inputs);
    folder_close(&t.results);
    folder_close(&t.part);
    folder_close(&t.requests);
    folder_close(&t.folder);
    unet_job_clear(&t.job);
    ckks_keys_clear(&t.keys);
    ckks_sk_clear(&t.sk);
    ckks_ctx_clear(&t.ctx);
    free(t.model);
    free(t.plan);
    free(t.machine);
    rig_clear(&t.r);
    CHECK(memory_held() == held, "%ld pieces are left", memory_held() - held);
}

/* Rotations, relinearisations, means; and dense layers with plaintexts. */
TEST(memory_of_every_function)
{
    if (memory_watched()) {
        fail_all("unet 1", NN_WRAP);
        fail_all("dense", NN_ZERO);         /* here they allocate, too       */
    } else {
        test_skip("this linker wraps no functions");
    }
}
