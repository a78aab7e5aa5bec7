/* ask.h -- private to the command: the parts of `volley ask`, the owner's side
 * of the service that `volley serve` gives (docs/17-service.md).
 *
 * Whatever the server says is bounded here: sizes, numbers of pieces, texts;
 * members of its answers that are not known are passed over.
 */
#ifndef VOLLEY_ASK_H
#define VOLLEY_ASK_H

#include "volley/ask/http.h"
#include "volley/volley.h"

enum { ASK_ID = 33, ASK_TEXT = 301, ASK_SAID = 2 * ASK_TEXT + 4,
       ASK_MODELS = 256, ASK_GONE = 100 };

/* The verb (verb.c). */
int ask_run(const volley_args *a);

/* ---- the line to the server (line.c) ------------------------------------ */

typedef struct ask_line {
    http_line *http;
    char *url;
    bool token;                     /* one is sent                           */
    double wait;                    /* seconds to go on trying               */
    bool patient;                   /* they were asked for: the first
                                       contact is tried again, too           */
    bool met;                       /* the server has answered once          */
    bool warned;                    /* that it is tried again                */
    bool shown;                     /* progress, on a terminal               */
    uint64_t sent;                  /* bytes of files                        */
} ask_line;

/* word: the URL; by --token, --cacert and --wait. */
int ask_line_open(ask_line *out, const volley_args *a, const char *word);
void ask_line_close(ask_line *line);

/* Attempts at one thing. */
typedef struct ask_tries {
    int count;
    double since;                   /* the first that failed                 */
} ask_tries;
/* Whether it is tried again after this answer; if so some time has gone by. */
bool ask_again(ask_line *line, ask_tries *t, const http_answer *answer);
/* The line that says why there is no use in it. */
int ask_told(const ask_line *line, const http_request *r,
             const http_answer *answer);
/* One request without a reader, as often as it takes.  VOLLEY_DONE: its status
 * is 200 to 299, or `also` (0: none); else told. */
int ask_call(http_answer *out, ask_line *line, const http_request *r,
             int also);

/* Rewrites the line of progress, if there is one. */
void ask_show(ask_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ask_show_end(ask_line *line);

/* ---- what the server says (say.c) --------------------------------------- */

typedef struct ask_model {
    char name[NN_NAME];             /* letters, digits, '.', '_', '-'        */
    char plan[ASK_ID];              /* its fingerprint                       */
} ask_model;

typedef struct ask_pieces {
    uint64_t bytes, piece, pieces;
    size_t count;                   /* of the missing that were named        */
    uint64_t missing[1000];
} ask_pieces;

typedef enum ask_state {
    ASK_QUEUED = 0, ASK_RUNNING, ASK_DONE, ASK_FAILED
} ask_state;

/* 0, -1 of doubles, or "" where nothing is said. */
typedef struct ask_job {
    ask_state state;
    int place, set, sets, level;
    double done, left;              /* a share, seconds                      */
    uint64_t bytes;
    char layer[NN_NAME], error[ASK_TEXT];
} ask_job;

/* Whether a text is an id; whether a name is one of a model. */
bool ask_is_id(const char *text);
bool ask_is_name(const char *text);

/* Each reads an answer's text: VOLLEY_DONE, or told with the URL. */
int ask_read_models(ask_model out[ASK_MODELS], size_t *count,
                    const ask_line *line, const http_answer *a);
/* bytes: of the file; pieces of it are of 4 KiB to 256 MiB. */
int ask_read_begun(char id[ASK_ID], ask_pieces *out, const ask_line *line,
                   const http_answer *a, uint64_t bytes);
int ask_read_pieces(ask_pieces *out, const ask_line *line,
                    const http_answer *a, uint64_t bytes);
/* Member `key` of an answer, which is an id; *expires may be NULL. */
int ask_read_id(char id[ASK_ID], int64_t *expires, const ask_line *line,
                const http_answer *a, const char *key);
int ask_read_keys(char model[NN_NAME], uint64_t *bytes, const ask_line *line,
                  const http_answer *a);
/* state: "state" stands in it; of progress it does not, and only those members
 * that do are changed. */
int ask_read_job(ask_job *out, const ask_line *line, const char *text,
                 size_t size, bool state);
/* "error" and "do" of a refusal, in one line; false: it has none. */
bool ask_read_error(char out[ASK_SAID], const http_answer *a);

/* ---- files to the server (send.c) --------------------------------------- */

typedef struct ask_parcel {
    const char *kind;               /* "keys" or "job"                       */
    const char *of;                 /* the model, or the keys                */
    const char *path;
    char upload[ASK_ID];            /* one that was begun before, or ""      */
    bool (*begun)(void *user, const char upload[ASK_ID]);   /* or NULL       */
    void *user;
} ask_parcel;

/* Sends a file piece by piece: gets its id (and *expires, if not NULL).
 * ASK_GONE: the server does not know the keys that it is for. */
int ask_send(char id[ASK_ID], int64_t *expires, ask_line *line,
             ask_parcel *p);

/* ---- a job (follow.c) --------------------------------------------------- */

/* Until the job has ended, showing how it runs: VOLLEY_DONE, and it is done. */
int ask_follow(ask_job *out, ask_line *line, const char id[ASK_ID]);
/* Its result to a file, of at most so many bytes. */
int ask_fetch(const char *path, ask_line *line, const char id[ASK_ID],
              const ask_job *job, uint64_t most);
/* It is no longer needed; that this fails is no failure. */
void ask_drop(ask_line *line, const char *kind, const char id[ASK_ID]);

/* ---- the key folder (home.c, note.c) ------------------------------------ */

/* DIR/server.json: what lies at a server, of these keys. */
typedef struct ask_note {
    char *path, *url;
    char model[NN_NAME];
    char file[81];                  /* the head of eval.keys, in hex         */
    char keys[ASK_ID], upload[ASK_ID];      /* "": none                      */
} ask_note;
/* What is there, if it is of this file, server and model; else empty. */
int ask_note_load(ask_note *out, const volley_owner *owner,
                  const ask_line *line, const char *model);
int ask_note_save(const ask_note *n);
void ask_note_clear(ask_note *n);

/* The key folder: --keys, or one of this server and plan in the user's own;
 * malloc, NULL: told. */
char *ask_home(const volley_args *a, const ask_line *line,
               const ask_model *model);
/* Keys in that folder, made if there are none. */
int ask_keys(volley_owner *out, volley_source *s, const volley_args *a,
             const char *home, bool *made);
/* Keys at the server, sent if it has none of this file. */
int ask_keys_there(ask_note *n, ask_line *line, const volley_owner *owner);

/* DIR/jobs/ID.json: a job whose result is awaited, and how large it can be. */
int ask_job_save(const volley_owner *owner, const ask_line *line,
                 const char id[ASK_ID], uint64_t most);
int ask_job_load(uint64_t *most, const volley_owner *owner,
                 const ask_line *line, const char id[ASK_ID]);
void ask_job_forget(const volley_owner *owner, const char id[ASK_ID]);

#endif
