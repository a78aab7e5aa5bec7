/* members.h -- the members of JSON objects, strictly: each is there, of its
 * kind and in its range, and no others are.  What plans and offers are read with
 * (plan_read.c, unet/blind/offer.c).
 */
#ifndef NN_MEMBERS_H
#define NN_MEMBERS_H

#include "format/json.h"
#include "nn.h"

/* One object.  The first problem is kept, and what is read behind it is of no
 * meaning, but in its range. */
typedef struct nni_members {
    const nni_json *doc;
    const nni_json_node *object;
    const char *what, *where;   /* of messages: "WHAT: WHERE.KEY: ..."       */
    ckks_status st;
} nni_members;

/* Records a problem. */
void nni_member_refuse(nni_members *r, const char *key, const char *problem);
/* The member of this key, or NULL. */
const nni_json_node *nni_member(const nni_members *r, const char *key);
/* No member but those named in the list, which ends with NULL; and that it is
 * an object. */
void nni_members_known(nni_members *r, const char *const *known);
/* The object under a key, with these members and no others; its problems are
 * handed back by nni_members_leave. */
nni_members nni_members_enter(const nni_members *r, const char *key,
                              const char *const *known);
/* Entry `node` of a list. */
nni_members nni_members_entry(const nni_members *r, const nni_json_node *node,
                              const char *where);
void nni_members_leave(nni_members *r, const nni_members *inner);

/* A whole number of lo..hi; lo where it is none. */
int nni_member_int(nni_members *r, const char *key, int lo, int hi);
/* A number below `most`, but for its sign; 0 where it is none. */
double nni_member_double(nni_members *r, const char *key, double most);
bool nni_member_bool(nni_members *r, const char *key);
/* A string of up to 63 bytes, the rest zeros; out is unchanged where it is
 * none. */
void nni_member_name(nni_members *r, const char *key, char out[NN_NAME]);
/* The same of a node, `key` being for messages only. */
void nni_member_text(nni_members *r, const char *key, char out[NN_NAME],
                     const nni_json_node *n);
/* Which of `count` names it is; 0 where it is none. */
int nni_member_choice(nni_members *r, const char *key,
                      const char *const *name, int count);

#endif
