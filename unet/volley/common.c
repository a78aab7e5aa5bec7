/* common.c -- what every verb needs: messages, names, files. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "volley.h"

const char *volley_program = "volley";

/* The libraries' messages begin with the function that failed, "ckks_x: ", at
 * the start or behind a file's name: nothing for people, unless a file is
 * called so. */
static void say_plainly(char *text)
{
    static const char *const library[] = { "ckks_", "nn_", "nni_", "unet_",
                                           "uni_" };

    for (char *at = text; at != NULL;) {
        const size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
        bool inside = false;

        for (size_t i = 0; i < sizeof library / sizeof library[0]; i++)
            inside = inside || strncmp(at, library[i], strlen(library[i])) == 0;
        if (inside && at[n] == ':' && at[n + 1] == ' ') {
            at[n] = '\0';
            inside = access(at, F_OK) != 0;
            at[n] = ':';
        } else {
            inside = false;
        }
        if (inside) {
            memmove(at, at + n + 2, strlen(at + n + 2) + 1);
            continue;
        }
        at = strstr(at, ": ");
        at = at != NULL ? at + 2 : NULL;
    }
}

/* Lines that are kept back, the last of them, and in whose name lines are. */
static struct {
    bool on;
    char line[2048], who[128];
} say_held;

void volley_hold(void)
{
    say_held.on = true;
    say_held.line[0] = '\0';
}

void volley_let_go(const char *who)
{
    if (who != NULL)
        snprintf(say_held.who, sizeof say_held.who, "%s", who);
    if (say_held.on && say_held.line[0] != '\0' && who != NULL)
        fprintf(stderr, "%s: %s%s\n", volley_program, say_held.who,
                say_held.line);
    say_held.on = false;
}

/* One line whatever names bring with them. */
static void say(const char *prefix, const char *format, va_list ap)
{
    const size_t n = strlen(volley_program);
    char room[2048], *text = room;

    vsnprintf(room, sizeof room, format, ap);
    say_plainly(text);
    if (strncmp(text, volley_program, n) == 0
        && strncmp(text + n, ": ", 2) == 0)
        text += n + 2;                  /* the only verb of a program        */
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    fflush(stdout);
    if (!say_held.on)
        fprintf(stderr, "%s: %s%s%s\n", volley_program, say_held.who, prefix,
                text);
    else if (prefix[0] == '\0')
        snprintf(say_held.line, sizeof say_held.line, "%s", text);
}

int volley_fail(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say("", format, ap);
    va_end(ap);
    return VOLLEY_FAILED;
}

int volley_usage(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say("", format, ap);
    va_end(ap);
    return VOLLEY_USAGE;
}

void volley_warn(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say("warning: ", format, ap);
    va_end(ap);
}

int volley_check(ckks_status s)
{
    return s == CKKS_OK ? VOLLEY_DONE : volley_fail("%s", nn_last_error());
}

int volley_check_ckks(ckks_status s, const char *path)
{
    return volley_check(nn_relay(s, path));
}

double volley_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double volley_peak_rss(void)
{
    struct rusage u;

    return getrusage(RUSAGE_SELF, &u) == 0 ? (double)u.ru_maxrss / 1024 : 0;
}

double volley_system_time(void)
{
    struct rusage u;

    return getrusage(RUSAGE_SELF, &u) == 0
               ? (double)u.ru_stime.tv_sec + 1e-6 * (double)u.ru_stime.tv_usec
               : 0;
}

const char *volley_bytes(char out[32], double bytes)
{
    static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    int u = 0;

    while (bytes >= 1000 && u < 4) {
        bytes /= 1024;
        u++;
    }
    snprintf(out, 32, u > 0 && bytes < 9.95 ? "%.1f %s" : "%.0f %s", bytes,
             unit[u]);
    return out;
}

const char *volley_time(char out[32], double seconds)
{
    if (seconds < 9.95)
        snprintf(out, 32, seconds < 0.0995 ? "%.3f s" : "%.1f s", seconds);
    else if (seconds < 99.5)
        snprintf(out, 32, "%.0f s", seconds);
    else
        snprintf(out, 32, "%.0f:%02d min", (seconds - (int)seconds % 60) / 60,
                 (int)seconds % 60);
    return out;
}

void volley_hex(char out[33], const uint8_t in[16])
{
    for (int i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", in[i]);
}

char *volley_sibling(const char *path, const char *tag, const char *extension)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t stem = dot != NULL && dot != name ? (size_t)(dot - path)
                                             : strlen(path);
    size_t size;
    char *out;

    if (extension == NULL)
        extension = path + stem;
    size = stem + strlen(tag) + strlen(extension) + 2;
    out = malloc(size);
    if (out != NULL)
        snprintf(out, size, "%.*s%s%s%s", (int)stem, path,
                 tag[0] != '\0' ? "-" : "", tag, extension);
    return out;
}

char *volley_join(const char *folder, const char *name)
{
    size_t a = strlen(folder);
    size_t size = a + strlen(name) + 2;
    char *out = malloc(size);

    if (out != NULL)
        snprintf(out, size, "%s%s%s", folder,
                 a > 0 && folder[a - 1] == '/' ? "" : "/", name);
    return out;
}

int volley_folder(const char *path)
{
    char *part = malloc(strlen(path) + 1);
    struct stat st;
    int e = 0;

    if (part == NULL)
        return volley_fail("no memory for a name");
    strcpy(part, path);
    for (char *c = part; *c != '\0' && e == 0; c++) {
        if (*c != '/' || c == part)
            continue;
        *c = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            e = errno;
        *c = '/';
    }
    free(part);
    if (e == 0 && mkdir(path, 0777) != 0 && errno != EEXIST)
        e = errno;
    if (e != 0)
        return volley_fail("making the folder %s: %s", path, strerror(e));
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return volley_fail("%s is there and is not a folder", path);
    return VOLLEY_DONE;
}

int volley_read(uint8_t **out, size_t *size, const char *path,
                size_t max_size)
{
    return volley_check_ckks(ckks_file_read(out, size, path, max_size), NULL);
}

int volley_write(const char *path, const void *data, size_t size,
                 unsigned mode)
{
    return volley_check_ckks(ckks_file_write(path, data, size, mode), NULL);
}

int volley_flush(void)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout))
        return volley_fail("writing standard output: %s",
                           strerror(errno != 0 ? errno : EIO));
    return VOLLEY_DONE;
}

int volley_json_end(nni_json_writer *w)
{
    ckks_status s = nni_json_writer_finish(w);

    nni_json_writer_clear(w);
    return volley_check(s);
}
