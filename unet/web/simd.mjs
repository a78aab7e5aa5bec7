/* simd.mjs -- which of the two modules an engine takes: volley-simd.wasm has a
 * kernel of two lanes and asks for relaxed SIMD, volley.wasm for nothing.  Both
 * give the same bytes.
 */

/* () -> v128: the relaxed multiply-add of three vectors of zeros. */
const PROBE = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1,
    123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65, 0,
    253, 15, 253, 135, 2, 11);

export const RELAXED_SIMD = WebAssembly.validate(PROBE);

/* The best first; one that is not there is left out by who reads them. */
export const MODULES = RELAXED_SIMD ? ["volley-simd.wasm", "volley.wasm"]
    : ["volley.wasm"];
