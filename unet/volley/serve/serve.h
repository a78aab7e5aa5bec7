/* serve.h -- private to the command: the server behind `volley serve`.
 *
 * One process, one thread.  HTTP (http.c) turns requests into calls of what
 * stands here; uploads, keys and jobs are items, each a folder of the store,
 * which is the working folder of the server:
 *
 *   plans/MODEL.plan        what a network is evaluated by
 *   uploads/ID/             item.json, have, eval.keys or in.vct, K.again
 *   keys/ID/                item.json, eval.keys
 *   jobs/ID/                item.json, job.json, in.vct, then out.vct, end.json
 *   trash/                  what is about to be removed
 *
 * What a client was told is on disk before: the file and the folder that names
 * it.  An upload that is finished keeps its id and moves as a folder, so that
 * there is no moment at which it is neither.  Nothing here, or called from
 * here, decrypts or reads a secret key: the network runs in processes of their
 * own (child.c).
 */
#ifndef VOLLEY_SERVE_H
#define VOLLEY_SERVE_H

#include <stdio.h>
#include <sys/types.h>

#include "volley/volley.h"

enum {
    SERVE_ID = 32,              /* hex digits of an id                       */
    SERVE_ROOM = 192,           /* of a name in the store                    */
    SERVE_MODELS = 64,
    SERVE_TOKENS = 256,
    SERVE_JOBS = 64,            /* at the same time                          */
    SERVE_UPLOADS = 64,         /* open                                      */
    SERVE_KEYS = 1024,
    SERVE_KEPT = 4096,          /* jobs, waiting or ended                    */
    SERVE_PIECES = 1 << 20,     /* of an upload                              */
    SERVE_UPLOAD_AGE = 86400    /* seconds without a piece                   */
};

/* ---- what is told of a refusal ------------------------------------------- */

typedef struct serve_error {
    int status;                 /* of HTTP; 0: none                          */
    int retry;                  /* seconds, 0: not said                      */
    char text[400];             /* what is wrong, with its numbers           */
    const char *way;            /* what to do                                */
} serve_error;

/* Notes it, and gives false. */
bool serve_refuse(serve_error *e, int status, const char *way,
                  const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for a failure of the system: 507 for a full disk, else 500. */
bool serve_refuse_system(serve_error *e, const char *doing, int error);

/* ---- models (models.c) --------------------------------------------------- */

typedef struct serve_model {
    char name[NN_NAME];
    char *path;                 /* absolute                                  */
    char *plan_path;            /* absolute, in the store                    */
    char *text;                 /* the plan as JSON                          */
    size_t size;
    nn_plan *plan;
    uint8_t name_of_plan[UNET_ID], context[UNET_ID];    /* fingerprints      */
    unet_cost cost;
    uint64_t keys;              /* bytes of their file, to the byte          */
} serve_model;

/* ---- items --------------------------------------------------------------- */

typedef enum serve_kind {
    SERVE_UPLOAD = 0, SERVE_KEY, SERVE_JOB, SERVE_KINDS
} serve_kind;

typedef enum serve_state {
    SERVE_QUEUED = 0, SERVE_RUNNING, SERVE_DONE, SERVE_FAILED
} serve_state;

/* Of a piece, in memory; the first bit is also byte K of the file `have`. */
enum { SERVE_HAVE = 1, SERVE_CLAIMED = 2, SERVE_AGAIN = 4 };

typedef struct serve_progress {
    int64_t set, sets;          /* set 0: nothing is known yet               */
    char layer[NN_NAME];
    int level;
    double done, left;
} serve_progress;

typedef struct serve_item {
    serve_kind kind;
    char id[SERVE_ID + 1];
    bool of_job;                /* an upload: of a job, not of keys          */
    char model[NN_NAME];
    uint8_t plan[UNET_ID];      /* its fingerprint                           */
    uint8_t owner[UNET_ID];     /* names the token; zeros: none              */
    char keys[SERVE_ID + 1];    /* of a job, and of its upload               */
    uint64_t bytes;             /* of the file of keys or inputs             */
    uint64_t held;              /* on the store, with what is to come        */
    int64_t expires;            /* seconds since 1970; 0: not yet            */
    int users;                  /* requests and streams that look at it      */
    bool gone;                  /* removed, but for those                    */
    /* of uploads */
    uint32_t piece, pieces;     /* bytes of each, number                     */
    uint8_t *have;              /* shape (pieces)                            */
    /* of jobs */
    serve_state state;
    uint64_t number;            /* in the order of coming                    */
    uint64_t sets;
    uint64_t result;            /* bytes                                     */
    double since;               /* it began                                  */
    char error[400];
    serve_progress progress;
    unsigned changed, moved;    /* versions of its state and progress        */
} serve_item;

/* ---- the server ---------------------------------------------------------- */

typedef struct serve_child serve_child;     /* child.c */
typedef struct serve_web serve_web;         /* http.h  */

typedef struct serve {
    const volley_args *args;
    bool json;                  /* events go to standard output, as objects  */
    const char *bind;
    int port, jobs, queue, threads;
    uint64_t quota, each;       /* bytes                                     */
    int64_t keep;               /* seconds                                   */
    uint32_t piece;
    size_t tokens;
    uint8_t token[SERVE_TOKENS][UNET_ID];
    char *cert, *cert_key;      /* PEM, or NULL                              */
    size_t models;
    serve_model model[SERVE_MODELS];
    int lock;
    serve_item **item;          /* shape (items)                             */
    size_t items, room;
    uint64_t number;            /* of the last job                           */
    serve_child *child[SERVE_JOBS];
    unsigned refused;           /* requests since it was last said           */
    serve_web *web;
} serve;

/* settings.c: the options, before anything is made. */
int serve_settings(serve *s, const volley_args *a);
/* Behind them, when the store is read: what the quotas are by default. */
int serve_settings_quota(serve *s);
void serve_settings_clear(serve *s);

/* models.c: MODEL words; reads, plans, and keeps what of them is public. */
int serve_models(serve *s);
/* Writes their plans into the store, which is the working folder. */
int serve_models_save(serve *s);
void serve_models_clear(serve *s);
/* NULL if there is none of this name. */
const serve_model *serve_model_find(const serve *s, const char *name);

/* ---- disk (disk.c) ------------------------------------------------------- */

/* Folders of the store, by kind. */
extern const char *const serve_folder[SERVE_KINDS];
bool serve_is_id(const char *text);         /* 32 lower-case hex digits      */
bool serve_draw(char id[SERVE_ID + 1]);
/* "jobs/ID/FILE"; file NULL: the folder itself. */
const char *serve_path(char out[SERVE_ROOM], serve_kind kind, const char *id,
                       const char *file);
/* 0, or the errno of the failure. */
int serve_sync(const char *folder);
/* A file whole or not at all, and the folder it stands in. */
int serve_put(const char *path, const char *folder, const void *data,
              size_t size);
/* Removes a folder of files; what it cannot remove stays. */
void serve_remove(const char *folder);
/* Bytes of the files in a folder. */
uint64_t serve_held(const char *folder);

/* ---- the store (store.c) ------------------------------------------------- */

/* Opens the folder for this server alone, and makes it the working folder. */
int serve_store_open(serve *s, const char *path);
/* What is there becomes items; halves of what was never acknowledged go. */
int serve_store_read(serve *s);
void serve_store_close(serve *s);

serve_item *serve_find(const serve *s, serve_kind kind, const char *id);
/* Enters a new item; NULL: no memory. */
serve_item *serve_enter(serve *s, serve_kind kind);
/* Takes it off the disk and out of the table, for good. */
int serve_drop(serve *s, serve_item *x);
void serve_release(serve_item *x);          /* a user less                   */
/* Removes what has come of age. */
void serve_age(serve *s);
size_t serve_count(const serve *s, serve_kind kind, const uint8_t *owner);
/* Whether so many more bytes are within the quotas. */
bool serve_room(const serve *s, const uint8_t owner[UNET_ID], uint64_t bytes,
                serve_error *e);

/* ---- item files (notes.c) ------------------------------------------------ */

/* item.json, job.json, end.json: to disk and back.  0, or an errno; loading:
 * whether it was there and right. */
int serve_note_item(const serve_item *x);
int serve_note_job(const serve_item *x, serve_kind where);
int serve_note_end(const serve_item *x);
bool serve_load_item(serve_item *x);
bool serve_load_job(serve_item *x);
bool serve_load_end(serve_item *x);

/* ---- uploads (uploads.c, pieces.c) --------------------------------------- */

/* What a client asks for. */
typedef struct serve_wish {
    bool of_job;
    char name[NN_NAME];         /* of the model, or                          */
    char keys[SERVE_ID + 1];
    uint64_t bytes;
} serve_wish;

serve_item *serve_upload_begin(serve *s, const serve_wish *wish,
                               const uint8_t owner[UNET_ID], serve_error *e);
/* All pieces are there: it becomes keys or a job, of the same id. */
bool serve_upload_finish(serve *s, serve_item *x, serve_error *e);
uint64_t serve_piece_size(const serve_item *x, uint32_t k);
uint32_t serve_missing(const serve_item *x);

/* A piece on its way to disk. */
typedef struct serve_piece {
    serve_item *item;
    uint32_t k;
    bool again;                 /* beside the one that is there              */
    int fd;                     /* -1: none                                  */
    uint64_t got;
    char temporary[32];         /* a name in the item's folder               */
} serve_piece;

bool serve_piece_open(serve *s, serve_piece *p, serve_item *x, uint32_t k,
                      serve_error *e);
bool serve_piece_put(serve_piece *p, const char *data, size_t size,
                     serve_error *e);
/* It is whole, and right, and on disk. */
bool serve_piece_end(serve *s, serve_piece *p, serve_error *e);
/* What is not whole is forgotten. */
void serve_piece_clear(serve_piece *p);
/* The pieces that came again take their places; 0, or an errno. */
int serve_pieces_settle(serve_item *x);
/* What a file of keys or inputs begins with, as soon as it is there. */
bool serve_check_head(const serve *s, const serve_item *x, const char *path,
                      serve_error *e);

/* ---- jobs (jobs.c), their processes (child.c) ---------------------------- */

/* Jobs before it that wait, and it: 1 is next; 0: it waits no more. */
size_t serve_place(const serve *s, const serve_item *x);
/* Those that wait, of an owner; NULL: of all. */
size_t serve_waiting(const serve *s, const uint8_t *owner);
/* Seconds until another job may be taken, about. */
int serve_retry(const serve *s);
/* Jobs that need these keys and have not ended. */
size_t serve_needed(const serve *s, const serve_item *keys);
/* Starts what there is room for. */
void serve_schedule(serve *s);
/* It has ended, well (error NULL) or not. */
void serve_job_end(serve *s, serve_item *x, const char *error);

int serve_child_start(serve *s, serve_item *x);
/* Its standard error, to be polled; -1: there is no child. */
int serve_child_fd(const serve_child *c);
/* Reads what it says, and takes note of its end. */
void serve_child_look(serve *s, int slot);
/* Once a second: those that use more memory than their plan says are ended. */
void serve_children_watch(serve *s);
/* The job is gone: it is killed. */
void serve_child_cancel(serve *s, const serve_item *x);
/* All are told to end, and have; their jobs wait again. */
void serve_children_stop(serve *s);

/* ---- streams of events (events.c) ---------------------------------------- */

/* A job has changed or moved: those who listen are told. */
void serve_tell(serve *s, const serve_item *x);

/* ---- lines of the log (log.c) -------------------------------------------- */

/* One event; numbers below 0, NULL and 0 are not said.  No id is, nor anything
 * of a client: an id is a right. */
typedef struct serve_event {
    const char *what, *model, *text;
    uint64_t job;
    double bytes, seconds;
} serve_event;
void serve_log(const serve *s, const serve_event *e);

/* ---- HTTP (http.c) ------------------------------------------------------- */

/* Listens and serves until a signal. */
int serve_run(serve *s);

#endif
