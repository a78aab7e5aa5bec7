/* web_plan.c -- the plan: the server's word, checked as everywhere, and taken
 * only by the policy of web.h.  Contracts in web.h.
 */
#include <stdlib.h>
#include <string.h>

#include "web.h"

web_owner web;

const char *WEB_EXPORT(web_error)(void)
{
    return nn_last_error();
}

void *WEB_EXPORT(web_alloc)(size_t size)
{
    return malloc(size);
}

void WEB_EXPORT(web_free)(void *p)
{
    free(p);
}

ckks_status web_need_plan(void)
{
    return web.ctx != NULL ? CKKS_OK : nn_fail(CKKS_EARG, "there is no plan");
}

ckks_status web_need_key(void)
{
    ckks_status s = web_need_plan();

    return s == CKKS_OK && web.sk == NULL
           ? nn_fail(CKKS_EARG, "there is no secret key") : s;
}

/* ---- taking it ----------------------------------------------------------- */

/* Keys are made one at a time: of their work the security counts here, and
 * what is in memory is bounded by that of the others. */
static ckks_status plan_accept(const nn_plan *p)
{
    const unet_policy any = { .security = 128 };
    const unet_policy bounded = { .security = 128, .memory = WEB_MEMORY };
    ckks_status s = unet_accept(&web.cost, p, &any, UNET_KEYGEN);

    if (s == CKKS_OK)
        s = unet_accept(NULL, p, &bounded, UNET_ENCRYPT);
    if (s == CKKS_OK)
        s = unet_accept(NULL, p, &bounded, UNET_DECRYPT);
    return s;
}

/* text: size bytes of JSON, as `volley plan -o` writes it.
 *   errors  CKKS_EFORMAT  no plan, or one that lies
 *           CKKS_EPARAM   fewer than 128 bits of security
 *           CKKS_EMEM     over WEB_MEMORY
 *           CKKS_EARG     there is a plan already */
ckks_status WEB_EXPORT(web_open)(const char *text, size_t size)
{
    ckks_status s = CKKS_OK;

    if (web.ctx != NULL)
        return nn_fail(CKKS_EARG, "there is a plan already");
    s = nn_plan_load(&web.plan, text, size);
    if (s == CKKS_OK)
        s = plan_accept(&web.plan);
    if (s == CKKS_OK)
        s = nn_plan_context(&web.ctx, &web.plan, NULL);
    return s;
}

/* ---- what it says --------------------------------------------------------- */

/* Numbers of web_number, in the order of volley.mjs. */
enum { PLAN_SECURITY = 0, PLAN_LOG_N, PLAN_KEY_BYTES, PLAN_UPLOAD,
       PLAN_DOWNLOAD, PLAN_BATCH, PLAN_HEIGHT, PLAN_WIDTH, PLAN_CHANNELS,
       PLAN_BORDER, PLAN_LABELS, PLAN_CLASSES, PLAN_OUT_CHANNELS, PLAN_REAL,
       PLAN_ESTIMATE };

double WEB_EXPORT(web_number)(int what)
{
    const nn_plan *p = &web.plan;

    switch (what) {
    case PLAN_SECURITY:     return web.cost.security;
    case PLAN_LOG_N:        return p->params.log_n;
    case PLAN_KEY_BYTES:    return (double)web.cost.keys;
    case PLAN_UPLOAD:       return (double)web.cost.upload;
    case PLAN_DOWNLOAD:     return (double)web.cost.download;
    case PLAN_BATCH:        return p->layout.batch;
    case PLAN_HEIGHT:       return p->layout.height;
    case PLAN_WIDTH:        return p->layout.width;
    case PLAN_CHANNELS:     return p->channels;
    case PLAN_BORDER:       return p->border;
    case PLAN_LABELS:       return p->num_labels;
    case PLAN_CLASSES:      return p->num_classes;
    case PLAN_OUT_CHANNELS: return p->out_channels;
    case PLAN_REAL:         return p->params.ring == CKKS_RING_REAL;
    case PLAN_ESTIMATE:     return web.cost.estimate;
    default:                return -1;
    }
}

/* Texts of web_text: the network's name, its foreground's, those of label i,
 * of class i. */
enum { TEXT_NAME = 0, TEXT_FOREGROUND, TEXT_LABEL, TEXT_CLASS };

const char *WEB_EXPORT(web_text)(int what, int i)
{
    const nn_plan *p = &web.plan;

    if (what == TEXT_NAME)
        return p->name;
    if (what == TEXT_FOREGROUND)
        return p->foreground;
    if (what == TEXT_LABEL && i >= 0 && i < p->num_labels)
        return p->label_name[i];
    if (what == TEXT_CLASS && i >= 0 && i < p->num_classes)
        return p->class_name[i];
    return "";
}
