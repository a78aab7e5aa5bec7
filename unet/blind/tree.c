/* tree.c -- seeds but one: tree.h. */
#include "blind/tree.h"

#include <string.h>

#include "base/base.h"
#include "base/word.h"

/* The next level of count nodes, in place. */
static void tree_grow(blind_block *node, int count, const blind_aes *a)
{
    for (int y = count - 1; y >= 0; y--) {
        const blind_block parent = node[y];

        a->stream(node + 2 * y, parent, 0, 2);
    }
}

/* The sum of the nodes first, first + 2, ... */
static blind_block tree_sum(const blind_block *node, int first, int count)
{
    blind_block sum = { { 0, 0 } };

    for (int y = first; y < count; y += 2)
        sum = blind_xor(sum, node[y]);
    return sum;
}

void blind_tree_whole(blind_block *leaf, blind_block *sums,
                      const blind_pair *pair, int k, const blind_aes *a)
{
    leaf[0] = pair[k - 1].key[1];
    leaf[1] = pair[k - 1].key[0];
    for (int j = 1; j < k; j++) {
        tree_grow(leaf, 1 << j, a);
        for (int c = 0; c < 2; c++)
            sums[2 * (j - 1) + c] = blind_xor(pair[k - 1 - j].key[c],
                                              tree_sum(leaf, 1 ^ c, 2 << j));
    }
}

/* Exchanges two blocks if mask is all ones. */
static void swap_by(blind_block *x, blind_block *y, uint64_t mask)
{
    for (int i = 0; i < 2; i++) {
        uint64_t d = (x->w[i] ^ y->w[i]) & mask;

        x->w[i] ^= d;
        y->w[i] ^= d;
    }
}

/* Node y of a level stands for number y ^ (the upper bits of alpha), so the
 * unknown one is always node 0, its sibling always node 1.  The sibling is the
 * sum of all nodes with its bit (bit 1 of y), which the maker sends, but for
 * those that are known. */
void blind_tree_punctured(blind_block *leaf, const blind_block *sums,
                          const blind_block *key, unsigned alpha, int k,
                          const blind_aes *a)
{
    const blind_block zero = { { 0, 0 } };

    leaf[0] = zero;
    leaf[1] = key[k - 1];
    for (int j = 1; j < k; j++) {
        uint64_t mask = cki_mask(alpha >> (k - 1 - j) & 1);
        blind_block sum[2] = { sums[2 * (j - 1)], sums[2 * (j - 1) + 1] };

        tree_grow(leaf, 1 << j, a);
        leaf[0] = leaf[1] = zero;           /* children of the unknown node  */
        for (int y = 1; y < 1 << j; y++)
            swap_by(&leaf[2 * y], &leaf[2 * y + 1], mask);
        swap_by(&sum[0], &sum[1], mask);
        leaf[1] = blind_xor(blind_xor(sum[0], key[k - 1 - j]),
                            tree_sum(leaf, 3, 2 << j));
        cki_wipe(sum, sizeof sum);
    }
}
