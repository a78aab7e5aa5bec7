/* settings.c -- the options of serve, checked before anything is made. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "serve.h"

enum { SETTING_FILE = 1 << 20 };        /* of certificates and tokens        */

/* "4194304", "4M", "2.5G"; *end: behind it. */
static bool setting_bytes(uint64_t *out, const char *text, const char **end)
{
    static const char unit[] = "KMGT";
    char *stop;
    double x;

    if (text[0] < '0' || text[0] > '9')
        return false;
    x = strtod(text, &stop);
    for (int u = 0; u < 4; u++)
        if (*stop == unit[u]) {
            x *= (double)((uint64_t)1 << (10 * (u + 1)));
            stop++;
            break;
        }
    *end = stop;
    if (!(x >= 1 && x < 0x1p60))
        return false;
    *out = (uint64_t)x;
    return true;
}

static int setting_quota(serve *s, const char *text)
{
    const char *end = "";

    if (text != NULL
        && (!setting_bytes(&s->quota, text, &end)
            || (*end == ':' && !setting_bytes(&s->each, end + 1, &end))
            || *end != '\0'))
        return volley_usage("--quota '%s' is not BYTES or BYTES:EACH, as in "
                            "20G:2G", text);
    return VOLLEY_DONE;
}

int serve_settings_quota(serve *s)
{
    struct statvfs v;
    uint64_t held = 0;

    for (size_t i = 0; i < s->items; i++)
        held += s->item[i]->held;
    if (s->quota == 0 && statvfs(".", &v) != 0)
        return volley_fail("%s: %s", s->args->value[OPT_STORE],
                           strerror(errno));
    if (s->quota == 0)
        s->quota = (held + (uint64_t)v.f_bavail * v.f_frsize) / 2;
    if (s->each == 0 || s->each > s->quota)
        s->each = s->quota;
    return VOLLEY_DONE;
}

static int setting_piece(serve *s, const char *text)
{
    uint64_t piece = (uint64_t)4 << 20;
    const char *end = "";

    if (text != NULL && (!setting_bytes(&piece, text, &end) || *end != '\0'
                         || piece < 4096 || piece > (uint64_t)1 << 30))
        return volley_usage("--piece '%s' is not 4096..1073741824 bytes",
                            text);
    s->piece = (uint32_t)piece;
    return VOLLEY_DONE;
}

/* A word a line; empty ones and those behind '#' are none.  What is kept names
 * them. */
static int setting_tokens(serve *s, const char *path)
{
    uint8_t *data = NULL;
    size_t size = 0;
    int code = VOLLEY_DONE;

    if (path == NULL)
        return VOLLEY_DONE;
    code = volley_read(&data, &size, path, SETTING_FILE);
    for (size_t i = 0; i < size && code == VOLLEY_DONE;) {
        size_t n = 0, end;

        while (i + n < size && data[i + n] != '\n')
            n++;
        end = n;
        while (end > 0 && (data[i + end - 1] == '\r'
                           || data[i + end - 1] == ' '))
            end--;
        if (end > 0 && data[i] != '#') {
            if (end < 16)
                code = volley_fail("%s: a token of %zu characters can be "
                                   "guessed: at least 16", path, end);
            else if (s->tokens == SERVE_TOKENS)
                code = volley_fail("%s: more than %d tokens", path,
                                   SERVE_TOKENS);
            else
                ckks_blake2b(s->token[s->tokens++], UNET_ID, data + i, end,
                             NULL, 0);
        }
        i += n + 1;
    }
    ckks_file_free(data, size);
    if (code == VOLLEY_DONE && s->tokens == 0)
        code = volley_fail("%s holds no token: a line of at least 16 "
                           "characters", path);
    return code;
}

static int setting_pem(char **out, const char *path)
{
    uint8_t *data = NULL;
    size_t size;
    int code = volley_read(&data, &size, path, SETTING_FILE);

    if (code != VOLLEY_DONE)
        return code;
    *out = calloc(1, size + 1);
    if (*out == NULL)
        code = volley_fail("no memory");
    else
        memcpy(*out, data, size);
    ckks_file_free(data, size);
    return code;
}

static int setting_tls(serve *s, const volley_args *a)
{
    const char *cert = a->value[OPT_CERT], *key = a->value[OPT_CERT_KEY];
    int code;

    if ((cert == NULL) != (key == NULL))
        return volley_usage("serve: --cert and --key belong together");
    if (cert == NULL)
        return VOLLEY_DONE;
    code = setting_pem(&s->cert, cert);
    return code == VOLLEY_DONE ? setting_pem(&s->cert_key, key) : code;
}

static int setting_numbers(serve *s, const volley_args *a)
{
    int days, cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int code = volley_int(&s->port, a, OPT_PORT, 0, 65535, 0);

    if (code == VOLLEY_DONE)
        code = volley_int(&s->jobs, a, OPT_JOBS, 1, SERVE_JOBS, 1);
    if (code == VOLLEY_DONE)
        code = volley_int(&s->queue, a, OPT_QUEUE, 1, SERVE_KEPT / 2, 64);
    if (code == VOLLEY_DONE)
        code = volley_int(&days, a, OPT_KEEP, 1, 36500, 7);
    if (code != VOLLEY_DONE)
        return code;
    s->keep = (int64_t)days * 86400;
    s->threads = a->threads > 0 ? a->threads : cores / s->jobs;
    if (s->threads < 1)
        s->threads = 1;
    return VOLLEY_DONE;
}

int serve_settings(serve *s, const volley_args *a)
{
    const char *store = a->value[OPT_STORE];
    int code;

    s->args = a;
    s->lock = -1;
    s->json = a->value[OPT_JSON] != NULL;
    s->bind = a->value[OPT_BIND] != NULL ? a->value[OPT_BIND] : "127.0.0.1";
    if (store == NULL)
        return volley_usage("serve: --store DIR is missing: where keys, inputs "
                            "and results lie");
    code = setting_numbers(s, a);
    if (code == VOLLEY_DONE)
        code = setting_piece(s, a->value[OPT_PIECE]);
    if (code == VOLLEY_DONE)
        code = setting_tls(s, a);
    if (code == VOLLEY_DONE)
        code = setting_tokens(s, a->value[OPT_TOKEN]);
    if (code == VOLLEY_DONE)
        code = setting_quota(s, a->value[OPT_QUOTA]);
    return code;
}

void serve_settings_clear(serve *s)
{
    for (volatile char *c = s->cert_key; c != NULL && *c != '\0'; c++)
        *c = '\0';
    free(s->cert);
    free(s->cert_key);
}
