/* members.c -- the members of JSON objects: members.h. */
#include "format/members.h"

#include <math.h>
#include <string.h>

void nni_member_refuse(nni_members *r, const char *key, const char *problem)
{
    if (r->st == CKKS_OK)
        r->st = nn_fail(CKKS_EFORMAT, "%s: %s.%s: %s", r->what, r->where, key,
                        problem);
}

const nni_json_node *nni_member(const nni_members *r, const char *key)
{
    return nni_json_get(r->doc, r->object, key);
}

void nni_members_known(nni_members *r, const char *const *known)
{
    const nni_json_node *n;

    if (r->object == NULL || r->object->kind != NN_JSON_OBJECT) {
        nni_member_refuse(r, "*", "missing or not an object");
        return;
    }
    n = nni_json_unknown(r->doc, r->object, known);
    if (n != NULL)
        nni_member_refuse(r, n->key, "unknown key");
}

nni_members nni_members_enter(const nni_members *r, const char *key,
                              const char *const *known)
{
    nni_members in = nni_members_entry(r, nni_member(r, key), key);

    nni_members_known(&in, known);
    return in;
}

nni_members nni_members_entry(const nni_members *r, const nni_json_node *node,
                              const char *where)
{
    return (nni_members){ r->doc, node, r->what, where, r->st };
}

void nni_members_leave(nni_members *r, const nni_members *inner)
{
    r->st = inner->st;
}

int nni_member_int(nni_members *r, const char *key, int lo, int hi)
{
    int64_t v = lo;

    if (!nni_json_int(&v, nni_member(r, key), lo, hi))
        nni_member_refuse(r, key, "missing or out of range");
    return (int)v;
}

double nni_member_double(nni_members *r, const char *key, double most)
{
    const nni_json_node *n = nni_member(r, key);

    if (n == NULL || n->kind != NN_JSON_DOUBLE || !(fabs(n->number) < most)) {
        nni_member_refuse(r, key, "missing, not a number, or too large");
        return 0;
    }
    return n->number;
}

bool nni_member_bool(nni_members *r, const char *key)
{
    const nni_json_node *n = nni_member(r, key);

    if (n == NULL || (n->kind != NN_JSON_TRUE && n->kind != NN_JSON_FALSE))
        nni_member_refuse(r, key, "missing or not true or false");
    return n != NULL && n->kind == NN_JSON_TRUE;
}

void nni_member_name(nni_members *r, const char *key, char out[NN_NAME])
{
    nni_member_text(r, key, out, nni_member(r, key));
}

void nni_member_text(nni_members *r, const char *key, char out[NN_NAME],
                     const nni_json_node *n)
{
    if (n == NULL || n->kind != NN_JSON_STRING || n->length >= NN_NAME) {
        nni_member_refuse(r, key, "missing, not a string, or over 63 bytes");
        return;
    }
    memset(out, 0, NN_NAME);
    memcpy(out, n->text, n->length);
}

int nni_member_choice(nni_members *r, const char *key,
                      const char *const *name, int count)
{
    char text[NN_NAME] = "";

    nni_member_name(r, key, text);
    for (int i = 0; i < count; i++)
        if (strcmp(text, name[i]) == 0)
            return i;
    nni_member_refuse(r, key, "unknown value");
    return 0;
}
