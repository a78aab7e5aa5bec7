/* support.c -- failing calls, reports, files, inputs: see fuzz.h.
 *
 * The linker puts __wrap_X in place of X in everything that is linked
 * statically (Makefile, FUZZ_WRAP): the libraries under test and the harness,
 * not libpng, zlib, libjpeg or the sanitizers.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A single piece of memory above this is refused: no toy needs it, and what
 * hostile sizes ask for must not depend on the machine. */
enum { MOST = 1 << 28 };

/* ---- failing calls ------------------------------------------------------- */

static struct {
    unsigned left;              /* calls before the one that fails; 0: off   */
    bool on, fired;
} fault;

void fuzz_arm(unsigned n, bool on)
{
    fault.left = n;
    fault.on = on;
    fault.fired = false;
}

bool fuzz_disarm(void)
{
    fault.left = 0;
    return fault.fired;
}

unsigned fuzz_hold(void)
{
    const unsigned left = fault.left;

    fault.left = 0;
    return left;
}

void fuzz_go_on(unsigned left)
{
    fault.left = left;
}

/* Whether this call fails. */
static bool due(void)
{
    if (fault.left == 0)
        return false;
    if (fault.left > 1) {
        fault.left--;
        return false;
    }
    fault.left = fault.on;
    fault.fired = true;
    errno = ENOMEM;
    return true;
}

#define WRAP(type, name, args, call, fails)                               \
    type __real_##name args;                                              \
    type __wrap_##name args;                                              \
    type __wrap_##name args                                               \
    {                                                                     \
        return (fails) || due() ? 0 : __real_##name call;                 \
    }

WRAP(void *, malloc, (size_t n), (n), n > MOST)
WRAP(void *, calloc, (size_t n, size_t m), (n, m), m > 0 && n > MOST / m)
WRAP(void *, realloc, (void *p, size_t n), (p, n), n > MOST)
WRAP(void *, aligned_alloc, (size_t a, size_t n), (a, n), n > MOST)
WRAP(size_t, fread, (void *p, size_t a, size_t n, FILE *f), (p, a, n, f),
     false)
WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), false)
WRAP(FILE *, fdopen, (int fd, const char *mode), (fd, mode), false)
WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), false)
WRAP(FILE *, open_memstream, (char **p, size_t *n), (p, n), false)
WRAP(DIR *, opendir, (const char *path), (path), false)
WRAP(void *, png_create_write_struct,
     (const char *v, void *p, void *e, void *w), (v, p, e, w), false)
WRAP(void *, png_create_info_struct, (void *p), (p), false)

WRAP(size_t, fwrite, (const void *p, size_t a, size_t n, FILE *f),
     (p, a, n, f), false)

#define WRAP_INT(name, args, call)                                        \
    int __real_##name args;                                               \
    int __wrap_##name args;                                               \
    int __wrap_##name args                                                \
    {                                                                     \
        return due() ? -1 : __real_##name call;                           \
    }

WRAP_INT(fflush, (FILE *f), (f))
WRAP_INT(fsync, (int fd), (fd))
WRAP_INT(rename, (const char *from, const char *to), (from, to))

/* ---- reports ------------------------------------------------------------- */

static FILE *report;

/* glibc's streams can be assigned; the sanitizers write to descriptor 2, which
 * stays. */
void fuzz_quiet(void)
{
    report = stderr;
    stdout = __real_fopen("/dev/null", "w");
    stderr = __real_fopen("/dev/null", "w");
    if (stdout == NULL || stderr == NULL)
        abort();
    setvbuf(report, NULL, _IOLBF, 0);
}

void fuzz_say(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vfprintf(report != NULL ? report : stderr, format, ap);
    va_end(ap);
}

void fuzz_must(bool ok, const char *format, ...)
{
    va_list ap;

    if (ok)
        return;
    va_start(ap, format);
    vfprintf(report != NULL ? report : stderr, format, ap);
    va_end(ap);
    fuzz_say("\n  libckks: %s\n  libnn: %s\n", ckks_last_error(),
             nn_last_error());
    abort();
}

/* ---- memory and inputs --------------------------------------------------- */

void *fuzz_room(size_t size)
{
    void *p = __real_calloc(size > 0 ? size : 1, 1);

    if (p == NULL)
        abort();
    return p;
}

void fuzz_free(void *p)
{
    free(p);
}

void fuzz_replace(fuzz_input *in, const void *bytes, size_t size)
{
    uint8_t *data = fuzz_room(size);

    if (size > 0)
        memcpy(data, bytes, size);
    fuzz_free(in->data);
    in->data = data;
    in->size = size;
}

void fuzz_resize(fuzz_input *in, size_t size)
{
    uint8_t *data;

    if (size == in->size || size > FUZZ_LARGEST)
        return;
    data = fuzz_room(size);
    memcpy(data, in->data, size < in->size ? size : in->size);
    fuzz_free(in->data);
    in->data = data;
    in->size = size;
}

/* ---- files --------------------------------------------------------------- */

const char *fuzz_file(const uint8_t *bytes, size_t size)
{
    static char path[64];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    fuzz_must(fd >= 0 && ftruncate(fd, 0) == 0
                  && pwrite(fd, bytes, size, 0) == (ssize_t)size,
              "a file of %zu bytes: %s", size, strerror(errno));
    return path;
}

static char folder[64];

/* Removes what is in a folder, and in folders there. */
static void empty(const char *path)
{
    DIR *d = __real_opendir(path);
    char name[400];

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.' && unlink(name) != 0) {
            empty(name);
            (void)rmdir(name);
        }
    }
    if (d != NULL)
        (void)closedir(d);
}

static void folder_remove(void)
{
    empty(folder);
    (void)rmdir(folder);
}

const char *fuzz_folder(void)
{
    if (folder[0] != '\0')
        return folder;
    strcpy(folder, "/dev/shm/volley-fuzz-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        strcpy(folder, "/tmp/volley-fuzz-XXXXXX");
        fuzz_must(mkdtemp(folder) != NULL, "no folder: %s", strerror(errno));
    }
    atexit(folder_remove);
    return folder;
}

const char *fuzz_requests(void)
{
    static char path[128];

    if (path[0] == '\0') {
        strcpy(path, fuzz_place("requests"));
        fuzz_must(mkdir(path, 0700) == 0, "%s: %s", path, strerror(errno));
    }
    return path;
}

void fuzz_forget_requests(void)
{
    empty(fuzz_requests());
}

const char *fuzz_place(const char *name)
{
    static char path[8][128];
    static unsigned next;
    char *out = path[next++ % 8];

    snprintf(out, sizeof path[0], "%s/%s", fuzz_folder(), name);
    return out;
}

/* ---- seeds --------------------------------------------------------------- */

void (*fuzz_seed_taker)(const fuzz_target *t, const uint8_t *bytes,
                        size_t size);

void fuzz_seed(const fuzz_target *t, uint8_t variant, uint8_t flags,
               uint8_t chosen, const void *bytes, size_t size)
{
    uint8_t *all = fuzz_room(FUZZ_CHOICE + size);

    all[0] = variant;
    all[1] = flags;
    all[2] = chosen;
    memcpy(all + FUZZ_CHOICE, bytes, size);
    fuzz_seed_taker(t, all, FUZZ_CHOICE + size);
    fuzz_free(all);
}
