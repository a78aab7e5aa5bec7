/* volley.h -- private to the command `volley`.
 *
 * One file a group of verbs; main.c has the table.  A verb is a function of
 * the parsed command line that returns the exit code: 0 done, 1 refused or
 * failed (one line to stderr says why), 2 usage.  Programs beside
 * the command (tests/bench, unet/study) are made of the same parts.
 */
#ifndef VOLLEY_H
#define VOLLEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "image/album.h"
#include "ckks.h"
#include "scores.h"
#include "image/image.h"
#include "format/json.h"
#include "nn.h"
#include "record.h"
#include "unet.h"

enum { VOLLEY_DONE = 0, VOLLEY_FAILED = 1, VOLLEY_USAGE = 2 };

/* ---- command line (options.c) ------------------------------------------- */

typedef enum volley_option {
    OPT_HELP = 0, OPT_JSON, OPT_THREADS,    /* every verb has these          */
    OPT_OUT, OPT_KEY, OPT_KEYS, OPT_PLAN, OPT_FORCE, OPT_OVERLAY, OPT_PRIVATE,
    OPT_FLOAT, OPT_LOGITS, OPT_QUICK, OPT_MODEL, OPT_DATA,
    OPT_SECURITY, OPT_LOG_N, OPT_RING, OPT_SLOTS, OPT_TILE, OPT_BATCH,
    OPT_MEMORY,
    OPT_MACHINE,
    OPT_AIM, OPT_IMAGES, OPT_GIVEN,         /* both of these are "--images"  */
    OPT_FIRST, OPT_COUNT, OPT_FIT, OPT_SHEET, OPT_LABELS,
    OPT_INSECURE, OPT_LIMIT,                /* the latter is "--memory", too */
    OPT_TRUST, OPT_FOLDERS,                 /* "--count" of key folders      */
    OPT_ANYWAY,                             /* "--force" of decrypt          */
    OPT_PART,
    OPT_EXPLAIN,
    OPT_DRAW,                               /* "--overlay" of clear and run  */
    OPT_PIXELS, OPT_VALUES, OPT_WINDOW,
    OPT_HOME,                               /* "--keys" of run: a key folder */
    OPT_CHECK,
    OPT_TRUTH,
    OPT_PORT, OPT_HOST, OPT_ONCE, OPT_BITS, OPT_KERNEL,     /* of blind      */
    OPT_PATIENCE, OPT_WAIT, OPT_TRANSFER, OPT_CHANCE,
    OPT_BITS_END,                           /* those before have a bit       */
    OPT_TOKEN = OPT_BITS_END,               /* of serve and ask              */
    OPT_CACERT, OPT_NETWORK, OPT_JOB, OPT_FORGET, OPT_TRYING,   /* of ask    */
    OPT_PROGRESS,                           /* of evaluate                   */
    OPT_STORE, OPT_BIND, OPT_CERT, OPT_CERT_KEY, OPT_JOBS, OPT_QUEUE,
    OPT_QUOTA, OPT_KEEP, OPT_ORIGIN, OPT_PAGE, OPT_PIECE,   /* of serve      */
    OPT_SCRATCH,
    VOLLEY_OPTIONS
} volley_option;

#define OPT_BIT(o) (UINT64_C(1) << (o))
#define OPT_EVERY \
    (OPT_BIT(OPT_HELP) | OPT_BIT(OPT_JSON) | OPT_BIT(OPT_THREADS))

typedef struct volley_option_row {
    const char *name;
    char letter;                        /* 0: none                           */
    const char *value;                  /* word of its value, NULL: none     */
    const char *help;
} volley_option_row;
extern const volley_option_row volley_option_table[VOLLEY_OPTIONS];
/* The verbs that have an option without a bit: "serve ask". */
extern const char *const volley_option_verbs[VOLLEY_OPTIONS];

/* The words behind an option that takes several. */
typedef struct volley_list {
    const char *const *word;
    int words;
} volley_list;

enum { VOLLEY_ORIGINS = 16 };

typedef struct volley_args {
    const char *value[VOLLEY_OPTIONS];  /* NULL: not given; "" without value */
    volley_list overlay;                /* --overlay IMAGE...                */
    volley_list given;                  /* --images IMAGE...                 */
    volley_list truth;                  /* --truth MASK...                   */
    const char *origin[VOLLEY_ORIGINS]; /* --origin O, again and again       */
    int origins;
    const char **word;                  /* all that is no option             */
    int words;
    int threads;
} volley_args;

typedef struct volley_verb {
    const char *name;
    const char *usage;                  /* what stands behind the name       */
    const char *summary;
    const char *help;                   /* more lines, or NULL               */
    uint64_t options;                   /* bits of those it takes            */
    uint64_t required;                  /* bits of those it needs            */
    int least, most;                    /* words; most -1: any number        */
    int (*run)(const volley_args *a);
} volley_verb;

/* "volley plan", or "bench"; out has VOLLEY_CALLED bytes. */
enum { VOLLEY_CALLED = 48 };
const char *volley_called(char out[VOLLEY_CALLED], const volley_verb *verb);

/* Parses what follows the verb.  VOLLEY_DONE, or VOLLEY_USAGE with the line
 * printed.  word[] must have room for argc pointers. */
int volley_parse(volley_args *out, const char **word, const volley_verb *verb,
                 int argc, char **argv);
/* The lines of help for the options of a verb. */
void volley_print_options(FILE *f, const volley_verb *verb);

/* Numbers of options: VOLLEY_DONE, or VOLLEY_USAGE with the line printed. */
int volley_int(int *out, const volley_args *a, volley_option o, int low,
               int high, int otherwise);
/* --security: 128, 192, 256, or 0 if it is not there. */
int volley_security(int *out, const volley_args *a);
/* --slots: real, complex, or any if it is not there. */
int volley_slots(nn_slots *out, const volley_args *a);
/* "200x300" or "200" for both. */
int volley_pair(int *y, int *x, const volley_args *a, volley_option o,
                int high);

/* ---- from the command line to the exit code (program.c) ----------------- */

/* Prints how a verb is used. */
int volley_help(const volley_verb *verb);
/* Parses, notes places, runs. */
int volley_run(const volley_verb *verb, int argc, char **argv);
/* The same as all that main does, in a program that is one verb. */
int volley_run_alone(const volley_verb *verb, int argc, char **argv);

/* ---- lines for people (common.c) ---------------------------------------- */

/* What lines begin with: "volley", or the program that is one verb. */
extern const char *volley_program;

/* "volley: ..." (or another program) to stderr, on one line; returns VOLLEY_FAILED. */
int volley_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
int volley_usage(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void volley_warn(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* VOLLEY_DONE, or a failure of libnn or libunet, or of libckks, told. */
int volley_check(ckks_status s);
int volley_check_ckks(ckks_status s, const char *path);

/* Lines of failures are kept, the last of them, and others dropped, until they
 * are let go: in the name of `who` (NULL: forgotten), with which lines begin
 * from then on ("": with none). */
void volley_hold(void);
void volley_let_go(const char *who);

double volley_clock(void);              /* seconds, any zero                 */
double volley_peak_rss(void);           /* MiB of this process so far        */
double volley_system_time(void);        /* seconds it spent in the system    */
/* "812 B", "3.2 MiB"; out has 32 bytes. */
const char *volley_bytes(char out[32], double bytes);
/* "0.8 s", "14 s", "2:31 min" */
const char *volley_time(char out[32], double seconds);
void volley_hex(char out[33], const uint8_t in[16]);

/* path with "-tag" before its extension; with another extension unless NULL.
 * malloc; NULL: no memory. */
char *volley_sibling(const char *path, const char *tag, const char *extension);
char *volley_join(const char *folder, const char *name);
/* Makes a folder and those above it, if need be. */
int volley_folder(const char *path);
/* A whole small file; free with ckks_file_free. */
int volley_read(uint8_t **out, size_t *size, const char *path,
                size_t max_size);
int volley_write(const char *path, const void *data, size_t size,
                 unsigned mode);
/* Everything printed has arrived, else a failure. */
int volley_flush(void);
/* Finishes and clears a writer to stdout. */
int volley_json_end(nni_json_writer *w);

/* ---- places (places.c), signals (signals.c) ----------------------------- */

/* Notes a file that is read: FILE, @LIST or FILE:slice=K. */
int volley_reads(const char *word);
/* Refuses to write there: by ckks_file_check, or because it is read. */
int volley_check_place(const char *path);
/* Notes what the command line names to be read, and refuses what it names to
 * be written; the latter once more, when more has been noted. */
int volley_places(const volley_args *a);
int volley_check_outputs(const volley_args *a);

/* From here on signals leave no temporary file. */
void volley_signals(void);
/* Nor this file or folder, of at most 8. */
void volley_leaves(const char *path);

/* ---- several processes under mpirun (ranks.c) ----------------------------- *
 *
 * In a build with MPI=1.  Rank 0 speaks for all until the work is shared; of
 * others a line is heard only if they fail and no rank before them does.
 */

/* How many there are, 1 without mpirun, and which this is, from 0. */
int volley_ranks(void);
int volley_rank(void);
/* At the beginning of a verb that is shared, and at its end: the exit code. */
void volley_ranks_begin(void);
int volley_ranks_end(int code);
/* Waits for all: VOLLEY_DONE if all are, else the code of the first that is
 * not, and its line has been printed.  All ranks come here equally often; one
 * that ends with a failure before has said so by that. */
int volley_ranks_agree(int code);
/* data of rank 0 becomes that of all. */
void volley_ranks_share(void *data, size_t size);
/* The largest of all ranks' numbers. */
double volley_ranks_most(double x);
/* From here on every rank speaks in its own name; stop ends them all. */
void volley_ranks_part(void);
void volley_ranks_stop(int code);

/* ---- model or plan (source.c) ------------------------------------------- */

typedef struct volley_source {
    const char *path;
    bool has_model;
    nn_model model;
    nn_plan plan;
    nn_images images;       /* the plan's, or what --values, --window and what
                               was kept of a request say instead             */
    bool asked;             /* the latter                                    */
    unet_cost cost;         /* of the plan; zeros before volley_accept       */
    ckks_ctx *ctx;          /* NULL before volley_source_context             */
} volley_source;

enum { VOLLEY_MODEL_BYTES = 1 << 30, VOLLEY_PLAN_BYTES = 1 << 22,
       VOLLEY_MACHINE_BYTES = 1 << 16 };

/* What a file holds, by its first bytes. */
typedef enum volley_content {
    VOLLEY_UNKNOWN = 0, VOLLEY_MODEL, VOLLEY_PLAN, VOLLEY_OBJECT, VOLLEY_VCT
} volley_content;
volley_content volley_sniff(const uint8_t *data, size_t size);

/* Reads a model (and plans it) or a plan, told apart by content.  need_model:
 * a plan alone will not do.  plan_path: takes this plan for the model, NULL:
 * makes one, by aim (NULL: the defaults). */
int volley_source_load(volley_source *out, const char *path, bool need_model,
                       const char *plan_path, const nn_aim *aim);
/* A model, for float weights in the clear: one for the protocol of two parties
 * has no plan, but what volley_reading says. */
int volley_source_clear_load(volley_source *out, const char *path,
                             const char *plan_path, const nn_aim *aim);
/* What of a plan says how images go in and results are read, of a model that
 * may have none; the rest is 0.  In three dimensions slices have any size. */
void volley_reading(nn_plan *out, const nn_model *m);
/* aim->images from --aim and --images N; VOLLEY_DONE or VOLLEY_USAGE. */
int volley_goal(nn_aim *aim, const volley_args *a);
/* s->images by --values and --window. */
int volley_values(volley_source *s, const volley_args *a);
int volley_source_context(volley_source *s, const ckks_memory *memory);
void volley_source_clear(volley_source *s);

/* ---- the owner's side (owner.c) ------------------------------------------ */

/* Least security and most memory, by --security, --insecure and --memory; what
 * this machine has, unless told. */
int volley_policy(unet_policy *out, const volley_args *a);
/* Refuses a plan that the policy does not take. */
int volley_accept(volley_source *s, const volley_args *a, unet_work work);
/* States what the plan means for its owner, before any work is done; folders:
 * of keys to be made.  As members of a JSON object: volley_put_cost. */
void volley_state(const volley_source *s, const volley_args *a, unet_work work,
                  size_t folders);
void volley_put_cost(nni_json_writer *w, const volley_source *s,
                     unet_work work);

/* A key folder: names of what is in it, and what its note says. */
typedef struct volley_owner {
    char *folder, *secret, *eval, *note, *requests;
    bool trust_server;
} volley_owner;
int volley_owner_paths(volley_owner *o, const char *folder);
/* Writes the note for keys of this plan. */
int volley_owner_save(const volley_owner *o, const nn_plan *p);
/* key: the folder, or the secret key in it.  Refuses another plan than the one
 * the keys were made for. */
int volley_owner_open(volley_owner *out, const char *key, const nn_plan *p);
void volley_owner_clear(volley_owner *o);

/* A folder in a key folder, for files that only pass (passage.c). */
typedef struct volley_passage {
    char *folder, *in, *out, *partial;  /* in.vct, out.vct, out.vct.partial  */
} volley_passage;
/* verb: what its name begins with.  Clear it after a failure, too. */
int volley_passage_open(volley_passage *out, const volley_owner *owner,
                        const char *verb);
/* Removes it with all that is in it. */
void volley_passage_clear(volley_passage *p);

/* ---- what images are for, and those at hand (values.c) ------------------- */

/* Whether a model says anything of its images. */
bool volley_images_known(const nn_images *images);
/* "for: T2-weighted MR ...; axial slices of ...", a line, or nothing; the same
 * as member "images" of an object. */
void volley_print_images(FILE *f, const nn_images *images);
void volley_put_images(nni_json_writer *w, const nn_images *images);
/* Lines before work: what the model is for, volumes, warnings of values. */
void volley_state_images(const volley_source *s, const volley_args *a,
                         const uni_album *album);
/* Sets, bytes, and time as far as it is known. */
void volley_state_work(const volley_source *s, const volley_args *a,
                       const unet_job *job);

/* ---- key files (keys.c) -------------------------------------------------- */

/* Kinds of libckks's objects, by byte 5 of them. */
enum { VOLLEY_SK = 4, VOLLEY_KEYS = 6 };
/* For the context of s; another kind of file, or keys of another plan, are
 * refused by what they are. */
int volley_load_secret(ckks_sk **out, const volley_source *s,
                       const char *path);
/* A file of keys that are read as they are needed. */
typedef struct volley_key_file {
    int fd;                     /* -1: none is open                          */
} volley_key_file;

/* The evaluation keys that the plan needs: all of them, or, where it reads them
 * stage by stage, opened: then `file` outlives them, and volley_key_file_close
 * ends it.  digest: gets what names the file; NULL: nobody asks, and a file of
 * keys that are opened is not read an extra time. */
int volley_load_keys(ckks_keys **out, volley_key_file *file, uint64_t *bytes,
                     uint8_t *digest, const volley_source *s,
                     const char *path);
void volley_key_file_close(volley_key_file *file);

/* ---- images that go in (inputs.c, jpeg.c) ------------------------------- */

/* Images as the packing takes them. */
typedef struct volley_input {
    size_t count;
    const unet_size *size;      /* shape (count)                             */
    unet_pixels pixels;
} volley_input;

/* The images these words name, as the plan takes them, by --first, --count and
 * --fit; notes what was skipped.  Their values become pixels by s->images. */
int volley_album(uni_album *out, const volley_args *a, const volley_source *s,
                 const char *const *word, int words);
/* The same, for a file of their results: their sizes are those in its head. */
int volley_album_of(uni_album *out, const volley_args *a,
                    const volley_source *s, const char *const *word,
                    int words, const char *results);
volley_input volley_album_input(uni_album *album);

/* The given images must be those that went in: by their sizes and, where a
 * record was kept, by their pixels; option is for the message. */
int volley_check_album(const uni_album *album, const unet_job *job,
                       const uni_record *record, const char *option);

/* NULL in a build without libjpeg. */
extern unet_decoder *const volley_jpeg;

/* ---- names (names.c, table.c) -------------------------------------------- */

/* What images are called, and their results. */
typedef struct volley_names {
    size_t images, volumes;
    bool known;             /* false: nobody knows, numbers stand for them   */
    char **image;           /* shape (images + volumes): as they were given  */
    char **stem;            /* the same: what files of results begin with,
                               every one once                                */
    char **spare;
} volley_names;
/* By what is kept of so many images, or nothing. */
int volley_names_init(volley_names *x, const uni_record *record,
                      size_t images);
void volley_names_clear(volley_names *x);

/* Whether -o names a folder: it ends in '/', or is one. */
bool volley_is_folder(const char *out);
/* The file for result i: out itself, out with -i where there are several, or
 * STEM-mask (NULL or "" as tag), STEM-tag in the folder that out names; with
 * another ending unless NULL.  malloc; NULL: told. */
char *volley_result_name(const char *out, const volley_names *x, size_t i,
                         const char *tag, const char *ending);
/* The file of volume v: out, or STEM-mask.nii.gz in the folder. */
char *volley_volume_name(const char *out, const volley_names *x, size_t v);
/* Refuses one of those names by volley_check_place. */
int volley_check_results(const char *out, const volley_names *x,
                         const char *tag, const char *ending);

/* ---- images and masks (picture.c) --------------------------------------- */

/* Images in memory. */
typedef struct volley_images {
    size_t count;
    uni_image *image;      /* shape (count)                                 */
    unet_size *size;        /* of each                                       */
    const double **pixel;   /* of each                                       */
} volley_images;

/* channels: of the plan's input; grey and colour are converted.  size: what
 * theirs must be, shape (count); NULL: any. */
int volley_images_load(volley_images *out, const char *const *path, int count,
                       int channels, const unet_size *size);
void volley_images_clear(volley_images *p);
volley_input volley_images_input(const volley_images *p);

bool volley_ends(const char *path, const char *ending);
/* Refuses a name of results whose ending says no format that can be written;
 * makes the folder if it names one. */
int volley_check_names(const char *out);
/* Refuses options that are not for what the plan's network gives, masks or
 * classes: VOLLEY_DONE or VOLLEY_USAGE. */
int volley_check_kind(const volley_args *a, const char *verb,
                      const nn_plan *p);
/* ---- masks (results.c, table.c) ------------------------------------------ */

/* One mask. */
typedef struct volley_row {
    unet_size size;
    size_t foreground;      /* pixels of all labels but 0                    */
    size_t label[NN_MAX_LABELS];    /* of each; of one class 0 and 1         */
    double low, high;       /* of the logits; told if secret                 */
} volley_row;

/* Masks of a decryption, as they come (results.c). */
typedef struct volley_taken {
    const nn_plan *plan;
    size_t images;
    uint8_t **mask;             /* shape (images), each (height, width)      */
    volley_row *row;            /* shape (images)                            */
} volley_taken;
/* As unet_progress.image. */
ckks_status volley_take(volley_taken *t, const unet_job *job, size_t image,
                        const double *logit);
void volley_taken_clear(volley_taken *t);
/* Pixels or voxels of each label in a mask, in the one that was drawn, and in
 * both; of one class 0 and 1. */
typedef struct volley_overlap {
    size_t mask[NN_MAX_LABELS], truth[NN_MAX_LABELS], both[NN_MAX_LABELS];
    size_t all;
} volley_overlap;

/* Logits on their way to files. */
typedef struct volley_results {
    const char *out;            /* -o                                        */
    const nn_plan *plan;
    const unet_job *job;
    double *const *logit;       /* shape (images), each (out_channels, height,
                                   width)                                    */
    const volley_names *names;
    const uni_record *record;   /* of the images; its volumes                */
    const uni_album *album;     /* NULL: the images are not at hand          */
    const char *sheet;          /* NULL: none; else needs the album, as does */
    bool overlay;               /*  this                                     */
    bool secret;                /* with probabilities and logits             */
    /* by volley_results_init */
    char **file;                /* shape (images): where masks go            */
    bool *volume;               /* shape (images): part of a volume          */
    uint8_t **mask;             /* shape (images), unet_mask's               */
    volley_row *row;            /* shape (images)                            */
    /* by volley_truth, else NULL */
    volley_overlap *overlap;    /* shape (images): of a volume with its first */
    bool *compared;             /* shape (images): overlap holds something   */
} volley_results;

/* Whether -o names a volume, by its ending. */
bool volley_is_volume(const char *out);
/* Masks, and where they go, nothing of which is read; the first fields are set.
 * taken: whose masks are taken over, if it has any.  Clear it after a failure,
 * too. */
int volley_results_init(volley_results *x, volley_taken *taken);
void volley_results_clear(volley_results *x);
/* Writes all that is wanted. */
int volley_results_save(const volley_results *x);
/* Number, image, mask, size and share of the foreground of every image, as text
 * or as members "masks" and "volumes" of an object. */
void volley_table_print(const volley_results *x);
void volley_table_put(nni_json_writer *w, const volley_results *x);
/* ---- labels of masks (masks.c) ------------------------------------------- */

/* How many there are, 2 of one class; what each is called, of one class "" and
 * its foreground; its colour, of one class red. */
int volley_mask_labels(const nn_plan *p);
const char *volley_mask_name(const nn_plan *p, int label);
const uint8_t *volley_mask_colour(const nn_plan *p, int label);
/* All of *out, from a mask and its logits. */
void volley_mask_count(volley_row *out, const nn_plan *p, const uint8_t *mask,
                       const double *logit, unet_size size);
/* As picture: of one class 255 is the foreground, of several the number the
 * label. */
int volley_save_mask(const char *path, const nn_plan *p, const uint8_t *mask,
                     unet_size size);
int volley_save_overlay(const char *path, const nn_plan *p,
                        const uni_image *image, const uint8_t *mask);
/* Grey 0..255: 1 / (1 + exp(threshold - logit)), of several labels softmax of
 * one; and what stands in the names of such files. */
int volley_save_probability(const char *path, const nn_plan *p,
                            const double *logit, unet_size size, int label);
const char *volley_probability_tag(char out[32], const nn_plan *p, int label);

/* ---- drawn masks (truth.c) ----------------------------------------------- */

/* Compares the masks with those that --truth names: a picture for an image, a
 * volume for all images of one. */
int volley_truth(volley_results *x, const volley_list *list);
/* 2 both / (mask + truth); 1 where neither has the label. */
double volley_dice(const volley_overlap *o, int label);
/* A line, or member "truth" of an object; nothing if nothing was compared. */
void volley_truth_print(const volley_results *x);
void volley_truth_put(nni_json_writer *w, const volley_results *x);

/* Images in a grid, each with the outline of its mask (sheet_masks.c). */
int volley_mask_sheet(const volley_results *x);

/* ---- classes (answers.c, labels.c, sheet.c) ----------------------------- */

typedef struct volley_answers {
    const nn_plan *plan;
    size_t images;
    double *const *logit;       /* shape (images), each (out_channels)       */
    char **name;                /* shape (images)                            */
    int *label;                 /* shape (images); NULL: not known           */
    uni_quality quality;       /* if label                                  */
} volley_answers;

/* Labels (--labels) of images of these names. */
int volley_answers_init(volley_answers *out, const volley_args *a,
                        const nn_plan *p, const volley_names *names);
/* All that is wanted of the classes: -o as CSV, --sheet, and on standard output
 * text or JSON.  secret: the logits come from a decryption. */
int volley_answers_tell(volley_answers *x, const volley_args *a,
                        double *const *logit, const uni_album *album,
                        double seconds, bool secret);
void volley_answers_clear(volley_answers *x);

/* label[i] of x's images, from an IDX file or a CSV file. */
int volley_labels(int *label, const volley_answers *x, const volley_args *a);
/* The first images with their classes, as a picture. */
int volley_sheet(const char *path, const volley_answers *x,
                 const uni_album *album);
/* Refuses a name of a sheet that cannot be written. */
int volley_check_sheet(const char *path);

/* ---- --explain (explain.c) ----------------------------------------------- */

typedef struct volley_explain {
    nn_line *line;
    size_t lines;
    double *took;           /* seconds of one thread, all sets               */
    bool ran;               /* there are such                                */
} volley_explain;
/* The lines of a plan, for a machine (NULL: this one) and so many threads. */
int volley_explain_init(volley_explain *e, const volley_source *s,
                        const nn_machine *machine, int threads);
void volley_explain_clear(volley_explain *e);
void volley_explain_took(volley_explain *e, int step, int kind, int level,
                         double seconds);
void volley_explain_print(const volley_explain *e, const nn_plan *p);
/* As member "schedule" of an object. */
void volley_explain_put(nni_json_writer *w, const volley_explain *e,
                        const nn_plan *p);

/* ---- progress (progress.c) ---------------------------------------------- */

/* How it is shown: as the line of a terminal, if there is one; not at all; as
 * JSON, one object a line, whatever standard error is. */
typedef enum volley_shown {
    VOLLEY_SHOWN_LINE = 0, VOLLEY_SHOWN_NONE, VOLLEY_SHOWN_JSON
} volley_shown;

typedef struct volley_progress {
    unet_progress hooks;
    bool shown, json;
    const char *doing;
    size_t set, sets;
    size_t before, of;      /* sets that other calls do: of 0, none          */
    double start;
    int step;               /* that runs, -1: none                           */
    double since;           /* it began                                      */
    const char *path;       /* of evaluate: the result                       */
    volley_taken *taken;    /* of decrypt: where masks go, or NULL           */
    const uni_record *record;   /* of encrypt: is kept beside the request    */
    const char *requests;
    size_t all, found;      /* sets; those that were done before             */
    double layer[NN_MAX_STEPS];     /* seconds that steps took, all sets     */
    volley_explain *explain;        /* is told of every call, or NULL        */
} volley_progress;
void volley_progress_init(volley_progress *p, const char *doing);
/* The record is kept beside the request, in the folder of requests. */
void volley_progress_keep(volley_progress *p, const uni_record *record,
                          const char *requests);
/* From now on masks are taken as they come; NULL: none. */
void volley_progress_take(volley_progress *p, volley_taken *taken);
/* From now on every call is told; NULL: none. */
void volley_progress_explain(volley_progress *p, volley_explain *explain);
void volley_progress_show(volley_progress *p, volley_shown how);
void volley_progress_end(volley_progress *p);

/* ---- results for programs (report.c) ------------------------------------ */

/* NAN, 0 or NULL: unknown to the verb, null in the text. */
typedef struct volley_report {
    size_t images, sets;
    size_t found;               /* of these sets, done before                */
    bool state;                 /* say before the work how much it is        */
    volley_shown shown;         /* how the work is shown                     */
    int batch;
    double dice_encrypted, dice_clear, pixels_differ;
    double keygen, encrypt, evaluate, decrypt;
    double setup;               /* of evaluate: context, keys, weights       */
    int ranks;                  /* processes that shared the sets            */
    int threads;                /* of each                                   */
    char kernel[32];
    int log_n;
    double log_qp, security_bits, peak_rss_mib;
    double pool_mib;                    /* most that ciphertexts and keys had */
    uint64_t upload, download, keys;
    const nn_plan *plan;                /* of the source                     */
    double system;                      /* seconds in the system while the
                                           network ran: mostly fresh memory  */
    double layer[NN_MAX_STEPS];         /* seconds it took, all sets; 0: did
                                           not run                           */
    const volley_explain *explain;      /* or NULL                           */
} volley_report;
int volley_threads(void);               /* that work is shared by            */
void volley_report_init(volley_report *r, const volley_source *s);
void volley_report_put(nni_json_writer *w, const volley_report *r);

/* ---- verbs -------------------------------------------------------------- */

int volley_run_plan(const volley_args *a);
int volley_run_keygen(const volley_args *a);
int volley_run_encrypt(const volley_args *a);
int volley_run_evaluate(const volley_args *a);
int volley_run_join(const volley_args *a);
int volley_run_decrypt(const volley_args *a);
int volley_run_clear(const volley_args *a);
int volley_run_run(const volley_args *a);
int volley_run_demo(const volley_args *a);
int volley_run_info(const volley_args *a);
int volley_run_calibrate(const volley_args *a);
int volley_run_ask(const volley_args *a);
int volley_run_serve(const volley_args *a);
/* The verbs behind "blind": argv[0] is the first word behind it (blind.c). */
int volley_run_blind(int argc, char **argv);
/* How they are used. */
int volley_help_blind(void);

/* Their parts, for the demo: each works through files, like the verb. */
void volley_print_plan(const nn_plan *p);
/* The machine of --machine, read into room; NULL without the option. */
int volley_machine(const nn_machine **out, nn_machine *room,
                   const volley_args *a);
int volley_keygen(volley_source *s, const char *folder, bool trust_server,
                  uint64_t *key_bytes);
/* The names of an album's images. */
int volley_record(uni_record *out, const uni_album *album);
/* What is kept of the images; what is said before they are encrypted. */
int volley_encrypt_ready(uni_record *record, const volley_source *s,
                         const volley_args *a, const uni_album *album);
/* record: gets the fingerprints of the images, and is kept beside the request;
 * NULL: none. */
int volley_encrypt(volley_source *s, const volley_owner *owner,
                   const volley_input *images, uni_record *record,
                   const char *out, uint64_t *bytes);
/* part: NULL for all sets, else "K/N": the K-th of N pieces of about one size;
 * explain: is told of every call, or NULL. */
int volley_evaluate(volley_source *s, const char *keys_path,
                    const char *in_path, const char *part,
                    const char *out_path, volley_report *report,
                    volley_explain *explain);
/* What was kept of the images of a result; no image: nothing was. */
int volley_record_load(uni_record *out, const volley_owner *owner,
                       const char *path);
/* The parts of one result.  anyway: also one that answers no request, or is a
 * second answer.  taken: gets the masks as they come, and no logit is kept;
 * NULL: all logits are. */
int volley_decrypt(unet_result *out, volley_taken *taken, volley_source *s,
                   const volley_owner *owner, const char *const *path,
                   size_t paths, bool anyway);
/* Says who must not see results, unless the server is trusted. */
void volley_decrypt_warn(const volley_owner *owner);
/* The twin's logits, one array a picture; as floats of the file, or as the
 * plan's integers. */
int volley_clear_logits(double **logit, const volley_source *s,
                        const volley_input *images, bool as_float);
/* The same of volumes, all slices of which are images; fit: --fit (solid.h).
 * Of a volume that the network does not see whole, logits outside are those of
 * the background: -infinity, of labels 0 for the first. */
int volley_clear_solids(double **logit, const volley_source *s,
                        const volley_input *images, const uni_album *album,
                        bool fit);
/* Numbers the network gives for image i: its pixels, or the classes' logits. */
size_t volley_logits(const nn_plan *p, unet_size size);

#endif
