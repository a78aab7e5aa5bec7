/* model.c -- a model as integers, and what the command's other parts see of
 * it. */
#include <string.h>
#include <unistd.h>

#include "blind/quantise.h"
#include "volley/blind/verbs.h"

int volley_blind_model(blind_network **out, const char *path,
                       const volley_args *a)
{
    nn_model m = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    int bits, code = volley_int(&bits, a, OPT_BITS, 1, 64, 16);

    if (code == VOLLEY_DONE && bits != 16 && bits != 20 && bits != 32)
        code = volley_usage("--bits %d: 16, 20 or 32", bits);
    if (code == VOLLEY_DONE)
        code = volley_read(&data, &size, path, VOLLEY_MODEL_BYTES);
    if (code != VOLLEY_DONE)
        return code;
    if (volley_sniff(data, size) != VOLLEY_MODEL)
        code = volley_fail("%s is not a model with its weights", path);
    else if (nn_model_load(&m, data, size) != CKKS_OK)
        code = volley_fail("%s: %s", path, nn_last_error());
    ckks_file_free(data, size);
    if (code != VOLLEY_DONE)
        return code;
    if (blind_quantise(out, NULL, &m, bits) != CKKS_OK)
        code = volley_fail("%s: %s", path, nn_last_error());
    nn_model_clear(&m);
    return code;
}

int volley_blind_transfer(int *k, const volley_args *a)
{
    const int code = volley_int(k, a, OPT_TRANSFER, 1, 4, BLIND_TRANSFER_K);

    return code == VOLLEY_DONE && *k == 3
               ? volley_usage("--transfer 3: 1, 2 or 4") : code;
}

int volley_blind_manner(blind_manner *out, const volley_args *a)
{
    const blind_aes *aes;
    int seconds, code = volley_int(&seconds, a, OPT_PATIENCE, 1, 86400, 60);

    *out = blind_manner_default();
    out->idle = seconds;
    out->kernel = a->value[OPT_KERNEL];
    if (code == VOLLEY_DONE)
        code = volley_blind_transfer(&out->k, a);
    return code != VOLLEY_DONE ? code
                               : volley_check(blind_aes_choose(&aes,
                                                               out->kernel));
}

void volley_blind_face(volley_source *s, const blind_network *n,
                       const char *path)
{
    nn_plan *p = &s->plan;
    int core[3];

    blind_network_core(core, n);
    memset(s, 0, sizeof *s);
    s->path = path;
    memcpy(p->name, n->name, sizeof p->name);
    p->border = NN_ZERO;
    p->core_height = core[1];
    p->core_width = core[2];
    p->layout = (nn_layout){ core[1], core[2], 1, 1, core[1], core[2], 1,
                             (size_t)core[1] * (size_t)core[2], 0 };
    p->channels = n->channels;
    p->mul = n->mul;
    p->add = n->add;
    p->images = s->images = n->images;
    p->out_channels = n->num_labels > 0 ? n->num_labels : 1;
    p->out_gap = 1;
    memcpy(p->foreground, n->foreground, sizeof p->foreground);
    p->num_labels = n->num_labels;
    memcpy(p->label_name, n->label_name, sizeof p->label_name);
}

int volley_blind_accept(const volley_args *a, const blind_network *n,
                        const blind_plan *p, int side)
{
    int mib, code = volley_int(&mib, a, OPT_LIMIT, 1, 1 << 24, 0);
    double room = (double)mib * (1 << 20);
    char need[32], have[32];

    if (code != VOLLEY_DONE)
        return code;
    if (mib == 0)
        room = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (p->memory[side] <= room)
        return VOLLEY_DONE;
    return volley_fail("%s: this side may need %s of memory, there is %s "
                       "(--memory MIB sets another)", n->name,
                       volley_bytes(need, p->memory[side]),
                       volley_bytes(have, room));
}

const char *volley_blind_words(char out[96], const blind_network *n)
{
    int core[3];

    blind_network_core(core, n);
    if (n->dims == 3)
        snprintf(out, 96, "three axes, %dx%dx%d voxels, %d bits", core[0],
                 core[1], core[2], n->bits);
    else
        snprintf(out, 96, "two axes, %dx%d pixels, %d bits", core[1], core[2],
                 n->bits);
    return out;
}
