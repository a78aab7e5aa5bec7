/* memory.c -- bytes in memory as a source and as a sink.  Contracts in unet.h. */
#include <stdlib.h>
#include <string.h>

#include "unet.h"

static ckks_status memory_read(void *user, uint8_t *out, size_t size)
{
    unet_memory *m = user;

    if (size > m->size - m->at)
        return nn_fail(CKKS_EIO, "%zu bytes wanted, %zu are in memory", size,
                       m->size - m->at);
    if (size > 0)
        memcpy(out, m->data + m->at, size);
    m->at += size;
    return CKKS_OK;
}

static ckks_status memory_skip(void *user, uint64_t bytes)
{
    unet_memory *m = user;

    if (bytes > m->size - m->at)
        return nn_fail(CKKS_EIO, "%llu bytes to pass over, %zu are in memory",
                       (unsigned long long)bytes, m->size - m->at);
    m->at += (size_t)bytes;
    return CKKS_OK;
}

/* Room for twice as much as before at the least. */
static ckks_status memory_write(void *user, const uint8_t *in, size_t size)
{
    unet_memory *m = user;

    if (size > m->capacity - m->size) {
        size_t most = m->capacity > SIZE_MAX / 2 ? SIZE_MAX : 2 * m->capacity;
        uint8_t *more;

        if (size > SIZE_MAX - m->size)
            return nn_fail(CKKS_EMEM, "no memory for %zu bytes more", size);
        if (most < m->size + size)
            most = m->size + size;
        more = realloc(m->data, most);
        if (more == NULL)
            return nn_fail(CKKS_EMEM, "no memory for %zu bytes", most);
        m->data = more;
        m->capacity = most;
    }
    if (size > 0)
        memcpy(m->data + m->size, in, size);
    m->size += size;
    return CKKS_OK;
}

unet_source unet_memory_source(unet_memory *m, const char *name)
{
    return (unet_source){ memory_read, memory_skip, m, m->size - m->at,
                          name };
}

unet_sink unet_memory_sink(unet_memory *m, const char *name)
{
    return (unet_sink){ memory_write, m, name };
}

void unet_memory_clear(unet_memory *m)
{
    if (m == NULL)
        return;
    free(m->data);
    memset(m, 0, sizeof *m);
}
