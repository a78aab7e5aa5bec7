/* album_want.c -- what is wanted of an image of an album. */
#include "image/album_parts.h"

uni_image_want uni_album_want(const uni_album *album, size_t i)
{
    const uni_album_aim *aim = &album->aim;
    uni_image_want want = { aim->channels, aim->height, aim->width, aim->fit,
                            NULL, aim->raw };

    if (i < aim->sizes) {
        want.height = aim->size[i].height;
        want.width = aim->size[i].width;
        want.who = "its result has";
    }
    return want;
}
