/* test_memory_seal.c -- every allocation of the functions for SEAL's bytes and
 * for whole files fails once (test_misuse_memory.c has the others).
 */
#include "memory_support.h"
#include "seal_support.h"
#include "unet_support.h"

static ckks_ctx *ctx;
static seal_object in, out, before;
static seal_bytes file;
static uint8_t room[1 << 20], room_before[1 << 20];
static test_folder folder;

/* file NULL: saves what is in `in`. */
static const struct {
    const char *name;
    seal_kind kind;
    const char *file;
    int least;                  /* allocations at the least; -1: none at all */
} seal_list[] = {
    { "ckks_seal_params_load", SEAL_PARAMS, "parms", -1 },
    { "ckks_seal_pt_load", SEAL_PT, "pt", 1 },
    { "ckks_seal_ct_load", SEAL_CT, "x_seeded", 1 },
    { "ckks_seal_sk_load", SEAL_SK, "sk", 2 },
    { "ckks_seal_pk_load", SEAL_PK, "pk", 2 },
    { "ckks_seal_relin_load", SEAL_RELIN, "relin", 3 },
    { "ckks_seal_galois_load", SEAL_GALOIS, "galois", 4 },
    { "ckks_seal_params_save", SEAL_PARAMS, NULL, 0 },
    { "ckks_seal_pt_save", SEAL_PT, NULL, 0 },
    { "ckks_seal_ct_save", SEAL_CT, NULL, 0 },
    { "ckks_seal_sk_save", SEAL_SK, NULL, 0 },
    { "ckks_seal_pk_save", SEAL_PK, NULL, 0 },
    { "ckks_seal_relin_save", SEAL_RELIN, NULL, 1 },
    { "ckks_seal_galois_save", SEAL_GALOIS, NULL, 1 }
};

/* By kind; each run that saves asks for them. */
static const char *const sizes[] = {
    "ckks_seal_params_size", "ckks_seal_pt_size", "ckks_seal_ct_size",
    "ckks_seal_sk_size", "ckks_seal_pk_size", "ckks_seal_relin_size",
    "ckks_seal_galois_size"
};

static size_t size_of(seal_kind k)
{
    switch (k) {
    case SEAL_PARAMS: return ckks_seal_params_size(ctx);
    case SEAL_PT:     return ckks_seal_pt_size(&in.pt);
    case SEAL_CT:     return ckks_seal_ct_size(&in.ct);
    case SEAL_SK:     return ckks_seal_sk_size(in.sk);
    case SEAL_PK:     return ckks_seal_pk_size(in.pk);
    case SEAL_RELIN:  return ckks_seal_relin_size(in.keys);
    default:          return ckks_seal_galois_size(in.keys);
    }
}

static ckks_status save(seal_kind k)
{
    const size_t size = size_of(k);

    CHECK(size > 0 && size <= sizeof room, "%s: %zu", sizes[k], size);
    switch (k) {
    case SEAL_PARAMS: return ckks_seal_params_save(room, size, ctx);
    case SEAL_PT:     return ckks_seal_pt_save(room, size, &in.pt);
    case SEAL_CT:     return ckks_seal_ct_save(room, size, &in.ct);
    case SEAL_SK:     return ckks_seal_sk_save(room, size, in.sk);
    case SEAL_PK:     return ckks_seal_pk_save(room, size, in.pk);
    case SEAL_RELIN:  return ckks_seal_relin_save(room, size, in.keys);
    default:          return ckks_seal_galois_save(room, size, in.keys);
    }
}

/* After a call whose k-th allocation failed. */
static void check_refused(const char *name, ckks_status s, int k)
{
    const size_t length = strlen(name);

    CHECK(s == CKKS_EMEM, "%s: allocation %d refused: %s", name, k,
          ckks_status_name(s));
    CHECK(strncmp(ckks_last_error(), name, length) == 0
              && ckks_last_error()[length] == ':', "%s: \"%s\"", name,
          ckks_last_error());
    CHECK(memcmp(&out, &before, sizeof out) == 0
              && memcmp(room, room_before, sizeof room) == 0,
          "%s: allocation %d refused: outputs changed", name, k);
}

/* Returns how many allocations failed before the call went through. */
static int fail_each(size_t i)
{
    const seal_kind kind = seal_list[i].kind;
    bool through = false;
    int k = 1;

    for (; k < 1000 && !through; k++) {
        const long held = memory_held();
        ckks_status s;

        before = out;
        memcpy(room_before, room, sizeof room);
        memory_refuse(k);
        s = seal_list[i].file != NULL
                ? seal_load(&out, kind, ctx, file.at, file.size) : save(kind);
        through = memory_calls() < k;
        memory_refuse(0);
        if (through)
            CHECK(s == CKKS_OK, "%s: %s", seal_list[i].name,
                  ckks_last_error());
        else
            check_refused(seal_list[i].name, s, k);
        seal_clear(&out);
        memset(&out, 0, sizeof out);
        CHECK(memory_held() == held, "%s: allocation %d refused: %ld pieces "
              "are left", seal_list[i].name, k, memory_held() - held);
    }
    return k - 2;
}

TEST(memory_of_seals_bytes)
{
    static const char *const kept[] = { NULL, "pt", "x", "sk", "pk", "relin",
                                        "galois" };
    int failed = 0;

    if (!memory_watched()) {
        test_skip("this linker wraps no functions");
        return;
    }
    ctx = seal_context(NULL);
    for (size_t i = 0; ctx != NULL
                       && i < sizeof seal_list / sizeof *seal_list; i++) {
        const seal_kind kind = seal_list[i].kind;
        int n;

        memset(&file, 0, sizeof file);
        memset(&in, 0, sizeof in);
        if (seal_list[i].file != NULL)
            file = seal_file(seal_list[i].file);
        else if (kept[kind] != NULL
                 && !seal_load_file(&in, kind, ctx, kept[kind]))
            break;
        n = fail_each(i);
        CHECK(seal_list[i].least < 0 ? n == 0 : n >= seal_list[i].least,
              "%s: %d allocations", seal_list[i].name, n);
        failed += n;
        seal_free(&file);
        seal_clear(&in);
    }
    test_note("%d refused allocations", failed);
    ckks_ctx_clear(&ctx);
}

/* ---- files -------------------------------------------------------------- */

static const char there[] = "what was there before";

static bool file_is(const void *want, size_t size)
{
    size_t n;
    uint8_t *bytes = bytes_read(folder.path, &n);
    bool ok = bytes != NULL && n == size && memcmp(bytes, want, n) == 0
              && folder_files(&folder) == 1;

    free(bytes);
    return ok;
}

static ckks_status write_file(void)
{
    return ckks_file_write(folder.path, (const uint8_t *)"new", 3, 0600);
}

/* The same piece by piece, after a look at the name; a writing that was cleared
 * or abandoned leaves nothing. */
static ckks_status pieces(void)
{
    ckks_file *f = NULL;
    ckks_status s = ckks_file_check(folder.path);

    if (s == CKKS_OK)
        s = ckks_file_open(&f, folder.path, 0600);
    if (s == CKKS_OK)
        s = ckks_file_put(f, (const uint8_t *)"hew", 3);
    if (s == CKKS_OK)
        s = ckks_file_put_at(f, 0, (const uint8_t *)"n", 1);
    if (s == CKKS_OK)
        s = ckks_file_finish(&f);
    ckks_file_clear(&f);
    ckks_file_abandon();
    return s;
}

static ckks_status read_file(void)
{
    uint8_t *data = NULL;
    size_t size = 77;
    ckks_status s = ckks_file_read(&data, &size, folder.path, 100);

    CHECK(s == CKKS_OK ? size == sizeof there : data == NULL && size == 77,
          "outputs of %zu bytes", size);
    ckks_file_free(data, s == CKKS_OK ? size : 0);
    return s;
}

static void file_fails(const char *name, ckks_status (*run)(void))
{
    bool through = false;
    int k = 1;

    for (; k < 100 && !through; k++) {
        const long held = memory_held();
        ckks_status s;

        CHECK(bytes_write(folder.path, (const uint8_t *)there, sizeof there),
              "no file");
        memory_refuse(k);
        s = run();
        through = memory_calls() < k;
        memory_refuse(0);
        if (through) {
            CHECK(s == CKKS_OK, "%s: %s", name, ckks_last_error());
        } else {
            check_refused(name, s, k);
            CHECK(file_is(there, sizeof there), "%s: allocation %d refused: "
                  "the folder has changed", name, k);
        }
        CHECK(memory_held() == held, "%s: %ld pieces are left", name,
              memory_held() - held);
    }
    CHECK(k > 2, "%s: no allocation", name);
}

TEST(memory_of_files)
{
    if (!memory_watched()) {
        test_skip("this linker wraps no functions");
        return;
    }
    memset(&out, 0, sizeof out);
    before = out;
    memcpy(room_before, room, sizeof room);
    if (!folder_open(&folder))
        return;
    file_fails("ckks_file_write", write_file);
    CHECK(file_is("new", 3), "the file was not written");
    /* also "ckks_file_check", "ckks_file_put", "ckks_file_put_at",
     * "ckks_file_finish", "ckks_file_clear", "ckks_file_abandon", which allocate
     * nothing */
    file_fails("ckks_file_open", pieces);
    CHECK(file_is("new", 3), "the file was not written");
    file_fails("ckks_file_read", read_file);
    folder_close(&folder);
}
