/* json.h -- private to libnn, libunet and the command: reading and writing
 * JSON (RFC 8259).
 *
 * Reading is strict: UTF-8 is checked, nothing may follow the value, a key
 * stands once in its object, strings hold no U+0000, numbers are finite and
 * at most NN_JSON_NUMBER characters long, nesting ends at NN_JSON_DEPTH.
 */
#ifndef NN_JSON_H
#define NN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ckks.h"

enum { NN_JSON_DEPTH = 32, NN_JSON_NUMBER = 100, NN_JSON_SIZE = 1 << 26 };

typedef enum nni_json_kind {
    NN_JSON_NULL = 0,
    NN_JSON_FALSE,
    NN_JSON_TRUE,
    NN_JSON_DOUBLE,
    NN_JSON_STRING,
    NN_JSON_ARRAY,
    NN_JSON_OBJECT
} nni_json_kind;

/* One value.  Members of an array or object form a list in the text's order. */
typedef struct nni_json_node {
    nni_json_kind kind;
    uint32_t offset;        /* its first byte in the text                    */
    uint32_t count;         /* members of an array or object                 */
    uint32_t first;         /* node number of the first member, 0: none      */
    uint32_t next;          /* of the next member of the same list, 0: none  */
    uint32_t length;        /* bytes of text                                 */
    const char *key;        /* NULL outside an object                        */
    const char *text;       /* a string's bytes, a number as it was written;
                               NUL-terminated UTF-8                          */
    double number;
} nni_json_node;

typedef struct nni_json {
    nni_json_node *node;     /* node[0] is the whole value                    */
    size_t count;
    char *pool;             /* all keys and texts                            */
} nni_json;

/* Reads one value.  Messages are "what: byte 17: ...".
 *   errors  CKKS_EFORMAT  not JSON as above, or over NN_JSON_SIZE bytes */
CKKS_CHECKED ckks_status nni_json_load(nni_json *out, const char *what,
                                      const uint8_t *in, size_t size);
void nni_json_clear(nni_json *doc);

/* The member of an object, the first and next member of a list; NULL if there
 * is none (or the node is NULL or of another kind). */
const nni_json_node *nni_json_get(const nni_json *doc,
                                  const nni_json_node *object, const char *key);
const nni_json_node *nni_json_first(const nni_json *doc,
                                  const nni_json_node *list);
const nni_json_node *nni_json_next(const nni_json *doc,
                                   const nni_json_node *node);

/* The first member whose key is not in the list (which ends with NULL). */
const nni_json_node *nni_json_unknown(const nni_json *doc,
                                    const nni_json_node *object,
                                    const char *const *keys);

/* True if the node is a number without fraction in lo..hi; then *out is it.
 * Exact for 64 bits: it is read from the digits, so 1e3 is none. */
bool nni_json_int(int64_t *out, const nni_json_node *node, int64_t lo,
                 int64_t hi);
bool nni_json_word(uint64_t *out, const nni_json_node *node);

/* ---- writing --------------------------------------------------------------
 * Values are put one after the other; key is NULL outside an object.  The
 * first error is kept and everything after it ignored.
 */
typedef struct nni_json_writer {
    FILE *file;             /* NULL: the text grows in data                  */
    char *data;
    size_t size, capacity;
    int  indent;            /* spaces a level; 0: all on one line            */
    int  depth;
    char closing[NN_JSON_DEPTH];
    bool empty;             /* nothing yet in the list that is open          */
    ckks_status status;
} nni_json_writer;

/* file may be NULL.  A writer owns nothing before the first put. */
void nni_json_writer_init(nni_json_writer *w, FILE *file, int indent);
void nni_json_put_object(nni_json_writer *w, const char *key);
void nni_json_put_array(nni_json_writer *w, const char *key);
void nni_json_put_end(nni_json_writer *w); /* of the innermost list */
/* Bytes that are not UTF-8 are written as U+FFFD. */
void nni_json_put_string(nni_json_writer *w, const char *key,
                         const char *value);
void nni_json_put_double(nni_json_writer *w, const char *key, double value);
void nni_json_put_int(nni_json_writer *w, const char *key, int64_t value);
void nni_json_put_word(nni_json_writer *w, const char *key, uint64_t value);
void nni_json_put_bool(nni_json_writer *w, const char *key, bool value);
void nni_json_put_null(nni_json_writer *w, const char *key);
/* A newline after the value, and the first error:
 *   errors  CKKS_EARG  a list left open, too deep, a number not finite
 *           CKKS_EIO   the file takes no more */
CKKS_CHECKED ckks_status nni_json_writer_finish(nni_json_writer *w);
void nni_json_writer_clear(nni_json_writer *w);

/* Bytes of the UTF-8 sequence at s (1..4), 0 if there is none. */
int nni_utf8_length(const uint8_t *s, size_t size);

/* Whether a text is UTF-8 without code points that a terminal acts upon
 * (text.c). */
bool nni_printable(const char *text);

#endif
