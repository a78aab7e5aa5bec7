/* line.c -- the line to the server: what is tried again, how long, and what is
 * said when it is not. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "volley/ask/ask.h"

enum { LINE_TOKEN = 4096, LINE_URL = 512, LINE_WAIT = 60 };

/* ---- the URL and the token ---------------------------------------------- */

/* http://HOST[:PORT][/PATH], without a name, a query or a fragment. */
static int line_url(char **out, const char *word)
{
    const char *host = strstr(word, "://");
    size_t n = strlen(word);

    if (strncasecmp(word, "http://", 7) != 0
        && strncasecmp(word, "https://", 8) != 0)
        return volley_usage("ask: '%s' is no URL: https://HOST[:PORT] or "
                            "http://HOST[:PORT]", word);
    for (const char *c = word; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || strchr("@?#\\\"<>", *c) != NULL)
            return volley_usage("ask: '%s': a URL of host, port and path "
                                "only", word);
    while (n > 0 && word[n - 1] == '/')
        n--;
    if (n > LINE_URL || (size_t)(host + 3 - word) >= n)
        return volley_usage("ask: '%s': a URL without a host, or of more than "
                            "%d bytes", word, LINE_URL);
    *out = malloc(n + 1);
    if (*out == NULL)
        return volley_fail("no memory for a name");
    memcpy(*out, word, n);
    (*out)[n] = '\0';
    return VOLLEY_DONE;
}

/* The word in a file, without what white space stands behind it; malloc. */
static int line_token(char **out, const char *path)
{
    uint8_t *data = NULL;
    size_t size = 0, n;
    int code = volley_read(&data, &size, path, LINE_TOKEN);

    if (code != VOLLEY_DONE)
        return code;
    for (n = size; n > 0 && strchr(" \t\r\n", data[n - 1]) != NULL; n--)
        continue;
    for (size_t i = 0; i < n && code == VOLLEY_DONE; i++)
        if (data[i] <= ' ' || data[i] > '~')
            code = volley_fail("%s: a token is one word of visible ASCII",
                               path);
    if (n == 0 && code == VOLLEY_DONE)
        code = volley_fail("%s holds no token", path);
    *out = code == VOLLEY_DONE ? malloc(n + 1) : NULL;
    if (*out != NULL) {
        memcpy(*out, data, n);
        (*out)[n] = '\0';
    } else if (code == VOLLEY_DONE) {
        code = volley_fail("no memory for a token");
    }
    ckks_file_free(data, size);
    return code;
}

/* What is said of a line that others can hear. */
static void line_warn(const char *url)
{
    static const char *const here[] = { "localhost", "127.0.0.1", "[::1]" };
    const char *host = url + 7;

    if (strncasecmp(url, "https://", 8) == 0)
        return;
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++) {
        const size_t n = strlen(here[i]);

        if (strncasecmp(host, here[i], n) == 0
            && (host[n] == '\0' || host[n] == ':' || host[n] == '/'))
            return;
    }
    volley_warn("%s: no TLS: whoever is on the way can read ids and the token, "
                "and answer in the server's place; https:// is for that", url);
}

int ask_line_open(ask_line *out, const volley_args *a, const char *word)
{
    char *token = NULL;
    int wait = LINE_WAIT, code;

    memset(out, 0, sizeof *out);
    code = volley_int(&wait, a, OPT_TRYING, 0, 1 << 24, LINE_WAIT);
    if (code == VOLLEY_DONE)
        code = line_url(&out->url, word);
    if (code == VOLLEY_DONE && a->value[OPT_TOKEN] != NULL)
        code = line_token(&token, a->value[OPT_TOKEN]);
    if (code == VOLLEY_DONE && a->value[OPT_CACERT] != NULL
        && access(a->value[OPT_CACERT], R_OK) != 0)
        code = volley_fail("%s cannot be read; --cacert takes certificates in "
                           "PEM", a->value[OPT_CACERT]);
    if (code == VOLLEY_DONE) {
        line_warn(out->url);
        out->wait = wait;
        out->patient = a->value[OPT_TRYING] != NULL;
        out->token = token != NULL;
        out->shown = isatty(STDERR_FILENO) != 0;
        out->http = http_open(out->url, token, a->value[OPT_CACERT]);
        if (out->http == NULL)
            code = volley_fail("no memory for a connection");
    }
    for (volatile char *c = token; c != NULL && *c != '\0'; c++)
        *c = '\0';
    free(token);
    return code;
}

void ask_line_close(ask_line *line)
{
    ask_show_end(line);
    http_close(&line->http);
    free(line->url);
    memset(line, 0, sizeof *line);
}

/* ---- progress ----------------------------------------------------------- */

void ask_show(ask_line *line, const char *format, ...)
{
    va_list ap;

    if (!line->shown)
        return;
    fputc('\r', stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputs("\x1b[K", stderr);
    fflush(stderr);
}

void ask_show_end(ask_line *line)
{
    if (line->shown)
        fputs("\r\x1b[K", stderr);
}

/* ---- again and again ---------------------------------------------------- */

static bool line_may_pass(const http_answer *a)
{
    return a->way == HTTP_CUT
           || (a->way == HTTP_CAME
               && (a->status == 429 || a->status == 502 || a->status == 503
                   || a->status == 504));
}

/* Seconds before the next attempt: half a second, doubled up to 15, or what
 * the server asks for. */
static double line_pause(int count, const http_answer *a)
{
    double pause = 0.5;

    for (int i = 1; i < count && pause < 15; i++)
        pause *= 2;
    pause = pause < 15 ? pause : 15;
    return a->after >= 0 ? a->after : pause;
}

static void line_sleep(double seconds)
{
    struct timespec t;

    t.tv_sec = (time_t)seconds;
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    while (nanosleep(&t, &t) != 0)
        continue;
}

bool ask_again(ask_line *line, ask_tries *t, const http_answer *answer)
{
    const double now = volley_clock();
    double pause;

    if (!line_may_pass(answer)
        || (answer->way == HTTP_CUT && !line->met && !line->patient))
        return false;
    if (t->count++ == 0)
        t->since = now;
    pause = line_pause(t->count, answer);
    if (now + pause - t->since > line->wait)
        return false;
    ask_show_end(line);
    if (!line->warned || answer->way == HTTP_CAME)
        volley_warn("%s: %s; trying again for up to %.0f s (--wait)",
                    line->url, answer->way == HTTP_CAME
                                   ? "the server asks to wait" : answer->why,
                    line->wait);
    line->warned = true;
    line_sleep(pause > 0.05 ? pause : 0.05);
    return true;
}

int ask_told(const ask_line *line, const http_request *r,
             const http_answer *answer)
{
    char text[ASK_SAID];

    if (answer->way != HTTP_CAME)
        return volley_fail("%s: %s", line->url, answer->why);
    if (answer->status >= 300 && answer->status < 400)
        return volley_fail("%s: answers %d, somewhere else: that is not "
                           "followed, give the URL of the server itself",
                           line->url, answer->status);
    if (answer->status == 401)
        return volley_fail("%s: the server wants %s", line->url,
                           line->token ? "another token than --token has"
                                       : "a token: --token FILE");
    if (ask_read_error(text, answer) && answer->after > 0)
        return volley_fail("%s: %s (in %.0f s, it says: --wait)", line->url,
                           text, answer->after);
    if (ask_read_error(text, answer))
        return volley_fail("%s: %s", line->url, text);
    return volley_fail("%s: answers %d to %s %s: is this a volley serve?",
                       line->url, answer->status, r->method, r->path);
}

int ask_call(http_answer *out, ask_line *line, const http_request *r, int also)
{
    ask_tries tries = {0};

    for (;;) {
        http_call(out, line->http, r);
        if (out->way == HTTP_CAME
            && ((out->status >= 200 && out->status < 300)
                || (also != 0 && out->status == also))) {
            line->met = true;
            return VOLLEY_DONE;
        }
        if (!ask_again(line, &tries, out))
            break;
        http_clear(out);
    }
    ask_show_end(line);
    (void)ask_told(line, r, out);
    http_clear(out);
    return VOLLEY_FAILED;
}
