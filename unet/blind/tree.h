/* tree.h -- 2^k seeds of which the other side learns all but one.
 *
 * A binary tree of depth k, a seed at each node: the children of a node are
 * AES_node(0) and AES_node(1) (Goldreich, Goldwasser, Micali).  The side that
 * has k pairs of keys makes the whole tree; the other, which chose one key of
 * each pair by the bits of its secret alpha, gets all leaves but number alpha.
 *
 * Level j, j = 0 at the top, belongs to bit k - 1 - j of a leaf's number and of
 * alpha, and to pair k - 1 - j.  The two nodes of level 0 are the keys
 * themselves: node x is key 1 ^ x of its pair.  From each further level the
 * maker sends two blocks,
 *   key c ^ the sum of the nodes of this level with bit 1 ^ c,   c = 0, 1.
 */
#ifndef BLIND_TREE_H
#define BLIND_TREE_H

#include "blind/aes.h"

enum { BLIND_MOST_DEPTH = 4, BLIND_MOST_LEAVES = 16 };

/* leaf: 2^k; sums: 2 (k - 1), in order of levels. */
void blind_tree_whole(blind_block *leaf, blind_block *sums,
                      const blind_pair *pair, int k, const blind_aes *a);
/* leaf[y] is leaf y ^ alpha of the whole tree, for y > 0; leaf[0] is 0.
 *   leaks   nothing: alpha only swaps, by masks */
void blind_tree_punctured(blind_block *leaf, const blind_block *sums,
                          const blind_block *key, unsigned alpha, int k,
                          const blind_aes *a);

#endif
