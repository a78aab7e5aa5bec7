/* verbs.h -- private to the command: the verbs behind "blind". */
#ifndef VOLLEY_BLIND_VERBS_H
#define VOLLEY_BLIND_VERBS_H

#include "blind/network.h"
#include "blind/plan.h"
#include "blind/session.h"
#include "blind/walk.h"
#include "image/solid.h"
#include "volley/volley.h"

int volley_run_blind_serve(const volley_args *a);
int volley_run_blind_ask(const volley_args *a);
int volley_run_blind_plan(const volley_args *a);
int volley_run_blind_clear(const volley_args *a);

/* --transfer */
int volley_blind_transfer(int *k, const volley_args *a);
/* --patience, --kernel and --transfer; `allowed` is 0. */
int volley_blind_manner(blind_manner *out, const volley_args *a);

/* ---- the network (model.c) ---------------------------------------------- */

/* A model file as integers, by --bits. */
int volley_blind_model(blind_network **out, const char *path,
                       const volley_args *a);
/* What images and masks need of a plan: names, labels, sizes. */
void volley_blind_face(volley_source *s, const blind_network *n,
                       const char *path);
/* Refuses what needs more than --memory, or than there is; side 0 is the
 * client. */
int volley_blind_accept(const volley_args *a, const blind_network *n,
                        const blind_plan *p, int side);
/* "2 axes, 200x200 pixels, 16 bits" */
const char *volley_blind_words(char out[96], const blind_network *n);

/* ---- progress on a terminal, and what it came to (show.c) --------------- */

typedef struct blind_show {
    blind_watch watch;
    const char *doing;
    const blind_plan *plan;
    const blind_party *party;   /* NULL: no bytes are known                  */
    size_t image, images;
    bool shown;
    double start;               /* of the first image                        */
    int    step;                /* that runs, 0: none                        */
    double since, work;         /* it began: the clock, the processor's      */
    double took[BLIND_MAX_STEPS], worked[BLIND_MAX_STEPS];  /* all images    */
} blind_show;

void volley_blind_show(blind_show *s, const char *doing,
                       const blind_plan *plan, const blind_party *party,
                       size_t images);
/* Image number i, from 0, begins. */
void volley_blind_next(blind_show *s, size_t i);
void volley_blind_end(blind_show *s);
/* Members of an object: of the session so far, and of its steps. */
void volley_blind_put_show(nni_json_writer *w, const blind_show *s,
                           const blind_network *n, double seconds);

/* ---- images and masks (images.c) ---------------------------------------- */

/* Images on their way to masks: of pictures and slices an album, of a network
 * of volumes one volume each. */
typedef struct blind_images {
    const volley_args *a;
    const blind_network *n;
    volley_source face;
    size_t count;
    size_t pixels;              /* of each                                   */
    uni_album album;            /* two axes                                  */
    uni_record record;
    volley_names names;
    unet_job job;
    volley_results results;
    const char *const *word;    /* three axes: names of the volumes          */
    uni_solid solid;            /* the one at hand                           */
    char **file;                /* where their masks go                      */
    uint8_t **mask;             /* shape (count), each (pixels)              */
    size_t clipped;             /* pixels so far                             */
} blind_images;

/* The images of these words, and where their masks go, all of which is checked
 * before any work. */
int volley_blind_open(blind_images *x, const volley_args *a,
                      const blind_network *n, const char *const *word,
                      int words);
/* Step 0's integers of image i. */
int volley_blind_input(int64_t *out, blind_images *x, size_t i);
/* Its labels are there, in mask[i]: a volume is written. */
int volley_blind_labels(blind_images *x, size_t i);
/* The same of all images, volumes read once more: for who must not show by the
 * time between two images what is in a mask. */
int volley_blind_all_labels(blind_images *x);
/* All are there: pictures and slices are written, and told as text. */
int volley_blind_save(blind_images *x);
/* As members "masks" and "volumes" of an object. */
void volley_blind_put(nni_json_writer *w, const blind_images *x);
void volley_blind_warn(const blind_images *x);
void volley_blind_clear(blind_images *x);

#endif
