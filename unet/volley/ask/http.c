/* http.c -- requests by libcurl. */
#include "volley/ask/http.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ckks.h"

/* Seconds for a connection, and of silence before it is given up: the server's
 * events have a line every 15. */
enum { HTTP_CONNECT = 15, HTTP_SILENCE = 60, HTTP_TARGET = 1024 };

struct http_line {
    CURL *curl;
    char *url, *token, *cacert;
    char error[CURL_ERROR_SIZE];
};

/* One request under way. */
typedef struct http_state {
    http_line *line;
    const http_request *request;
    http_answer *out;
    bool left, full;
} http_state;

static char *http_copy(const char *text)
{
    char *out = malloc(strlen(text) + 1);

    return out == NULL ? NULL : strcpy(out, text);
}

http_line *http_open(const char *url, const char *token, const char *cacert)
{
    http_line *line = calloc(1, sizeof *line);

    (void)signal(SIGPIPE, SIG_IGN);     /* a cut line has a message          */
    if (line == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(line);
        return NULL;
    }
    line->curl = curl_easy_init();
    line->url = http_copy(url);
    line->token = token == NULL ? NULL : http_copy(token);
    line->cacert = cacert == NULL ? NULL : http_copy(cacert);
    if (line->curl == NULL || line->url == NULL
        || (token != NULL && line->token == NULL)
        || (cacert != NULL && line->cacert == NULL))
        http_close(&line);
    return line;
}

void http_close(http_line **line)
{
    http_line *l = *line;

    if (l == NULL)
        return;
    curl_easy_cleanup(l->curl);
    if (l->token != NULL)
        for (volatile char *c = l->token; *c != '\0'; c++)
            *c = '\0';
    free(l->url);
    free(l->token);
    free(l->cacert);
    free(l);
    curl_global_cleanup();
    *line = NULL;
}

/* ---- what comes --------------------------------------------------------- */

static int http_status(CURL *curl)
{
    long status = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status >= 100 && status <= 599 ? (int)status : 0;
}

static bool http_keep(http_answer *a, const char *in, size_t size)
{
    char *grown;

    if (size > HTTP_TEXT - a->size)
        return false;
    grown = realloc(a->text, a->size + size + 1);
    if (grown == NULL)
        return false;
    memcpy(grown + a->size, in, size);
    a->text = grown;
    a->size += size;
    a->text[a->size] = '\0';
    return true;
}

static size_t http_write(char *in, size_t one, size_t count, void *user)
{
    http_state *s = user;
    const http_taker *t = s->request->taker;
    const int status = http_status(s->line->curl);
    const size_t size = one * count;

    if (t != NULL && status >= 200 && status < 300) {
        s->left = !t->take(t->user, (const uint8_t *)in, size);
        return s->left ? 0 : size;
    }
    s->full = !http_keep(s->out, in, size);
    return s->full ? 0 : size;
}

/* The value of a header of this name, or NULL. */
static const char *http_value(const char *in, size_t size, const char *name)
{
    const size_t n = strlen(name);

    if (size <= n || strncasecmp(in, name, n) != 0 || in[n] != ':')
        return NULL;
    for (in += n + 1; *in == ' ' || *in == '\t'; in++)
        continue;
    return in;
}

/* Digits up to something else; false: none, or too many. */
static bool http_number(uint64_t *out, const char *in)
{
    const size_t n = strspn(in, "0123456789");

    if (n == 0 || n > 18)
        return false;
    *out = strtoull(in, NULL, 10);
    return true;
}

/* libcurl hands over whole lines, with their ends, and a NUL of ours behind. */
static size_t http_header(char *in, size_t one, size_t count, void *user)
{
    http_state *s = user;
    const size_t size = one * count;
    char line[256];
    const char *value;
    uint64_t x;

    if (size >= 5 && strncmp(in, "HTTP/", 5) == 0) {    /* after a 100       */
        s->out->after = -1;
        s->out->from = 0;
    }
    if (size >= sizeof line)
        return size;
    memcpy(line, in, size);
    line[size] = '\0';
    value = http_value(line, size, "Retry-After");
    if (value != NULL && http_number(&x, value))
        s->out->after = (double)x;
    value = http_value(line, size, "Content-Range");
    if (value != NULL && strncasecmp(value, "bytes ", 6) == 0
        && http_number(&x, value + 6))
        s->out->from = x;
    return size;
}

/* ---- what goes ---------------------------------------------------------- */

static bool http_add(struct curl_slist **list, const char *text)
{
    struct curl_slist *grown = curl_slist_append(*list, text);

    if (grown == NULL)
        return false;
    *list = grown;
    return true;
}

/* Headers of a request; NULL: no memory. */
static struct curl_slist *http_headers(const http_line *line,
                                       const http_request *r)
{
    struct curl_slist *list = NULL;
    bool good = http_add(&list, "Expect:") && http_add(&list, "Accept: */*");
    char *bearer = NULL;

    if (good && r->body != NULL)
        good = http_add(&list, r->json
                                   ? "Content-Type: application/json"
                                   : "Content-Type: application/octet-stream");
    if (good && line->token != NULL) {
        const size_t size = strlen(line->token) + 32;

        bearer = malloc(size);
        if (bearer != NULL)
            snprintf(bearer, size, "Authorization: Bearer %s", line->token);
        good = bearer != NULL && http_add(&list, bearer);
    }
    free(bearer);
    if (good)
        return list;
    curl_slist_free_all(list);
    return NULL;
}

static bool http_line_options(http_line *line)
{
    CURL *c = line->curl;
    bool good = curl_easy_setopt(c, CURLOPT_ERRORBUFFER, line->error)
                    == CURLE_OK
                && curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https")
                    == CURLE_OK
                && curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK
                && curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK
                && curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;

    good = good && curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK
           && curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT)
                  == CURLE_OK
           && curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK
           && curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)HTTP_SILENCE)
                  == CURLE_OK
           && curl_easy_setopt(c, CURLOPT_USERAGENT, "volley/" CKKS_VERSION)
                  == CURLE_OK;
    if (line->cacert != NULL)
        good = good && curl_easy_setopt(c, CURLOPT_CAINFO, line->cacert)
                           == CURLE_OK;
    return good;
}

static bool http_request_options(http_state *s, struct curl_slist *headers,
                                 const char *target)
{
    CURL *c = s->line->curl;
    const http_request *r = s->request;
    char range[32];
    bool good = curl_easy_setopt(c, CURLOPT_URL, target) == CURLE_OK
                && curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK
                && curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, http_write)
                       == CURLE_OK
                && curl_easy_setopt(c, CURLOPT_WRITEDATA, s) == CURLE_OK
                && curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, http_header)
                       == CURLE_OK
                && curl_easy_setopt(c, CURLOPT_HEADERDATA, s) == CURLE_OK;

    if (r->body != NULL || strcmp(r->method, "POST") == 0)
        good = good
               && curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                                   (curl_off_t)r->bytes) == CURLE_OK
               && curl_easy_setopt(c, CURLOPT_POSTFIELDS,
                                   r->body != NULL ? r->body : "") == CURLE_OK;
    good = good && curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method)
                       == CURLE_OK;
    if (r->from > 0) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)r->from);
        good = good && curl_easy_setopt(c, CURLOPT_RANGE, range) == CURLE_OK;
    }
    return good;
}

/* What another attempt cannot cure. */
static bool http_hopeless(CURLcode code)
{
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_OUT_OF_MEMORY:
        return true;
    default:
        return false;
    }
}

static void http_judge(http_state *s, CURLcode code)
{
    http_answer *a = s->out;

    a->status = http_status(s->line->curl);
    a->way = code == CURLE_OK && a->status > 0 ? HTTP_CAME
             : s->left                ? HTTP_LEFT
             : s->full || http_hopeless(code) ? HTTP_NEVER
                                      : HTTP_CUT;
    if (a->way == HTTP_CAME)
        return;
    snprintf(a->why, sizeof a->why, "%s%s",
             s->full ? "an answer longer than any can be"
             : s->line->error[0] != '\0' ? s->line->error
                                         : curl_easy_strerror(code),
             code == CURLE_PEER_FAILED_VERIFICATION
                 ? " (--cacert FILE: certificates to check it by)" : "");
}

void http_call(http_answer *out, http_line *line, const http_request *r)
{
    http_state s = { line, r, out, false, false };
    struct curl_slist *headers;
    char target[HTTP_TARGET];

    memset(out, 0, sizeof *out);
    out->way = HTTP_NEVER;
    out->after = -1;
    line->error[0] = '\0';
    curl_easy_reset(line->curl);        /* the connection stays              */
    headers = http_headers(line, r);
    if (snprintf(target, sizeof target, "%s%s", line->url, r->path)
        >= (int)sizeof target)
        snprintf(out->why, sizeof out->why, "a URL that is too long");
    else if (headers == NULL || !http_line_options(line)
             || !http_request_options(&s, headers, target))
        snprintf(out->why, sizeof out->why, "no memory for a request, or a "
                 "libcurl that cannot verify");
    else
        http_judge(&s, curl_easy_perform(line->curl));
    curl_slist_free_all(headers);
}

void http_clear(http_answer *a)
{
    free(a->text);
    memset(a, 0, sizeof *a);
}
