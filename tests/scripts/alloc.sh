#!/bin/sh
# alloc.sh BUILD -- memory and entropy that end: every verb of BUILD/volley with
# its k-th allocation failing, for all k, and with each of its calls for entropy
# failing; and that the tests of the libraries' functions (test_misuse_memory.c,
# test_memory.c, test_memory_seal.c, test_entropy.c) leave none out.
#
# With CKKS_LONG=1 a network with masks besides that with classes, and samples
# in which what OpenMP's library allocates fails too and, where FFTW is
# installed, of a build with it.  Needs glibc; elsewhere the verbs are skipped.
# Ends with "N passed, N failed[, N skipped]".
root=$(cd "$(dirname "$0")/../.." && pwd)
case ${1:-build} in
    /*) volley=$1/volley ;;
    *) volley=$PWD/${1:-build}/volley ;;
esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$root" || exit 1
passed=0
failed=0
skipped=0

# judge NAME OFFENDERS
judge()
{
    if [ -z "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1: $(echo "$2" | tr '\n' ' ' | cut -c1-400)"
    fi
}
finish()
{
    printf '%s passed, %s failed' "$passed" "$failed"
    [ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
    echo
    [ "$failed" -eq 0 ]
    exit
}

# ---- no function left out ---------------------------------------------------
# covers LIBRARY FILE...: the names in quotes there are its headers' functions
covers()
{
    header=$1 prefix=${1}_
    shift
    sh tests/scripts/exports.sh "$header" >"$work/declared"
    grep -Eho "\"$prefix[a-z0-9_]+\"" "$@" | tr -d '"' | sort -u \
        >"$work/covered"
    judge "every function of $header in $*" \
        "$(comm -23 "$work/declared" "$work/covered")"
    judge "functions of $header only in $*" \
        "$(comm -13 "$work/declared" "$work/covered")"
}
covers ckks tests/ckks/test_misuse_memory.c tests/ckks/test_memory_seal.c
covers nn tests/unet/test_memory.c
covers unet tests/unet/test_memory.c
# Functions with a generator among their arguments, but those of it alone.
tr '\n' ' ' <ckks/ckks.h | grep -Eo '[a-z_0-9]+\([^();]*ckks_rng \*[^();]*\);' \
    | sed 's/(.*//' | grep -Ev '^ckks_rng_(init|clear)$' | sort -u \
    >"$work/declared"
sed -n '/drawings\[\] = {/,/};/p' tests/ckks/test_entropy.c \
    | grep -Eo '"ckks_[a-z_]+"' | tr -d '"' | sort -u >"$work/covered"
judge "test_entropy.c has the functions of ckks.h that draw" \
    "$([ -s "$work/declared" ] || echo none; \
       diff "$work/declared" "$work/covered")"

# ---- the tools --------------------------------------------------------------
CC=${CC:-cc}
if ! $CC -std=c11 -O2 -fPIC -shared -o "$work/fail.so" tests/alloc/fail.c \
     2>"$work/log" || ! $CC -std=c11 -O2 -o "$work/every" tests/alloc/every.c \
     2>>"$work/log" || [ ! -x "$volley" ]; then
    skipped=$((skipped + 1))
    echo "skip verbs: no glibc, or no $volley"
    finish
fi

# ---- models -----------------------------------------------------------------
# model NAME HEIGHT NETWORK TENSORS FLOATS: FLOATS numbers of 1/4
model()
{
    text=$(echo "$3" | tr '\n' ' ' | sed 's/"/\\"/g')
    head='{"__metadata__": {"format": "volley-1", "network": "'$text'",
"origin": "made by a test"}, '$4'}'
    size=$(printf %s "$head" | wc -c)
    {
        printf "$(printf '\\%03o\\%03o' $((size % 256)) $((size / 256)))"
        printf '\000\000\000\000\000\000'
        printf %s "$head"
        i=0
        while [ "$i" -lt "$5" ]; do
            printf '\000\000\200\076'
            i=$((i + 1))
        done
    } >"$work/$1.safetensors"
    { printf 'P5\n%s %s\n255\n' "$2" "$2"
      head -c $(($2 * $2)) /dev/zero | tr '\0' 'd'; } >"$work/$1.pgm"
}
# tensor NAME SHAPE FROM TO: of floats
tensor()
{
    printf '"%s": {"dtype": "F32", "shape": [%s], "data_offsets": [%s, %s]}' \
        "$1" "$2" $((4 * $3)) $((4 * $4))
}
range='{"max": 1, "rms": 0.5, "gain": 1}'
model classes 2 '{"name": "tiny", "border": "valid",
 "input": {"channels": 1, "height": 2, "width": 2, "mul": 0.004, "add": 0},
 "output": {"tensor": "logit", "classes": ["a", "b"]},
 "layers": [{"op": "dense", "name": "logit", "in": ["image"], "weight": "w",
             "bias": "b"}],
 "ranges": {"image": '"$range"', "logit": '"$range"'}}' \
    "$(tensor w '2, 4' 0 8), $(tensor b 2 8 10)" 10
model mask 4 '{"name": "tiny", "border": "zero",
 "input": {"channels": 1, "height": 4, "width": 4, "mul": 0.004, "add": 0},
 "output": {"tensor": "logit", "threshold": 0.4, "foreground": "spot"},
 "layers": [{"op": "conv", "name": "c", "in": ["image"], "weight": "w",
             "bias": "b", "kernel": 1},
            {"op": "square", "name": "logit", "in": ["c"]}],
 "ranges": {"image": '"$range"', "c": '"$range"', "logit": '"$range"'}}' \
    "$(tensor w '1, 1, 1, 1' 0 1), $(tensor b 1 1 2)" 2

# ---- verbs ------------------------------------------------------------------
# each KIND MOST VERB OUTPUT... -- ARGUMENTS...
each()
{
    kind=$1 count=$2 verb=$3
    shift 3
    outputs=
    while [ "$1" != -- ]; do
        outputs="$outputs $1"
        shift
    done
    shift
    # shellcheck disable=SC2086
    if "$work/every" "$work/fail.so" "$count" "$kind" $outputs -- \
           "$program" "$verb" "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        echo "ok   $name, $verb, $kind: $(tail -n 1 "$work/log")"
    else
        failed=$((failed + 1))
        echo "FAIL $name, $verb, $kind: $(tail -n 1 "$work/log")"
        sed '$d' "$work/log"
    fi
}

# way NAME PROGRAM MODEL RESULT KIND MOST: every verb
way()
{
    name=$1 program=$2 model=$work/$3.safetensors image=$work/$3.pgm
    result=$4 kind=$5 count=$6
    rm -rf "$work/way"
    mkdir -p "$work/way/here/key"
    cd "$work/way" || exit 1
    if ! { "$program" plan "$model" -o n.plan \
        && "$program" keygen n.plan --out keys \
        && "$program" encrypt n.plan --key keys/secret.key "$image" -o in.vct \
        && "$program" evaluate "$model" --plan n.plan --keys keys/eval.keys \
               in.vct -o out.vct \
        && "$program" evaluate "$model" --plan n.plan --keys keys/eval.keys \
               in.vct --part 1/1 -o part.vct; } >log 2>&1; then
        failed=$((failed + 1))
        echo "FAIL $name: $(tail -n 1 log)"
        cd "$root" || exit 1
        return
    fi
    cd here || exit 1
    each "$kind" "$count" plan n.plan - -- "$model" -o n.plan
    each "$kind" "$count" keygen '~key/secret.key' '~key/eval.keys' \
        key/owner.json -- ../n.plan --out key --force
    each "$kind" "$count" encrypt '~in.vct' -- ../n.plan \
        --key ../keys/secret.key "$image" -o in.vct
    each "$kind" "$count" evaluate out.vct -- "$model" --plan ../n.plan \
        --keys ../keys/eval.keys ../in.vct -o out.vct
    each "$kind" "$count" join out.vct -- ../part.vct -o out.vct
    each "$kind" "$count" decrypt "$result" -- ../n.plan \
        --key ../keys/secret.key ../out.vct -o "$result"
    each "$kind" "$count" clear "$result" -- "$model" --plan ../n.plan \
        "$image" -o "$result"
    case $result in
        *.csv) each "$kind" "$count" run -- "$model" --plan ../n.plan \
                   --keys ../keys "$image" ;;     # scores differ from run to run
        *) each "$kind" "$count" run "$result" -- "$model" --plan ../n.plan \
               --keys ../keys "$image" -o "$result" ;;
    esac
    judge "$name, run, $kind: nothing is left beside the keys" \
        "$(cd ../keys && find . -name 'run-*')"
    each "$kind" "$count" info - -- ../in.vct
    if [ "$kind" = memory ]; then
        each entropy 0 keygen '~key/secret.key' '~key/eval.keys' \
            key/owner.json -- ../n.plan --out key --force
        each entropy 0 encrypt '~in.vct' -- ../n.plan \
            --key ../keys/secret.key "$image" -o in.vct
    fi
    cd "$root" || exit 1
}

way classes "$volley" classes r.csv memory 0
if [ -n "$CKKS_LONG" ]; then
    way mask "$volley" mask r.pgm memory 0
    way OpenMP "$volley" classes r.csv openmp 120
    if ! echo '#include <fftw3.h>' | $CC -E -x c - >/dev/null 2>&1; then
        skipped=$((skipped + 1))
        echo "skip FFTW: no fftw3.h; make deps-fftw"
    elif make FFT=fftw B="$work/fftw" "$work/fftw/volley" >"$work/log" 2>&1
    then
        way FFTW "$work/fftw/volley" classes r.csv fftw 40
    else
        judge "FFT=fftw builds" "$(tail -n 1 "$work/log")"
    fi
fi
finish
