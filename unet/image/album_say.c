/* album_say.c -- what the owner of images should know of them before they are
 * used: pixels of another size than the model's, values that are odd.
 * Contracts in album.h.
 */
#include <stdio.h>

#include "image/album.h"

enum { SAY_MOST = 8 };          /* volumes, or odd values, that have a line  */

/* Spacing within 10 % of the model's is resampled, and worth a look. */
static void say_spacing(const uni_album_volume *v, const char *name,
                        const char *model, const nn_images *images,
                        uni_album_teller *tell, void *user)
{
    const double off = uni_slicing_off(&v->slicing, images);
    char line[UNI_ALBUM_LINE];

    if (off <= 0.01 || off > 0.1)
        return;
    snprintf(line, sizeof line, "%s: pixels of %.4g x %.4g mm, %s is for %g x "
             "%g mm: %.1f %% apart, resampled", name, v->slicing.spacing[1],
             v->slicing.spacing[2], model, images->spacing_y,
             images->spacing_x, 100 * off);
    tell(user, line);
}

/* Values that are hardly used, or hardly values; once a volume. */
static bool say_values(const uni_album *album, size_t i,
                       uni_album_teller *tell, void *user)
{
    const uni_album_source from = uni_album_source_of(album, i);
    char words[512], line[UNI_ALBUM_LINE];

    if (from.values == NULL || !uni_values_odd(from.values)
        || (from.volume != NULL && from.volume->first != i))
        return false;
    if (tell == NULL)
        return true;
    uni_values_say(words, sizeof words, from.values);
    snprintf(line, sizeof line, "%s: %s", from.file, words);
    tell(user, line);
    return true;
}

void uni_album_say_spacing(const uni_album *album, size_t volume,
                           const char *model, const nn_images *images,
                           uni_album_teller *tell, void *user)
{
    const uni_album_volume *v = &album->volume[volume];

    if (v->count > 0 && volume < SAY_MOST)
        say_spacing(v, uni_album_source_of(album, v->first).file, model,
                    images, tell, user);
}

void uni_album_say_values(const uni_album *album, uni_album_teller *tell,
                          void *user)
{
    char line[UNI_ALBUM_LINE];
    size_t odd = 0;

    for (size_t i = 0; i < album->images; i++)
        odd += say_values(album, i, odd < SAY_MOST ? tell : NULL, user);
    if (odd <= SAY_MOST)
        return;
    snprintf(line, sizeof line, "and %zu more images or volumes of such "
             "values", odd - SAY_MOST);
    tell(user, line);
}
