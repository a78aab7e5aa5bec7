/* unet_support.c -- its contracts are in unet_support.h. */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <unistd.h>

#include "test.h"
#include "unet_support.h"

void plan_identity(nn_plan *p, nn_border border, int log_n, int ring,
                   int grid_y, int grid_x, int halo, int spare)
{
    memset(p, 0, sizeof *p);
    strcpy(p->name, "identity");
    strcpy(p->foreground, "bright");
    p->border = border;
    p->layout.ring_y = p->layout.ring_x = ring;
    p->layout.grid_y = grid_y;
    p->layout.grid_x = grid_x;
    p->layout.height = ring * grid_y;
    p->layout.width = ring * grid_x;
    p->layout.slots = (size_t)1 << (log_n - 1);
    p->layout.batch = (int)(p->layout.slots / (size_t)(grid_y * grid_x));
    p->halo = halo;
    p->core_height = p->layout.height - 2 * halo - spare;
    p->core_width = p->layout.width - 2 * halo - spare;
    p->params.log_n = log_n;
    p->params.num_primes = 2;
    p->params.primes[0] = 45;
    p->params.primes[1] = 40;
    p->params.num_special = 1;
    p->params.special[0] = 47;
    p->params.dnum = 2;
    p->params.security = CKKS_INSECURE;
    CHECK_OK(ckks_params_resolve(&p->params, &p->params));
    p->channels = p->out_channels = p->out_gap = 1;
    p->mul = 1;
    p->in_level = 1;
    p->in_scale = p->out_scale = 0x1p30;
    p->scale_bits = 30;
    p->logit_max = 255;
    p->num_keys = 2;
    p->key[0] = (ckks_key_request){ CKKS_KEY_RELIN, 0, 1 };
    p->key[1] = (ckks_key_request){ CKKS_KEY_ROTATE, 1, 1 };
}

bool folder_open(test_folder *f)
{
    const char *base = getenv("TMPDIR");

    snprintf(f->name, sizeof f->name, "%.40s/unet-XXXXXX",
             base != NULL && *base != '\0' ? base : "/tmp");
    if (!CHECK(mkdtemp(f->name) != NULL, "mkdtemp %s", f->name))
        return false;
    snprintf(f->path, sizeof f->path, "%s/file.vct", f->name);
    return true;
}

int folder_files(const test_folder *f)
{
    DIR *d = opendir(f->name);
    int n = 0;

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return n;
}

void folder_close(const test_folder *f)
{
    (void)unlink(f->path);
    CHECK(rmdir(f->name) == 0, "%s is not empty", f->name);
}

uint8_t *bytes_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(1 << 20);

    *size = file != NULL && data != NULL ? fread(data, 1, 1 << 20, file) : 0;
    if (file != NULL)
        fclose(file);
    CHECK(*size > 0, "%s cannot be read", path);
    return data;
}

bool bytes_write(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    bool ok = file != NULL && fwrite(data, 1, size, file) == size;

    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    return CHECK(ok, "%s cannot be written", path);
}
