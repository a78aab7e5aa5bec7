#!/bin/sh
# cross.sh [WORD] -- the test vectors with other compilers, levels of
# optimisation, builds and architectures than the one at hand.
#
#   gcc, clang       -O0 to -O3, every kernel this machine has
#   FFT=fftw         one build a compiler; the others have the built-in FFT
#   MINIMAL=1        one libckks.a a compiler, below the command of a build
#                    without other libraries: the checker needs files and
#                    JSON, which MINIMAL leaves out
#   aarch64, riscv64, s390x   cross compiled, static, run by qemu-user; s390x
#                    is big-endian.  xxHash is a header and serves all of them.
#   arm-none-eabi    no operating system: a client of MINIMAL=1 (minimal/
#                    client.c, docs/embedded.md) is compiled and linked for a
#                    Cortex-M4, and runs, as code for a Cortex-A9, by qemu-user
#
# Every case of every file must have been compared or counted as skipped.
# With WORD only combinations whose name contains it.  With FEW=BUILD, as in
# `make check`: gcc -O0 and -O3, clang -O2 (BUILD itself, most often gcc -O2, is
# what vectors.sh runs); FFTW and MINIMAL below objects of BUILD, which CC made;
# all other architectures.  `make check-long` has the others.  A compiler or an
# emulator that is not there (make deps-cross) is one skip.  Ends with
# "N passed, N failed" or "N passed, N failed, N skipped".
cd "$(dirname "$0")/../.." || exit 1
only=${1:-}
built=${CC:-gcc}
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)}
# What the caller's make was told is not for the builds below.
unset MAKEFLAGS MFLAGS B CC CFLAGS DEFS FFT LIBS MINIMAL OMP SANITIZE VERIFY
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0
skipped=0
files=$(ls vectors/v[12]/*.json | grep -vE "manifest|schema")
# shellcheck disable=SC2086
all=$(sed -n 's/.*"numberOfTests": \([0-9]*\).*/\1/p' $files \
      | awk '{ s += $1 } END { print s + 0 }')

# good NAME KERNEL NUMBERS...
good()
{
    printf '%-32s %-11s %10s %4s %5s %10s  %s\n' "$@"
}
bad()
{
    failed=$((failed + 1))
    echo "FAIL $1"
    tail -n 5 "$work/log" | cut -c1-300
}
skip()
{
    skipped=$((skipped + 1))
    echo "skip $1"
}
# Whether a combination was asked for.
wanted()
{
    case $1 in
        *"$only"*) return 0 ;;
    esac
    return 1
}

# build NAME ARGUMENTS...: the checker of a fresh build, $work/b/vectors-check
build()
{
    name=$1
    shift
    rm -rf "$work/b"
    make -j "$jobs" B="$work/b" "$@" "$work/b/vectors-check" >"$work/log" 2>&1 \
        && return 0
    bad "$name does not build"
    return 1
}

# vectors NAME KERNEL COMMAND...: all files, counts compared with the files'
vectors()
{
    name=$1
    kernel=$2
    shift 2
    # shellcheck disable=SC2086
    "$@" --kernel "$kernel" $files >"$work/log" 2>&1
    code=$?
    if grep -qE "does not work on this machine|no kernel named" "$work/log"
    then
        skip "$name: $(sed 's/.*ckks_ctx_init: //' "$work/log" | head -n 1)"
        return
    fi
    large=$(sed -n 's/^skipped: \([0-9]*\) cases of sets.*/\1/p' "$work/log")
    counts=$(sed -n "s/^kernel $kernel: //p" "$work/log" | tr -cd '0-9 ')
    # shellcheck disable=SC2086
    set -- $counts
    missing=$((all - ${3:-0} - ${large:-0}))
    if [ "$code" -ne 0 ] || [ "${4:-1}" -ne 0 ] || [ "$missing" -ne 0 ]; then
        bad "$name, kernel $kernel: exit code $code, $missing cases missing"
        return
    fi
    passed=$((passed + 1))
    good "$name" "$kernel" "$1" "$2" "$3" "$4" "${large:-0}"
}

# ---- compilers of this machine ----------------------------------------------
kernels()
{
    for k in portable fma2 avx2 avx512ifma; do
        vectors "$1" $k "$work/b/vectors-check"
    done
}
# minimal NAME OBJECTS FLAGS: libckks.a by $cc below the rest of OBJECTS
minimal()
{
    name=$1
    rest=$2
    rm -rf "$work/m"
    if make -j "$jobs" B="$work/m" CC="$cc" CFLAGS=-O2 MINIMAL=1 \
           "$work/m/libckks.a" >"$work/log" 2>&1 \
        && $cc $3 -o "$work/m/vectors-check" \
           $(find "$rest/nn" "$rest/vectors" -name '*.o') \
           "$rest/unet/tiles.o" "$rest/ckks/bytes/"file*.o \
           "$work/m/libckks.a" -lm >"$work/log" 2>&1
    then
        vectors "$name" portable "$work/m/vectors-check"
    else
        bad "$name does not build"
    fi
    rm -rf "$work/m"
}

# fftw_as_built NAME: FFTW below the objects of $FEW; what of them knows the FFT is
# compiled again.
fftw_as_built()
{
    name=$1
    rm -rf "$work/b"
    mkdir "$work/b"
    cp -rp "$FEW/omp" "$work/b"
    grep -l 'embed/fft' $(find "$work/b/omp/ckks" -name '*.d') \
        | sed 's/d$/o/' | xargs rm -f
    rm -f "$work/b/omp/ckks/embed/"fft_*.o
    if make -j "$jobs" B="$work/b" CC="$cc" FFT=fftw "$work/b/vectors-check" \
           >"$work/log" 2>&1 \
        && nm "$work/b/vectors-check" | grep -q ' U fftw_'; then
        kernels "$name"
    else
        bad "$name does not build"
    fi
}
few()
{
    cc=$built
    flags=
    ! nm "$FEW/omp/nn/schedule/parallel.o" | grep -qi ' U .*gomp\|kmpc' \
        || flags=-fopenmp
    name="as built, FFT=fftw"
    wanted "$name" && fftw_as_built "$name"
    name="as built, MINIMAL=1"
    wanted "$name" && minimal "$name" "$FEW/omp" $flags
}

good "compiler, flags or architecture" kernel operations sets cases \
    mismatches skipped
for cc in gcc clang; do
    if ! command -v $cc >/dev/null; then
        skip "$cc: not installed"
        continue
    fi
    tag="$cc $($cc -dumpfullversion 2>/dev/null || $cc -dumpversion)"
    levels="-O0 -O1 -O2 -O3"
    case $FEW$cc in
    gcc | clang) ;;
    *gcc) levels="-O0 -O3" ;;
    *) levels=-O2 ;;
    esac
    for level in $levels; do
        name="$tag $level"
        wanted "$name" && build "$name" CC=$cc CFLAGS=$level && kernels "$name"
    done
    [ -z "$FEW" ] || continue
    fftw="$tag -O2 FFT=fftw"
    wanted "$fftw" && build "$fftw" CC=$cc CFLAGS=-O2 FFT=fftw \
        && kernels "$fftw"
    small="$tag -O2 MINIMAL=1"
    wanted "$small" || continue
    build "$small" CC=$cc CFLAGS=-O2 HAVE_PNG=0 HAVE_JPEG=0 HAVE_OMP=0 \
        && minimal "$small" "$work/b/omp"
done
[ -z "$FEW" ] || few

# ---- other architectures ----------------------------------------------------
mkdir "$work/include"
cp "$(printf '#include <xxhash.h>\n' | cc -E -x c - 2>/dev/null \
      | sed -n 's/^# 1 "\(.*xxhash\.h\)".*/\1/p' | head -n 1)" \
    "$work/include" 2>/dev/null
for arch in aarch64 riscv64 s390x; do
    cc=$arch-linux-gnu-gcc
    name="$arch $cc -O2"
    wanted "$name" || continue
    qemu=$(command -v qemu-$arch || command -v qemu-$arch-static)
    if ! command -v $cc >/dev/null || [ -z "$qemu" ]; then
        skip "$arch: no $cc, or no qemu-$arch; make deps-cross"
        continue
    fi
    name="$arch, gcc $($cc -dumpfullversion) -O2"
    build "$name" CC=$cc CFLAGS="-O2 -isystem $work/include" \
        LIBS=-lm SANITIZE=-static HAVE_PNG=0 HAVE_JPEG=0 HAVE_OMP=0 \
        || continue
    vectors "$name" portable "$qemu" "$work/b/vectors-check"
    [ $arch != aarch64 ] \
        || vectors "$name" fma2 "$qemu" "$work/b/vectors-check"
done

# ---- no operating system ----------------------------------------------------
entropy=-DCKKS_ENTROPY=client_entropy
# bare NAME FLAGS LIBRARY-FLAGS: the client, $work/client; objects in $work/b
# are of these flags, but for what asks for randomness
bare()
{
    name=$1
    small="-Os $2 -ffunction-sections -fdata-sections"
    rm -f "$work/b/libckks.a"           # else make misses no object of it
    for source in $(grep -l CKKS_ENTROPY ckks/*/*.c); do
        rm -f "$work/b/obj/${source%.c}.o"
    done
    # shellcheck disable=SC2086
    make -j "$jobs" B="$work/b" MINIMAL=1 PIC= CC=arm-none-eabi-gcc \
        AR=arm-none-eabi-ar CFLAGS="$small -DCKKS_NO_MESSAGE $3" \
        >"$work/log" 2>&1 \
        && arm-none-eabi-gcc -std=c11 $small -Ickks -DCLIENT_ENTROPY \
           --specs=rdimon.specs -Wl,--gc-sections -s -o "$work/client" \
           tests/minimal/client.c "$work/b/libckks.a" -lm >>"$work/log" 2>&1 \
        && return 0
    bad "$name does not build"
    return 1
}
bytes()
{
    arm-none-eabi-size "$work/client" | awk 'NR == 2 { print $1 + $2 + $3 }'
}
name="arm-none-eabi-gcc Cortex-M4"
if ! wanted "$name"; then
    :
elif ! command -v arm-none-eabi-gcc >/dev/null; then
    skip "$name: no arm-none-eabi-gcc; make deps-cross"
elif bare "$name" "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16" \
    $entropy; then
    if [ "$(bytes)" -le 102400 ]; then
        passed=$((passed + 1))
        echo "$name: client of $(bytes) bytes, newlib included"
    else
        bad "$name: client of $(bytes) bytes, more than 100 KB"
    fi
    qemu=$(command -v qemu-arm || command -v qemu-arm-static)
    name="arm-none-eabi-gcc Cortex-A9"
    a9="-mcpu=cortex-a9 -marm -mfloat-abi=hard -mfpu=vfpv3"
    # ends NAME CODE: the client's exit code, a ckks_status
    ends()
    {
        "$qemu" "$work/client" >"$work/log" 2>&1
        code=$?
        if [ "$code" -eq "$2" ]; then
            passed=$((passed + 1))
            echo "$1: the client ends with $code"
        else
            bad "$1: the client's exit code is $code, not $2"
        fi
    }
    if [ -z "$qemu" ]; then
        skip "$name: no qemu-arm; make deps-cross"
    else
        rm -rf "$work/b"
        bare "$name" "$a9" $entropy && ends "$name" 0
        bare "$name" "$a9" && ends "$name without randomness" 9
    fi
fi

printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
