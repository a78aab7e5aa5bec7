/* unet_support.h -- small plans and folders for the tests of libunet. */
#ifndef UNET_SUPPORT_H
#define UNET_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "unet.h"

/* A plan of one channel that computes nothing: what is packed is what is
 * unpacked.  N = 2^log_n, insecure; the layout is ring x ring ciphertexts with
 * a grid of grid_y x grid_x, as many tiles as fit; the core is what the halo
 * leaves, less `spare` rows and columns at the end. */
void plan_identity(nn_plan *p, nn_border border, int log_n, int ring,
                   int grid_y, int grid_x, int halo, int spare);

/* A fresh folder, and the name of a file in it. */
typedef struct test_folder {
    char name[64], path[80];
} test_folder;
bool folder_open(test_folder *f);
int folder_files(const test_folder *f);
/* Removes f->path; fails the test if another file is there. */
void folder_close(const test_folder *f);

/* Whole files, without caution; NULL: the test has failed. */
uint8_t *bytes_read(const char *path, size_t *size);
bool bytes_write(const char *path, const uint8_t *data, size_t size);

#endif
