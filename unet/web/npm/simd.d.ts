/* Types of simd.mjs: which of the two modules an engine takes. */

/** Whether it has relaxed SIMD. */
export const RELAXED_SIMD: boolean;

/** Names of modules it takes, the best first. */
export const MODULES: readonly string[];
