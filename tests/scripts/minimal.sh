#!/bin/sh
# minimal.sh [BUILD] -- the MINIMAL build: a C11 compiler and its libm, no more.
#
# Builds it in a fresh folder with a PATH that holds the compiler, the
# archiver, make and the plain tools of a shell; looks at what its sources
# include and at what its library leaves undefined; runs examples 01..03 on it.
# With the BUILD of the full library also passes bytes both ways: MINIMAL
# writes no checksum and ignores those it meets.  Ends with
# "N passed, N failed".
CC=${CC:-cc}
FULL=${1:-}
FULL_LIBS=${FULL_LIBS:--lxxhash -lm}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
skipped=0

# try NAME COMMAND...
try()
{
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        tail -n 5 "$work/log" | cut -c1-300
    fi
}

# ---- a PATH of a compiler and a shell ---------------------------------------
mkdir "$work/bin"
for tool in cc gcc clang as ld ar make sh mkdir rm dirname find cut cat printf; do
    found=$(command -v "$tool") && [ -x "$found" ] \
        && ln -s "$found" "$work/bin/$tool"
done
build()
{
    env -i PATH="$work/bin" HOME="$work" MAKEFLAGS= \
        make MINIMAL=1 B="$work/b" CC="$CC"
}
try "make MINIMAL=1 with $CC" build
lib=$work/b/libckks.a
try "libckks.a is there" test -s "$lib"
only_lib()
{
    ! find "$work/b" -type f ! -name '*.o' ! -name '*.d' ! -name libckks.a \
        | grep .
}
try "nothing else is made" only_lib

# ---- what it stands on --------------------------------------------------------
foreign_headers()
{
    for f in ckks/*/*.c ckks/kernel/portable/*.c; do
        case $f in
            ckks/bytes/file*.c | ckks/embed/fft_fftw.c) continue ;;      # not built
        esac
        $CC -std=c11 -D_POSIX_C_SOURCE=200809L -DCKKS_MINIMAL \
            -Ickks -M "$f" || return 1
    done >"$work/headers"
    ! grep -Eo '[^ ]*(fftw3|gmp|xxhash|omp|png|zlib|pthread|immintrin)\.h' \
        "$work/headers"
}
try "no header of FFTW, GMP, xxHash, OpenMP, threads, AVX" foreign_headers
try "nothing undefined but libc and libm" $CC -shared -o "$work/all.so" \
    -Wl,--whole-archive "$lib" -Wl,--no-whole-archive -Wl,-z,defs -lm
no_files()
{
    ! nm -u "$lib" 2>/dev/null | grep -Ew \
        'fopen|open|mkstemp|rename|fwrite|pthread_[a-z_]*|GOMP_[a-z_]*'
}
try "no files, no threads" no_files
globals()
{
    ! nm -g --defined-only "$lib" 2>/dev/null \
        | awk 'NF == 3 && $3 !~ /^(ckks|cki)_/ { print $3 }' | grep .
}
try "only ckks_ and cki_ names" globals

# ---- a client: at most 100 KB, 64 KB of stack, one thing to write -------------
client=tests/minimal/client.c
small="-std=c11 -Os -Ickks -ffunction-sections -Wl,--gc-sections -s"
# below LIMIT NUMBER
below()
{
    [ -n "$2" ] && [ "$2" -gt 0 ] && [ "$2" -le "$1" ]
}
try "the client compiles" $CC $small -o "$work/client" $client "$lib" -lm
try "the client runs" "$work/client"
bytes=$(size "$work/client" | awk 'NR == 2 { print $1 + $2 + $3 }')
echo "  note: client, with the system's libc beside it: $bytes bytes"
try "the client has at most 100 KB: $bytes" below 102400 "$bytes"
if command -v musl-gcc >/dev/null; then
    try "the client compiles, static" musl-gcc $small -static \
        -o "$work/static" $client "$lib" -lm
    try "the static client runs" "$work/static"
    bytes=$(wc -c <"$work/static")
    echo "  note: client, static, all of it: $bytes bytes"
    try "the static client has at most 100 KB: $bytes" below 102400 "$bytes"
else
    echo "skip the static client: no musl-gcc (make deps)"
    skipped=$((skipped + 1))
fi
# Sections that a program may write and that the linker does not close, of the
# objects of any type but files and sections.
writable=$(objdump -t "$lib" 2>/dev/null \
    | awk '$0 ~ /[ \t](\.(data|bss|tdata|tbss)[^ \t]*|\*COM\*)\t/ \
           && $0 !~ /\.data\.rel\.ro/ && $NF !~ /^\./ { print $NF }')
try "one name may be written: $(echo $writable)" test "$writable" = message
try "the stack's meter compiles" $CC -std=c11 -O1 -Ickks -DCLIENT_NO_MAIN \
    -o "$work/stack" tests/minimal/stack.c $client "$lib" -lm -pthread
try "the stack's meter runs" "$work/stack"
bytes=$("$work/stack")
echo "  note: stack of the client and of a public key's owner: $bytes bytes"
try "at most 64 KB of stack: $bytes" below 65536 "$bytes"

# ---- no build computes with -ffast-math ------------------------------------------
# refused FILE FLAG: the library's own message stops the compiler
refused()
{
    $CC -std=c11 "$2" -Ickks -E -o "$work/e" "$1" 2>"$work/e.log" && return 1
    grep -q 'error.*libckks computes wrongly with' "$work/e.log"
}
fast()
{
    for f in ckks/*/*.c ckks/*/*/*.c; do
        refused "$f" -Ofast || { echo "$f is taken"; return 1; }
    done
}
try "-Ofast: every file is refused" fast
for flag in -ffast-math -ffinite-math-only -funsafe-math-optimizations; do
    # clang does not tell of the last
    [ "$flag" = -funsafe-math-optimizations ] \
        && ! $CC $flag -dM -E -x c /dev/null | grep -q __ASSOCIATIVE_MATH__ \
        && continue
    try "$flag is refused" refused ckks/scheme/encode.c $flag
done
try "-O3 is taken" $CC -std=c11 -O3 -Ickks -E -o "$work/e" ckks/scheme/encode.c

# ---- it works -------------------------------------------------------------------
for e in 01_encode 02_multiply_rotate 03_keys_on_two_sides; do
    try "examples/$e.c compiles" $CC -std=c11 -Ickks -o "$work/$e" \
        "examples/$e.c" "$lib" -lm
    try "examples/$e runs" "$work/$e"
done

# ---- without 128-bit integers of the compiler -----------------------------------
words()
{
    env -i PATH="$work/bin" HOME="$work" MAKEFLAGS= \
        make MINIMAL=1 B="$work/w" CC="$CC" CFLAGS="-O2 -DCKKS_NO_INT128"
}
try "make MINIMAL=1 without __int128" words
try "example 02 compiles on it" $CC -std=c11 -Ickks -o "$work/words" \
    examples/02_multiply_rotate.c "$work/w/libckks.a" -lm
try "example 02 runs on it" "$work/words"

# ---- bytes of one build in the other ----------------------------------------------
cat >"$work/pass.c" <<'C'
#include <stdio.h>
#include <string.h>
#include "ckks.h"
#define MUST(call) if ((call) != CKKS_OK) return puts(ckks_last_error()), 1
/* pass w FILE writes a ciphertext; pass r FILE reads it, and must refuse it
 * with a bit changed and, where the file has no checksum, with a word that is
 * not below its prime. */
int main(int argc, char **argv)
{
    static uint8_t seed[CKKS_SEED_BYTES], file[1 << 20];
    const ckks_params p = { .log_n = 12, .num_primes = 2,
                            .primes = { 40, 40 }, .dnum = 1 };
    const double x[2] = { 0.25, -3 };
    double y[2];
    ckks_ctx *ctx = NULL;
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    size_t size;
    FILE *f = fopen(argv[argc - 1], argv[1][0] == 'w' ? "wb" : "rb");

    MUST(ckks_ctx_init(&ctx, &p));
    MUST(ckks_rng_init(&rng, seed));
    MUST(ckks_sk_init(&sk, ctx, &rng));
    MUST(ckks_encode(&pt, ctx, x, NULL, 2, 1, 0x1p30));
    MUST(ckks_encrypt_sk(&ct, &rng, &pt, sk));
    size = ckks_ct_size(&ct);
    if (f == NULL || size > sizeof file)
        return 1;
    if (argv[1][0] == 'w') {
        MUST(ckks_ct_save(file, size, &ct));
        return fwrite(file, 1, size, f) != size || fclose(f) != 0;
    }
    if (fread(file, 1, sizeof file, f) != size)
        return 1;
    MUST(ckks_ct_load(&ct, ctx, file, size));
    MUST(ckks_decrypt(&pt, &ct, sk));
    MUST(ckks_decode(y, NULL, 2, &pt));
    printf("%f %f\n", y[0], y[1]);
    if (!(y[0] > 0.249 && y[0] < 0.251 && y[1] > -3.001 && y[1] < -2.999))
        return 1;
    file[size - 5000] ^= 1;
    if (ckks_ct_load(&ct, ctx, file, size) != CKKS_EFORMAT
        || strstr(ckks_last_error(), "damaged") == NULL)
        return puts("a bit changed"), 1;
    file[size - 5000] ^= 1;
    memset(file + 16, 0, 8);
    file[6] = 0;
    MUST(ckks_ct_load(&ct, ctx, file, size));
    memset(file + size - 5000, 0xff, 16);
    return ckks_ct_load(&ct, ctx, file, size) != CKKS_EFORMAT;
}
C
if [ -n "$FULL" ] && [ -s "$FULL/libckks.a" ]; then
    try "pass.c compiles (MINIMAL)" $CC -std=c11 -Ickks -o "$work/small" \
        "$work/pass.c" "$lib" -lm
    try "pass.c compiles (full)" $CC -std=c11 -Ickks -o "$work/full" \
        "$work/pass.c" "$FULL/libckks.a" $FULL_LIBS
    try "MINIMAL writes" "$work/small" w "$work/ct.small"
    try "full writes" "$work/full" w "$work/ct.full"
    try "full reads MINIMAL" "$work/full" r "$work/ct.small"
    try "MINIMAL reads full" "$work/small" r "$work/ct.full"
    try "the same bytes" cmp "$work/ct.small" "$work/ct.full"
fi
size=$(strip -g -o "$work/stripped.a" "$lib" 2>/dev/null \
       && size "$work/stripped.a" | awk 'NR > 1 { s += $1 + $2 } END { print s }')
[ -n "$size" ] && echo "  note: text and data of libckks.a: $size bytes"
printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
