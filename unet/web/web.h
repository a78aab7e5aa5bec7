/* web.h -- the owner's side as a WebAssembly module: what its files share.
 *
 * The module is one owner of images: one plan, one secret key, one request at a
 * time.  volley.mjs calls the exports; each gives a ckks_status, and
 * web_error() says in one line why it was not CKKS_OK.  Numbers and texts are
 * asked for one by one, bytes lie in the module's memory until the next call.
 *
 *     web_plan.c     the plan, checked and taken; what it says
 *     web_keys.c     the secret key; evaluation keys
 *     web_encrypt.c  images to ciphertexts, and the request
 *     web_decrypt.c  results to masks and classes
 *     web_images.c   images from files in memory, masks to such
 *     web_pixels.c   images that are pixels already
 *     web_system.c   what wasi-libc has not
 *     web_libc.c, web_memory.c, web_files.c   what it has too large
 *     web_text.c, web_decimal.c               printf and strtod of it
 */
#ifndef UNET_WEB_H
#define UNET_WEB_H

#include <stddef.h>
#include <stdint.h>

#include "unet.h"

#if defined(__wasm__)
#define WEB_EXPORT(name) __attribute__((export_name(#name))) name
#else
#define WEB_EXPORT(name) name
#endif

/* The most memory that a plan may ask for, of one piece of work. */
#define WEB_MEMORY (UINT64_C(1) << 30)

/* Images of the next request, whoever brought them. */
typedef struct web_images {
    size_t count;
    unet_size *size;            /* shape (count), malloc                     */
    unet_pixels pixels;
} web_images;

/* What was decrypted last: of a network of classes their logits, else masks. */
typedef struct web_result {
    size_t images;
    unet_size *size;            /* shape (images)                            */
    uint8_t **mask;             /* shape (images), each (height, width)      */
    double **logit;             /* shape (images), each (out_channels)       */
} web_result;

typedef struct web_owner {
    nn_plan plan;
    unet_cost cost;
    ckks_ctx *ctx;              /* NULL: no plan was taken                   */
    ckks_sk *sk;                /* NULL: no secret key                       */
    web_images images;
    unet_request request;       /* of the last upload                        */
    web_result result;
} web_owner;

extern web_owner web;

/* malloc's. */
void *web_alloc(size_t size);

/* Gives up keys that are being made, an encryption on its way, if any: before
 * the secret key or the images change. */
void web_keys_end(void);
void web_encrypt_end(void);

/* CKKS_EARG unless there is a plan; a plan and a secret key. */
ckks_status web_need_plan(void);
ckks_status web_need_key(void);

/* Forget the images that are pixels; all images. */
void web_pixels_clear(void);
void web_images_clear(void);

#endif
