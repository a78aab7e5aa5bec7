/* files.c -- files that go out: those of the page, which are read once when the
 * server begins, so that no address can name another; and results. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http.h"

enum { FILE_MOST = 32 << 20 };

static const char *const file_types[][2] = {
    { ".html", "text/html; charset=utf-8" },
    { ".mjs", "text/javascript; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".wasm", "application/wasm" },
    { ".json", "application/json" },
    { ".webmanifest", "application/manifest+json" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".ico", "image/vnd.microsoft.icon" },
    { ".txt", "text/plain; charset=utf-8" }
};

/* The page may do what it needs: its own scripts and its WASM, images and
 * workers that it makes itself; it asks no other server. */
static const char file_policy[] =
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
    "img-src 'self' blob: data:; worker-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

static const char *file_type(const char *name)
{
    for (size_t i = 0; i < sizeof file_types / sizeof *file_types; i++)
        if (volley_ends(name, file_types[i][0]))
            return file_types[i][1];
    return NULL;
}

static int file_read(serve_bytes *f, const char *folder, const char *name)
{
    char *path = volley_join(folder, name);
    uint8_t digest[UNET_ID];
    char hex[33];
    int code = path != NULL ? volley_read(&f->data, &f->size, path, FILE_MOST)
                            : volley_fail("no memory for a name");

    free(path);
    if (code != VOLLEY_DONE)
        return code;
    ckks_blake2b(digest, sizeof digest, f->data, f->size, NULL, 0);
    volley_hex(hex, digest);
    snprintf(f->etag, sizeof f->etag, "\"%s\"", hex);
    return VOLLEY_DONE;
}

static bool file_there(DIR *d, const char *name)
{
    struct stat st;

    return fstatat(dirfd(d), name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

/* A file of the page, and what is compressed of it. */
static int file_add(serve_file *f, const char *folder, DIR *d,
                    const char *name)
{
    char brotli[sizeof f->name + 3];
    int code = file_read(&f->whole, folder, name);

    snprintf(f->name, sizeof f->name, "%s", name);
    f->type = file_type(name);
    snprintf(brotli, sizeof brotli, "%s.br", f->name);
    if (code == VOLLEY_DONE && file_there(d, brotli))
        code = file_read(&f->brotli, folder, brotli);
    return code;
}

int serve_page_read(serve_web *web, const char *folder)
{
    DIR *d = folder != NULL ? opendir(folder) : NULL;
    int code = VOLLEY_DONE;

    if (folder == NULL)
        return VOLLEY_DONE;
    if (d == NULL)
        return volley_fail("--page %s: %s", folder, strerror(errno));
    for (const struct dirent *x; code == VOLLEY_DONE
                                 && (x = readdir(d)) != NULL;) {
        if (x->d_name[0] == '.' || strlen(x->d_name) >= NN_NAME
            || file_type(x->d_name) == NULL || !file_there(d, x->d_name))
            continue;
        if (web->files == SERVE_FILES)
            code = volley_fail("--page %s: more than %d files", folder,
                               SERVE_FILES);
        else
            code = file_add(&web->file[web->files++], folder, d, x->d_name);
    }
    (void)closedir(d);
    return code;
}

void serve_page_clear(serve_web *web)
{
    for (size_t i = 0; i < web->files; i++) {
        const serve_file *f = &web->file[i];

        ckks_file_free(f->whole.data, f->whole.size);
        ckks_file_free(f->brotli.data, f->brotli.size);
    }
}

static const serve_file *file_find(const serve_web *web, const char *name)
{
    if (name[0] == '\0')
        name = "index.html";
    for (size_t i = 0; i < web->files; i++)
        if (strcmp(web->file[i].name, name) == 0)
            return &web->file[i];
    return NULL;
}

/* Whether a browser takes brotli: the word by itself, as browsers send it; one
 * that weighs it gets the whole. */
static bool file_takes_brotli(const serve_request *r)
{
    const char *text = serve_header(r, "Accept-Encoding");

    while (text != NULL && *text != '\0') {
        const size_t n = strcspn(text, ",");

        if (n == 2 && strncmp(text, "br", 2) == 0)
            return true;
        text += n;
        text += strspn(text, ", ");
    }
    return false;
}

enum MHD_Result serve_page(serve_request *r)
{
    const serve_file *f = file_find(r->s->web, r->name);
    const char *known = serve_header(r, "If-None-Match");
    const bool brotli = f != NULL && f->brotli.data != NULL
                        && file_takes_brotli(r);
    const serve_bytes *b = f == NULL ? NULL : brotli ? &f->brotli : &f->whole;
    const bool same = b != NULL && known != NULL
                      && strcmp(known, b->etag) == 0;
    struct MHD_Response *x;

    if (f == NULL) {
        serve_refuse(&r->error, 404, r->s->web->files > 0
                     ? "open /" : "start the server with --page DIR",
                     "no such file of the page");
        return serve_answer_error(r);
    }
    x = MHD_create_response_from_buffer(same ? 0 : b->size, b->data,
                                        MHD_RESPMEM_PERSISTENT);
    if (x == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(x, "Content-Type", f->type);
    if (brotli)
        (void)MHD_add_response_header(x, "Content-Encoding", "br");
    (void)MHD_add_response_header(x, "Content-Security-Policy", file_policy);
    (void)MHD_add_response_header(x, "Cross-Origin-Opener-Policy",
                                  "same-origin");
    (void)MHD_add_response_header(x, "Cross-Origin-Resource-Policy",
                                  "same-origin");
    (void)MHD_add_response_header(x, "Cache-Control", "no-cache");
    (void)MHD_add_response_header(x, "ETag", b->etag);
    return serve_answer(r, same ? 304 : 200, x, b->size);
}

/* ---- results ------------------------------------------------------------- */

typedef struct file_range {
    uint64_t from, count;
    bool part;
} file_range;

static bool range_number(uint64_t *out, const char **text)
{
    const size_t n = strspn(*text, "0123456789");

    if (n < 1 || n > 18)
        return false;
    *out = strtoull(*text, NULL, 10);
    *text += n;
    return true;
}

/* "bytes=A-B", "bytes=A-", "bytes=-N"; anything else is the whole.  False: no
 * byte of it is there. */
static bool range_read(file_range *out, const char *text, uint64_t size)
{
    uint64_t a = 0, b = size - 1;

    *out = (file_range){ 0, size, false };
    if (text == NULL || strncmp(text, "bytes=", 6) != 0)
        return true;
    text += 6;
    if (*text == '-') {
        text++;
        if (!range_number(&b, &text) || *text != '\0')
            return true;
        if (b == 0)
            return false;
        a = b < size ? size - b : 0;
        b = size - 1;
    } else {
        if (!range_number(&a, &text) || *text++ != '-')
            return true;
        b = UINT64_MAX;
        if ((*text != '\0' && !range_number(&b, &text)) || *text != '\0'
            || b < a)
            return true;
        if (a >= size)
            return false;
        b = b < size ? b : size - 1;
    }
    *out = (file_range){ a, b - a + 1, true };
    return true;
}

static enum MHD_Result file_send(serve_request *r, const serve_item *x,
                                 int fd, uint64_t size)
{
    const char *same = serve_header(r, "If-Range");
    char etag[40], text[80];
    file_range range;
    struct MHD_Response *y;

    snprintf(etag, sizeof etag, "\"%s\"", x->id);
    if (!range_read(&range, same == NULL || strcmp(same, etag) == 0
                                ? serve_header(r, "Range") : NULL, size)) {
        (void)close(fd);
        serve_refuse(&r->error, 416, "ask for bytes that are there",
                     "the result has %llu bytes", (unsigned long long)size);
        return serve_answer_error(r);
    }
    y = MHD_create_response_from_fd_at_offset64(range.count, fd, range.from);
    if (y == NULL) {
        (void)close(fd);
        return MHD_NO;
    }
    (void)MHD_add_response_header(y, "Content-Type",
                                  "application/octet-stream");
    (void)MHD_add_response_header(y, "Accept-Ranges", "bytes");
    (void)MHD_add_response_header(y, "ETag", etag);
    if (range.part) {
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu",
                 (unsigned long long)range.from,
                 (unsigned long long)(range.from + range.count - 1),
                 (unsigned long long)size);
        (void)MHD_add_response_header(y, "Content-Range", text);
    }
    return serve_answer(r, range.part ? 206 : 200, y, range.count);
}

enum MHD_Result serve_result(serve_request *r)
{
    const serve_item *x = serve_request_item(r, SERVE_JOB);
    char path[SERVE_ROOM];
    struct stat st;
    int fd;

    if (x == NULL)
        return serve_answer_error(r);
    if (x->state != SERVE_DONE) {
        serve_refuse(&r->error, 409, x->state == SERVE_FAILED
                     ? "send the images again" : "wait for the end: GET "
                     "/v1/jobs/ID/events", "there is no result: %s",
                     x->state == SERVE_FAILED    ? x->error
                     : x->state == SERVE_RUNNING ? "the job runs"
                                                 : "the job waits");
        return serve_answer_error(r);
    }
    fd = open(serve_path(path, SERVE_JOB, x->id, "out.vct"),
              O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < 1) {
        serve_refuse_system(&r->error, "reading the result", errno);
        if (fd >= 0)
            (void)close(fd);
        return serve_answer_error(r);
    }
    return file_send(r, x, fd, (uint64_t)st.st_size);
}
