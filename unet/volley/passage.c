/* passage.c -- the folder through which ciphertexts go where both sides, or the
 * way to the other one, are one command: beside the keys, and removed at the
 * end, also by a signal.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "volley.h"

/* All that is in it, and it. */
static void passage_remove(const char *folder)
{
    DIR *d = opendir(folder);

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char *path = e->d_name[0] == '.' ? NULL
                     : volley_join(folder, e->d_name);

        if (path != NULL)
            (void)unlink(path);
        free(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(folder);
}

int volley_passage_open(volley_passage *out, const volley_owner *owner,
                        const char *verb)
{
    const size_t size = strlen(owner->folder) + strlen(verb) + 16;
    char *folder = malloc(size);

    memset(out, 0, sizeof *out);
    if (folder == NULL)
        return volley_fail("no memory for a name");
    snprintf(folder, size, "%s%s-XXXXXX", owner->folder, verb);
    if (mkdtemp(folder) == NULL) {
        free(folder);
        return volley_fail("%s: no folder can be made beside the keys",
                           owner->folder);
    }
    out->folder = folder;
    volley_leaves(folder);
    out->in = volley_join(folder, "in.vct");
    out->out = volley_join(folder, "out.vct");
    out->partial = volley_join(folder, "out.vct.partial");
    if (out->in == NULL || out->out == NULL || out->partial == NULL)
        return volley_fail("no memory for a name");
    volley_leaves(out->in);
    volley_leaves(out->out);
    volley_leaves(out->partial);
    return VOLLEY_DONE;
}

void volley_passage_clear(volley_passage *p)
{
    if (p->folder != NULL)
        passage_remove(p->folder);
    free(p->folder);
    free(p->in);
    free(p->out);
    free(p->partial);
    memset(p, 0, sizeof *p);
}
