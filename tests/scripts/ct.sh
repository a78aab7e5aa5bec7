#!/bin/sh
# ct.sh BUILD -- no jump, no address and no division depends on a secret: a
# quick look at BUILD/libckks.a as it was built.
# ct.sh all [METHOD] -- the whole matrix, built anew: two compilers, four levels
# of optimisation, all kernels, both rings (`make check-ct`, which needs
# `make deps-ct`).
#
# Four methods look at the objects that the Makefile builds, not at others made
# for them; the first two at the same programs, tests/ct/owner.c and, of two
# parties, tests/ct/blind.c, the first at tests/ct/transfers.c and linear.c, too:
#   poison    secrets are undefined for valgrind's memcheck: any value, on the
#             paths taken.  All but avx512ifma, which memcheck does not know.  What
#             it may report: tests/ct/allowed.
#   trace     the program steps through its own machine code with two sets of
#             secrets; instructions, addresses, dividends are compared.  All.
#   branches  follows vectors of data through the machine code of fma2, avx2
#             and avx512ifma: any value, all paths.
#   timing    times of one secret against those of many (Welch's t).  All.
# Each must see planted faults.  The last line is "N passed, N failed", with
# what was skipped.
here=$(cd "$(dirname "$0")/.." && pwd)
root=$(dirname "$here")
cc=${CC:-gcc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0
skipped=0

ok()
{
    echo "ok   $*"
    passed=$((passed + 1))
}
bad()
{
    echo "FAIL $*"
    failed=$((failed + 1))
}
skip()
{
    echo "skip $*"
    skipped=$((skipped + 1))
}

wrap=-Wl
for f in sample_ternary sample_error sample_uniform stream_read kernel_choose
do
    wrap=$wrap,--wrap=cki_$f
done
libs="-lxxhash -lm"

# program NAME LIBRARY FLAG... -- $work/NAME from tests/ct/NAME.c without what
# follows a dash in NAME; objects among the flags come before the library's.
program()
{
    out=$1
    lib=$2
    shift 2
    nm "$lib" 2>/dev/null | grep -q fftw_ && fft=-lfftw3 || fft=
    own="$here/ct/owner.c $wrap"
    [ "${out%%-*}" = timing ] && own=
    "$cc" -std=gnu11 -O1 -gdwarf-4 -I"$root/ckks" -I"$here/ct" \
          $own "$here/ct/${out%%-*}.c" "$@" "$lib" \
          $fft -pthread $libs -o "$work/$out" 2>"$work/log" \
        || { sed 5q "$work/log"; return 1; }
}

# ---- poison -----------------------------------------------------------------

# poison PROGRAM KERNEL RING: 0 without reports; $work/out.
poison()
{
    valgrind -v --error-limit=no --leak-check=no \
             --suppressions="$here/ct/allowed" "$work/$1" "$2" "$3" 7 \
             >"$work/out" 2>"$work/err"
    code=$?
    sed -n 's/.*used_suppression: *[0-9]* \([^ ]*\).*/\1/p' "$work/err" \
        >>"$work/used"
    return $code
}

# What it saw, in one line; where, below.
poison_line()
{
    tail -n 1 "$work/out" | tr '\n' ' '
}
poison_places()
{
    sed -n 's/.* at 0x[0-9A-F]*: /    at /p' "$work/err" | sort | uniq -c
}

# poison_all LABEL LIBRARY
poison_all()
{
    label=$1
    program poison "$2" || { bad "$label: tests/ct/poison.c"; return; }
    for k in $poison_kernels; do
        for ring in complex real; do
            if poison poison $k $ring; then
                ok "$label, $k, $ring ring: $(poison_line)"
            elif grep -q "debuginfo reader" "$work/err"; then
                skip "$label, $k, $ring ring: this valgrind cannot read the" \
                     "compiler's debug information (try -gdwarf-4)"
            else
                bad "$label, $k, $ring ring: $(poison_line)"
                sed '$d' "$work/out"
                poison_places
            fi
        done
    done
}

# ---- trace ------------------------------------------------------------------

trace_program()
{
    program "$@" -static -no-pie || return 1
    objdump -d --no-show-raw-insn "$work/$1" >"$work/$1.list"
}

# trace PROGRAM KERNEL RING [kernel [PHASE]]
trace()
{
    t=$1
    shift
    case $1 in                  # the smallest ring that is not left to portable
    avx512ifma) n=7 ;;
    avx2 | fma2) n=6 ;;
    *) n=5 ;;
    esac
    k=$1
    ring=$2
    shift 2
    "$work/$t" $k $ring $n "$work/$t.list" "$@" >"$work/out" 2>&1
}

# trace_all LABEL LIBRARY KERNELS RINGS [kernel]
trace_all()
{
    label=$1
    kernels=$3
    rings=$4
    trace_program trace "$2" || { bad "$label: tests/ct/trace.c"; return; }
    shift 4
    for k in $kernels; do
        for ring in $rings; do
            if trace trace $k $ring "$@"; then
                ok "$label, step by step: $(tail -n 1 "$work/out")"
            else
                bad "$label, step by step: $k, $ring ring"
                sed 20q "$work/out"
            fi
        done
    done
}

# ---- branches and timing ----------------------------------------------------

# branches LABEL OBJECT...
branches()
{
    label=$1
    shift
    if python3 "$here/ct/branches.py" "$@" >"$work/out" 2>&1; then
        ok "$label, vectors in machine code: $(tail -n 1 "$work/out")"
    else
        bad "$label, vectors in machine code: $(tail -n 1 "$work/out")"
        sed -n '1,20p' "$work/out"
    fi
}

# timing LABEL LIBRARY
timing()
{
    program timing "$2" || { bad "$1: tests/ct/timing.c"; return; }
    for k in $trace_kernels; do
        if "$work/timing" $k >"$work/out" 2>&1; then
            ok "$1, times: $(tail -n 1 "$work/out")"
        else
            bad "$1, times: $(tail -n 1 "$work/out")"
        fi
    done
}

# ---- faults, which they must see --------------------------------------------

# fault FILE SED SOURCE FLAG... -- $work/fault.o: kernel/SOURCE, FILE edited.
fault()
{
    file=$1
    edit=$2
    source=$3
    shift 3
    rm -rf "$work/tree"
    mkdir "$work/tree"
    cp -r "$root/ckks" "$work/tree/"
    sed "$edit" "$root/ckks/$file" >"$work/tree/ckks/$file"
    if cmp -s "$root/ckks/$file" "$work/tree/ckks/$file"; then
        echo "the edit changes nothing"
        return 1
    fi
    "$cc" -std=c11 -O2 -g -ffp-contract=off "$@" -I"$work/tree/ckks" -c \
          "$work/tree/ckks/kernel/$source" -o "$work/fault.o"
}

# must_see NAME METHOD LIBRARY KERNEL FAULT...
must_see()
{
    what=$1
    method=$2
    lib=$3
    k=$4
    shift 4
    if ! fault "$@"; then
        bad "planted fault: $what"
        return
    fi
    case $method in
    poison)
        program poison-fault "$lib" "$work/fault.o" \
            && poison poison-fault $k complex ;;
    trace)
        trace_program trace-fault "$lib" "$work/fault.o" \
            && trace trace-fault $k complex kernel words ;;
    branches)
        python3 "$here/ct/branches.py" "$work/fault.o" >"$work/out" 2>&1 ;;
    timing)
        program timing-fault "$lib" "$work/fault.o" \
            && "$work/timing-fault" $k >"$work/out" 2>&1 ;;
    esac
    if [ $? -eq 1 ] && tail -n 1 "$work/out" \
           | grep -Eq '^[1-9][0-9]* reports|[:,] [1-9][0-9]* (of|reports)'; then
        ok "$method sees $what, $k: $(tail -n 1 "$work/out")"
    else
        bad "$method does not see $what, $k"
    fi
}

# A comparison that jumps, one that addresses, one that divides; vectors that
# jump and that address.
jump='/^static inline uint64_t cki_below/,/^}/c\
static inline uint64_t cki_below(uint64_t x, uint64_t y)\
{\
    if (x >= y) {\
        __asm__ volatile("");\
        x -= y;\
    }\
    return x;\
}'
table='/^static inline uint64_t cki_below/,/^}/c\
static inline uint64_t cki_below(uint64_t x, uint64_t y)\
{\
    volatile uint64_t less[2] = { 0, y };\
    return x - less[x >= y];\
}'
division='/^static inline uint64_t cki_below/,/^}/c\
static inline uint64_t cki_below(uint64_t x, uint64_t y)\
{\
    return x % y;\
}'
avx2='s/^    return _mm256_blendv_pd(x, _mm256_add_pd(x, p), x);/    return _mm256_movemask_pd(x) ? _mm256_blendv_pd(x, _mm256_add_pd(x, p), x) : x;/'
avx2_flags="-mavx2 -mfma"
fma2='s/^    return x + where(x < all(0), p);/    const ints less = x < all(0);\n    return (less[0] | less[1]) != 0 ? x + where(less, p) : x;/'
ifma='/^static inline vec fold(vec x, vec y)/,/^}/s/return /if (_mm512_cmplt_epu64_mask(x, y) == 0xff) return x; return /'
gather='/^static inline vec fold(vec x, vec y)/,/^}/s/return /x = _mm512_i64gather_epi64(_mm512_and_si512(x, _mm512_set1_epi64(7)), \&x, 8); return /'
ifma_flags="-mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx512vnni -mavx512ifma"

faults_poison()
{
    must_see "a jump" poison "$1" portable base/word.h "$jump" portable/pointwise.c
    must_see "a table" poison "$1" portable base/word.h "$table" portable/pointwise.c
    if echo $poison_kernels | grep -q avx2; then
        must_see "a jump by a vector" poison "$1" avx2 kernel/avx2/lanes.h "$avx2" \
                 avx2/kernel.c $avx2_flags
    fi
}

faults_branches()
{
    must_see "a jump by a vector" branches - fma2 kernel/fma2/lanes.h "$fma2" \
             fma2/kernel.c -mfma
    must_see "a jump by a vector" branches - avx2 kernel/avx2/lanes.h "$avx2" \
             avx2/kernel.c $avx2_flags
    must_see "a jump by a vector" branches - avx512ifma kernel/ifma/ifma.h \
             "$ifma" ifma/pointwise.c $ifma_flags
    must_see "a gather" branches - avx512ifma kernel/ifma/ifma.h "$gather" \
             ifma/pointwise.c $ifma_flags
}

faults_trace()
{
    case $best in
    avx512ifma)
        must_see "a jump by a vector" trace "$1" avx512ifma \
                 kernel/ifma/ifma.h "$ifma" ifma/pointwise.c $ifma_flags ;;
    avx2)
        must_see "a jump by a vector" trace "$1" avx2 kernel/avx2/lanes.h "$avx2" \
                 avx2/kernel.c $avx2_flags ;;
    esac
    [ "$2" = all ] || return
    must_see "a jump" trace "$1" portable base/word.h "$jump" portable/pointwise.c
    must_see "a table" trace "$1" portable base/word.h "$table" portable/pointwise.c
    must_see "a division" trace "$1" portable base/word.h "$division" portable/pointwise.c
}

# ---- two parties ------------------------------------------------------------
#
# tests/ct/blind.c in place of owner.c, over the objects of unet/blind that
# garble; branches looks at their kernels.

blind_wrap=
for f in blind_receive blind_send blind_sender_delta blind_wire_send \
    blind_wire_receive malloc aligned_alloc free
do
    blind_wrap="$blind_wrap -Wl,--wrap=$f"
done
blind_names="aes chunk circuit garble mux relu max labels overflow transpose portable/aes"
[ "$(uname -m)" != x86_64 ] || blind_names="$blind_names aesni/aes aesni/gates \
    aesni/transpose vaes/aes vaes/gates"

# blind_program NAME DIR FLAG...: as program, DIR the build's; objects among the
# flags in place of the build's of the same name.
blind_program()
{
    out=$1
    dir=$2
    shift 2
    objects=
    for o in $blind_names; do
        case " $* " in
        *"/${o##*/}-fault.o "*) ;;
        *) objects="$objects $dir/obj/unet/blind/$o.o" ;;
        esac
    done
    "$cc" -std=gnu11 -O1 -gdwarf-4 -I"$root/ckks" -I"$root/nn" \
          -I"$root/unet" -I"$here/ct" $blind_wrap "$here/ct/blind.c" \
          "$here/ct/${out%%-*}.c" "$@" $objects "$dir/libckks.a" $libs \
          -o "$work/$out" 2>"$work/log" \
        || { sed 5q "$work/log"; return 1; }
}

# blind_poison LABEL DIR
blind_poison()
{
    blind_program poison-blind "$2" || { bad "$1: tests/ct/blind.c"; return; }
    for k in $blind_kernels; do
        if poison poison-blind $k complex; then
            ok "$1, two parties, $k: $(poison_line)"
        elif grep -q "debuginfo reader" "$work/err"; then
            skip "$1, two parties, $k: this valgrind cannot read the" \
                 "compiler's debug information (try -gdwarf-4)"
        else
            bad "$1, two parties, $k: $(poison_line)"
            sed '$d' "$work/out"
            poison_places
        fi
    done
}

# Whether the kernel `vaes` runs here: there are machines that have the
# instructions without AVX-512.
has_vaes()
{
    grep -qw vaes /proc/cpuinfo && grep -qw avx512bw /proc/cpuinfo
}

# blind_trace LABEL DIR KERNEL: where memcheck does not reach, all of it.
blind_trace()
{
    blind_program trace-blind "$2" -static -no-pie \
        && objdump -d --no-show-raw-insn "$work/trace-blind" \
               >"$work/trace-blind.list" \
        || { bad "$1: tests/ct/blind.c"; return; }
    if "$work/trace-blind" $3 complex 7 "$work/trace-blind.list" \
           >"$work/out" 2>&1; then
        ok "$1, two parties, step by step: $(tail -n 1 "$work/out")"
    else
        bad "$1, two parties, step by step: $3"
        sed 20q "$work/out"
    fi
}

# A choice by a jump, in what all gates choose by.
blind_fault='/^static inline blind_block blind_masked/,/^}/c\
static inline blind_block blind_masked(blind_block x, unsigned bit)\
{\
    if (bit == 0) {\
        __asm__ volatile("");\
        x.w[0] = x.w[1] = 0;\
    }\
    return x;\
}'

blind_faults()
{
    mkdir -p "$work/blind/blind"
    cp "$root"/unet/blind/*.h "$work/blind/blind/"
    sed "$blind_fault" "$root/unet/blind/number.h" >"$work/blind/blind/number.h"
    if cmp -s "$root/unet/blind/number.h" "$work/blind/blind/number.h"; then
        bad "planted fault: the edit of number.h changes nothing"
        return
    fi
    "$cc" -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -gdwarf-4 \
          -I"$work/blind" -I"$root/ckks" -I"$root/nn" -c \
          "$root/unet/blind/garble.c" -o "$work/garble-fault.o"
    if blind_program poison-bad "$1" "$work/garble-fault.o" \
        && ! poison poison-bad portable complex \
        && tail -n 1 "$work/out" | grep -Eq '^[1-9][0-9]* reports'; then
        ok "poison sees a jump by a colour: $(tail -n 1 "$work/out")"
    else
        bad "poison does not see a jump by a colour"
    fi
}

# The same for tests/ct/transfers.c: base transfers, trees, extension.
transfer_wrap="-Wl,--wrap=ckks_rng_bytes,--wrap=blind_wire_send"
transfer_wrap="$transfer_wrap,--wrap=blind_wire_receive"
transfer_names="aes garble transfer tree transpose base group portable/aes"
[ "$(uname -m)" != x86_64 ] || transfer_names="$transfer_names aesni/aes \
    aesni/gates aesni/transpose vaes/aes vaes/gates"

# transfer_program NAME DIR OBJECT...
transfer_program()
{
    out=$1
    dir=$2
    shift 2
    objects=
    for o in $transfer_names; do
        case " $* " in
        *"/${o##*/}-fault.o "*) ;;
        *) objects="$objects $dir/obj/unet/blind/$o.o" ;;
        esac
    done
    "$cc" -std=gnu11 -O1 -gdwarf-4 -I"$root/ckks" -I"$root/nn" \
          -I"$root/unet" -I"$here/ct" $transfer_wrap "$here/ct/transfers.c" \
          "$here/ct/poison.c" "$@" $objects "$dir/libckks.a" -lgmp $libs \
          -o "$work/$out" 2>"$work/log" \
        || { sed 5q "$work/log"; return 1; }
}

# transfer_poison LABEL DIR
transfer_poison()
{
    transfer_program poison-transfers "$2" \
        || { bad "$1: tests/ct/transfers.c"; return; }
    for k in $blind_kernels; do
        if poison poison-transfers $k complex; then
            ok "$1, transfers, $k: $(poison_line)"
        elif grep -q "debuginfo reader" "$work/err"; then
            skip "$1, transfers, $k: this valgrind cannot read the compiler's" \
                 "debug information (try -gdwarf-4)"
        else
            bad "$1, transfers, $k: $(poison_line)"
            sed '$d' "$work/out"
            poison_places
        fi
    done
}

# transfer_fault FILE DIR KERNEL: a jump by a mask, in unet/blind/FILE.c; the
# base transfers run with the portable kernel alone.
transfer_fault()
{
    file=$1
    sed '/mask = .*cki_mask(/s/$/ if (mask != 0) __asm__ volatile("");/' \
        "$root/unet/blind/$file.c" >"$work/$file-fault.c"
    if cmp -s "$root/unet/blind/$file.c" "$work/$file-fault.c"; then
        bad "planted fault: the edit of $file.c changes nothing"
        return
    fi
    "$cc" -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -gdwarf-4 -I"$root/unet" \
          -I"$root/ckks" -I"$root/nn" -c "$work/$file-fault.c" \
          -o "$work/$file-fault.o"
    if transfer_program poison-bad "$2" "$work/$file-fault.o" \
        && ! poison poison-bad $3 complex \
        && tail -n 1 "$work/out" | grep -Eq '^[1-9][0-9]* reports'; then
        ok "poison sees a jump by a choice, $file.c: $(tail -n 1 "$work/out")"
    else
        bad "poison does not see a jump by a choice, $file.c"
    fi
}

# The same for tests/ct/linear.c: convolutions and squares.  Kernels are the
# library's.  By their own steps they would take minutes: their code is C alone,
# and what they call of avx512ifma is looked at with the library.
linear_wrap=
for f in cki_sample_ternary cki_sample_error cki_sample_uniform \
    cki_stream_init cki_stream_read cki_rng_stream cki_kernel_choose \
    blind_wire_send blind_wire_receive blind_wire_breathe malloc \
    aligned_alloc free
do
    linear_wrap="$linear_wrap -Wl,--wrap=$f"
done
linear_names="ring he tile conv conv_client conv_server conv_reply convolve \
    conv_layout conv_sums values portable/values avx2/values ifma/values \
    square share"

# linear_program NAME DIR OBJECT...
linear_program()
{
    out=$1
    dir=$2
    shift 2
    objects=
    for o in $linear_names; do
        case " $* " in
        *"/$o-fault.o "*) continue ;;
        esac
        [ ! -f "$dir/obj/unet/blind/$o.o" ] \
            || objects="$objects $dir/obj/unet/blind/$o.o"
    done
    "$cc" -std=gnu11 -O1 -gdwarf-4 -I"$root/ckks" -I"$root/nn" \
          -I"$root/unet" -I"$here/ct" $linear_wrap "$here/ct/linear.c" \
          "$here/ct/poison.c" "$@" $objects "$dir/libckks.a" -pthread $libs \
          -o "$work/$out" 2>"$work/log" \
        || { sed 5q "$work/log"; return 1; }
}

# linear_poison LABEL DIR
linear_poison()
{
    linear_program poison-linear "$2" || { bad "$1: tests/ct/linear.c"; return; }
    for k in $poison_kernels; do
        if poison poison-linear $k complex; then
            ok "$1, convolutions and squares, $k: $(poison_line)"
        elif grep -q "debuginfo reader" "$work/err"; then
            skip "$1, convolutions and squares, $k: this valgrind cannot read" \
                 "the compiler's debug information (try -gdwarf-4)"
        else
            bad "$1, convolutions and squares, $k: $(poison_line)"
            sed '$d' "$work/out"
            poison_places
        fi
    done
}

# linear_fault WHAT FILE SED DIR: unet/blind/FILE.c, edited.
linear_fault()
{
    file=$2
    sed "$3" "$root/unet/blind/$file.c" >"$work/$file-fault.c"
    if cmp -s "$root/unet/blind/$file.c" "$work/$file-fault.c"; then
        bad "planted fault: the edit of $file.c changes nothing"
        return
    fi
    "$cc" -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -gdwarf-4 \
          -I"$root/unet/blind" -I"$root/unet" -I"$root/ckks" -I"$root/nn" \
          -c "$work/$file-fault.c" -o "$work/$file-fault.o"
    if linear_program poison-bad "$4" "$work/$file-fault.o" \
        && ! poison poison-bad ${5:-portable} complex \
        && tail -n 1 "$work/out" | grep -Eq '^[1-9][0-9]* reports'; then
        ok "poison sees $1, $file.c: $(tail -n 1 "$work/out")"
    else
        bad "poison does not see $1, $file.c"
    fi
}

# linear_faults DIR [all]: what jumps, and a table; the last one is how
# combinations choose their way.
linear_faults()
{
    linear_fault "a jump by a decrypted word" conv_client \
        's/^ *out\[blind_conv_place(.*/if (z[0] \& 1) __asm__ volatile(""); &/' \
        "$1"
    linear_fault "a table at a share" conv \
        's/to\[i\] = /&((volatile const uint8_t *)k)[from[row.pixel + i] \& 1] + /' \
        "$1"
    linear_fault "a jump by a weight" conv_sums \
        '/^static int32_t sums_weight(/,/^}/s/^    if (!g->transposed)/    if (*h->weight == 0) __asm__ volatile(""); &/' \
        "$1"
    linear_fault "a jump by a mask" conv_reply \
        's/^ *minus\[l\] = .*/& if (minus[l] \& 1) __asm__ volatile("");/' "$1"
    case "$2 $poison_kernels" in
    "all "*avx2*) linear_fault "a way chosen by weights" conv_sums \
                      's/wide = 1 << 15;/wide = 1;/' "$1" avx2 ;;
    esac
}

# blind_quick LABEL DIR
blind_quick()
{
    if [ ! -f "$2/obj/unet/blind/garble.o" ]; then
        skip "$1, two parties: not in this build (GMP)"
        return
    fi
    if [ -n "$have_valgrind" ]; then
        blind_poison "$1" "$2"
        blind_faults "$2"
        transfer_poison "$1" "$2"
        transfer_fault transfer "$2" "${blind_kernels##* }"
        transfer_fault tree "$2" "${blind_kernels##* }"
        transfer_fault base "$2" portable
        linear_poison "$1" "$2"
        linear_faults "$2"
    fi
    [ "$(uname -s) $(uname -m)" = "Linux x86_64" ] || return
    ! has_vaes || blind_trace "$1" "$2" vaes
    branches "$1, two parties" "$2"/obj/unet/blind/[aiv]*/*.o
}

# ---- what this machine has --------------------------------------------------

poison_kernels=portable
blind_kernels=portable
grep -qw aes /proc/cpuinfo && grep -qw avx2 /proc/cpuinfo \
    && blind_kernels="portable aesni"
trace_kernels=
best=
if [ "$(uname -s) $(uname -m)" = "Linux x86_64" ]; then
    trace_kernels=portable
    if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
        poison_kernels="portable fma2 avx2"
        best=avx2
        trace_kernels="portable fma2 avx2"
    fi
    if grep -qw avx512ifma /proc/cpuinfo && grep -qw avx512_vnni /proc/cpuinfo
    then
        best=avx512ifma
        trace_kernels="avx512ifma avx2 fma2 portable"
    fi
fi
have_gmp=
! printf '#include <gmp.h>\n' | "$cc" -E -x c - >/dev/null 2>&1 || have_gmp=yes
have_valgrind=
if command -v valgrind >/dev/null \
    && printf '#include <valgrind/memcheck.h>\n' | "$cc" -E -x c - \
           >/dev/null 2>&1; then
    have_valgrind=yes
fi

quick()
{
    if [ -n "$have_valgrind" ]; then
        poison_all "as built" "$1"
        [ "$skipped" -gt 0 ] || faults_poison "$1"
    else
        skip "memcheck: no valgrind"
    fi
    if [ -n "$trace_kernels" ] && command -v objdump >/dev/null; then
        trace_all "as built" "$1" "${best:-portable}" complex kernel
        faults_trace "$1"
        if command -v python3 >/dev/null; then
            for set in obj omp; do      # of the libraries, of the command
                [ ! -f "${1%/*}/$set/ckks/kernel/avx2/kernel.o" ] \
                    || branches "as built, $set" \
                                "${1%/*}/$set"/ckks/kernel/[afi]*/*.o
            done
            faults_branches
        else
            skip "vectors in machine code: no python3"
        fi
    else
        skip "step by step: needs Linux on x86-64, and objdump"
    fi
    blind_quick "as built" "${1%/*}"
}

# build DIR FLAG... -- the library alone, with the built-in FFT, and what two
# parties garble, transfer and multiply with: he.h wants words of 128 bits.
build()
{
    dir=$1
    shift
    case " $* " in
    *-DCKKS_NO_INT128*) names= ;;
    *) names=$linear_names ;;
    esac
    [ -z "$have_gmp" ] || for o in $blind_names $transfer_names $names; do
        set -- "$@" "$dir/obj/unet/blind/$o.o"
    done
    make -C "$root" B="$dir" FFT=builtin "$@" "$dir/libckks.a" \
        >"$work/log" 2>&1 || { tail -n 3 "$work/log"; return 1; }
}

# matrix COMPILER LEVEL "FLAGS" NAME
matrix()
{
    made=$root/build-ct/$1$2$4
    if build "build-ct/$1$2$4" CC=$1 CFLAGS="$2 -gdwarf-4 $3"; then
        poison_all "$1 $2$4" "$made/libckks.a"
        [ ! -f "$made/obj/unet/blind/garble.o" ] \
            || { blind_poison "$1 $2$4" "$made"
                 transfer_poison "$1 $2$4" "$made"; }
        [ ! -f "$made/obj/unet/blind/he.o" ] \
            || linear_poison "$1 $2$4" "$made"
    else
        bad "$1 $2$4: it does not build"
    fi
}

# Every entry was needed by some build.
allowed_needed()
{
    for e in $(sed -n '/^{/{n;s/ *//;p;}' "$here/ct/allowed"); do
        if grep -qx "$e" "$work/used"; then
            ok "allowed and needed: $e"
        else
            bad "allowed and never needed: $e"
        fi
    done
}

all()
{
    if [ -z "$have_valgrind" ] || ! command -v clang >/dev/null; then
        bad "no valgrind or no clang: make deps-ct"
        return
    fi
    case ${1:-poison} in
    poison)
        for level in -O1 -O2 -O3 -Os; do
            for c in gcc clang; do
                matrix $c $level "" ""
            done
        done
        for c in gcc clang; do          # the C of other machines
            matrix $c -O2 "-DCKKS_NO_CMOV -DCKKS_NO_INT128" -plain
            matrix $c -O3 "-DCKKS_NO_CMOV" -plain
        done
        allowed_needed
        faults_poison "$root/build-ct/gcc-O2/libckks.a"
        [ -z "$have_gmp" ] || { blind_faults "$root/build-ct/gcc-O2"
                                linear_faults "$root/build-ct/gcc-O2" all; } ;;
    esac
    [ -n "$trace_kernels" ] || return
    for c in gcc clang; do
        dir=build-ct/$c-O2
        build "$dir" CC=$c CFLAGS="-O2 -gdwarf-4" || bad "$c -O2: no build"
        dir=$root/$dir
        only=
        [ $c = gcc ] || only=kernel
        case ${1:-branches} in
        branches) branches "$c -O2" "$dir"/obj/ckks/kernel/[ai]*/*.o ;;
        esac
        case ${1:-timing} in
        timing) timing "$c -O2" "$dir/libckks.a" ;;
        esac
        if [ -f "$dir/obj/unet/blind/garble.o" ]; then
            case ${1:-branches} in
            branches) branches "$c -O2, two parties" \
                               "$dir"/obj/unet/blind/[av]*/*.o ;;
            esac
            case ${1:-trace} in
            trace) ! has_vaes \
                       || blind_trace "$c -O2" "$dir" vaes ;;
            esac
        fi
        case ${1:-trace} in
        trace) trace_all "$c -O2" "$dir/libckks.a" "$trace_kernels" \
                         "complex real" $only ;;
        esac
    done
    case ${1:-branches} in
    branches) faults_branches ;;
    esac
    case ${1:-trace} in
    trace) faults_trace "$root/build-ct/gcc-O2/libckks.a" all ;;
    esac
    case ${1:-timing} in
    timing) must_see "a jump" timing "$root/build-ct/gcc-O2/libckks.a" \
                     portable base/word.h "$jump" portable/pointwise.c ;;
    esac
}

if [ "$1" = all ]; then
    shift
    all "$@"
else
    quick "$1/libckks.a"
fi
printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
