#!/bin/sh
# peers.sh [BUILD] -- this library beside others, those that are at hand: the
# exchange of objects with SEAL (tests/scripts/seal.sh), the vectors by OpenFHE's,
# Lattigo's and JavaScript's arithmetic (vectors/check).
#
#   SEAL_DIR     prefix of an installed SEAL 4 (include/SEAL-4.x, lib); without
#                it /usr/local and /usr are looked at
#   SEAL_LIBS    what that SEAL was built with, as "-lhexl -lz -lzstd"
#   OPENFHE_DIR  prefix of an installed OpenFHE 1.5 (include/openfhe, lib); the
#                same
#   GOPATH       folders, one of which has src/github.com/tuneinsight/lattigo/v4
#                (4.1), and golang.org/x/crypto (Debian's: /usr/share/gocode)
#   CXX          compiler for SEAL and OpenFHE, c++ by default
#
# Checkers are compiled into BUILD.  A peer that is missing is one line "skip".
# Ends with "N passed, N failed" or "N passed, N failed, N skipped".
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
cxx=${CXX:-c++}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0
skipped=0

skip()
{
    echo "skip $1: $2"
    skipped=$((skipped + 1))
}

# compile NAME COMMAND...
compile()
{
    echo "== $1"
    shift
    "$@" >"$log" 2>&1 && return
    failed=$((failed + 1))
    echo "FAIL it does not compile:"
    head -n 5 "$log" | cut -c1-300
    return 1
}

# run COMMAND...: its last line of this form counts
run()
{
    "$@" >"$log" 2>&1
    code=$?
    cat "$log"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" \
           | tail -n 1)
    set -- $(echo "$line" | tr -cd '0-9 ')
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${2:-0}))
    skipped=$((skipped + ${3:-0}))
    if [ -z "$line" ] || { [ "$code" != 0 ] && [ "${2:-0}" -eq 0 ]; }; then
        failed=$((failed + 1))
        echo "FAIL it ended with exit code $code"
    fi
}

# first PATTERN PREFIX...: the first folder of a pattern below a prefix
first()
{
    pattern=$1
    shift
    for prefix in "$@"; do
        for d in "$prefix"/$pattern; do
            [ -d "$d" ] && echo "$d" && return
        done
    done
}

headers=$(first 'include/SEAL-4*' ${SEAL_DIR:-/usr/local /usr})
if [ -n "$headers" ]; then
    prefix=${headers%/include/*}
    compile "SEAL (C++, ${headers##*/})" "$cxx" -std=c++17 -O2 "-I$headers" \
        vectors/check/seal.cpp "-L$prefix/lib" "-Wl,-rpath,$prefix/lib" \
        "-lseal-${headers##*/SEAL-}" $SEAL_LIBS -lpthread \
        -o "$build/seal-check" \
        && run env SEAL_PROGRAM="$build/seal-check" SEAL_REQUIRED=1 \
            sh tests/scripts/seal.sh "$build"
else
    skip "SEAL (C++)" "install SEAL 4 and set SEAL_DIR to its prefix"
fi

if command -v node >/dev/null && [ -d node_modules/node-seal ]; then
    echo "== node-seal"
    run env SEAL_PROGRAM= SEAL_REQUIRED=1 sh tests/scripts/seal.sh "$build"
else
    skip "node-seal" "make deps-seal"
fi

headers=$(first include/openfhe ${OPENFHE_DIR:-/usr/local /usr})
if [ -n "$headers" ]; then
    lib=${headers%/include/*}/lib
    compile "OpenFHE" "$cxx" -std=c++17 -O2 "-I$headers" "-I$headers/core" \
        "-I$headers/pke" "-I$headers/binfhe" vectors/check/openfhe.cpp \
        "-L$lib" "-Wl,-rpath,$lib,--no-as-needed" \
        -lOPENFHEpke -lOPENFHEbinfhe -lOPENFHEcore -o "$build/openfhe-check" \
        && run "$build/openfhe-check" vectors/v?/*.json
else
    skip "OpenFHE" "install OpenFHE and set OPENFHE_DIR to its prefix"
fi

lattigo=$(IFS=:; first src/github.com/tuneinsight/lattigo/v4 $GOPATH)
if command -v go >/dev/null && [ -n "$lattigo" ]; then
    compile "Lattigo" env GO111MODULE=off go build -o "$build/lattigo-check" \
        vectors/check/lattigo*.go \
        && run "$build/lattigo-check" vectors/v?/*.json
else
    skip "Lattigo" "install Go and Lattigo 4.1, its folders in GOPATH"
fi

if command -v node >/dev/null; then
    echo "== JavaScript"
    run node vectors/check/vectors.js vectors/v?/*.json
else
    skip "JavaScript" "install Node 18 or later"
fi

if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
