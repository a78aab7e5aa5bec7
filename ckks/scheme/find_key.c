/* find_key.c -- the key that a switching needs, or why it has none. */
#include "scheme/keyswitch.h"

ckks_status cki_find_key(const cki_key **out, const ckks_keys *keys,
                         ckks_key_kind kind, int step, int level,
                         const char *name)
{
    const cki_key *key = cki_keys_find(keys, kind, step);
    static const char *const what[] = { "relinearisation key",
                                        "rotation key for step",
                                        "conjugation key" };

    if (key == NULL)
        return cki_fail(CKKS_EKEY, "%s: no %s %d among %zu keys", name,
                        what[kind], step, keys->count);
    if (key->level < level)
        return cki_fail(CKKS_EKEY, "%s: the %s %d is for level %d and below; "
                        "the ciphertext has level %d", name, what[kind], step,
                        key->level, level);
    *out = key;
    return CKKS_OK;
}

ckks_status cki_check_keys(const ckks_ct *out, const ckks_ct *a,
                           const ckks_keys *keys, const char *name)
{
    ckks_status s = cki_check_ct(a, name);

    if (s != CKKS_OK)
        return s;
    if (out == NULL || keys == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (keys->ctx != a->ctx)
        return cki_fail(CKKS_ECTX, "%s: ciphertext and keys come from "
                        "different contexts", name);
    return CKKS_OK;
}
