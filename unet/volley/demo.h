/* demo.h -- what the two files of the demo share, and the bench with them. */
#ifndef VOLLEY_DEMO_H
#define VOLLEY_DEMO_H

#include "volley.h"

enum { DEMO_SLICES = 64, DEMO_GAP = 4 };

typedef struct demo {
    bool quiet;                     /* JSON only                             */
    char *root;                     /* folder with unet/ and examples/       */
    char *model, *data;
    const char *out;
    char *keys, *secret, *in_vct, *out_vct;
    char *name[DEMO_SLICES];        /* slices: what stands before -image.pgm */
    int count;
    volley_source source;
    volley_images image, truth;
    unet_job job;
    unet_result result;
    double **clear;                 /* the twin's logits                     */
    uint8_t *mask[DEMO_SLICES], *twin[DEMO_SLICES], *label[DEMO_SLICES];
    volley_report report;
} demo;

/* folder/name; malloc, NULL: told. */
char *demo_in(const char *folder, const char *name);

/* The folder two above the program, if it has the model; else here; malloc. */
char *demo_root(void);
/* Names all NAME-image.pgm of the folder d->data, sorted. */
int demo_list(demo *d);
/* NAME-tag.pgm of every slice. */
int demo_load(volley_images *out, const demo *d, const char *tag,
              int channels);

/* Fills the scores of the report, and prints the table. */
void demo_compare_all(demo *d);
/* The pictures and report.json, into d->out. */
int demo_pictures(const demo *d);
int demo_report(const demo *d);

#endif
