/* study.h -- what the files of the program `study` share: study.c (the ways to
 * run a network; main), run.c, literal_row.c and report.c. */
#ifndef VOLLEY_STUDY_H
#define VOLLEY_STUDY_H

#include "volley/volley.h"

/* One way to run the network. */
typedef struct study_way {
    const char *name;
    nn_aim aim;
    int threads;
    bool unfolded;              /* means are layers of their own             */
} study_way;

/* What came out: a line of the table.  NAN: not known. */
typedef struct study_row {
    char name[48];
    char layout[48];            /* rings, grid, batch                        */
    char dense[32];             /* neurons a ciphertext of dense layers      */
    int log_n, bits, threads;
    double log_qp, security;
    long rotations, relins;
    double encrypt, decrypt;    /* seconds, of one image                     */
    double seconds;             /* of a set, ciphertexts to ciphertexts      */
    int batch;                  /* images of a full set                      */
    double memory_mib;          /* of the server's objects                   */
    double upload_kib;          /* of one image in a full set                */
    double accuracy;            /* of the clear twin                         */
    size_t images, equal;       /* encrypted, and of the twin's class        */
} study_row;

enum { STUDY_ROWS = 64 };

typedef struct study {
    const nn_model *model;
    const volley_input *images;
    const int *label;           /* shape (images)                            */
    int repeats;                /* evaluations, of which the median counts   */
    size_t judged;              /* images for the accuracy                   */
    study_row row[STUDY_ROWS];
    int rows;
} study;

/* The model with every mean as a convolution of its own; clear with free() of
 * layer and data. */
int study_unfold(nn_model *out, const nn_model *m);
/* Runs one way; adds a row, or says on stderr why not. */
int study_run(study *s, const study_way *way);
/* The literal Volley Revolver, if the network has its form. */
int study_literal(study *s);
/* name.md, name.csv and name.svg in a folder; the table also on standard
 * output. */
int study_report(const study *s, const char *folder);

#endif
