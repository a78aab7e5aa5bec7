#!/bin/sh
# symbols.sh BUILD -- what the libraries show to a linker.
#
# The shared libraries export what their public header declares and nothing
# else; in the static ones every other global name has the library's private
# prefix, so that they can be linked beside anything.  Ends with
# "N passed, N failed".
build=${1:-build}
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# judge NAME OFFENDERS
judge()
{
    if [ -z "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1: $(echo "$2" | tr '\n' ' ' | cut -c1-300)"
    fi
}

# others PREFIXES: the names on standard input that begin with none of them
others()
{
    grep -Ev "^($1)" || true
}

# shared NAME: the shared library exports what its header declares, no more
shared()
{
    file=$build/lib$1.so
    nm -D --defined-only "$file" | awk '{ print $NF }' | sed 's/@.*//' \
        | sort -u >"$work/exported"
    sh tests/scripts/exports.sh "$1" >"$work/declared"
    judge "$1.h declares something" "$([ -s "$work/declared" ] || echo nothing)"
    judge "$file exports only what $1.h declares" \
        "$(comm -23 "$work/exported" "$work/declared")"
    judge "$file exports all that $1.h declares" \
        "$(comm -13 "$work/exported" "$work/declared")"
}

# static NAME PRIVATE: the global names of the static library are what its
# header declares, and names of its private prefix
static()
{
    file=$build/lib$1.a
    nm -g --defined-only "$file" 2>/dev/null \
        | awk 'NF == 3 { print $3 }' | sort -u >"$work/defined"
    sh tests/scripts/exports.sh "$1" >"$work/declared"
    judge "$file defines something" "$([ -s "$work/defined" ] || echo nothing)"
    judge "$file defines $1.h's names and $2*, nothing else" \
        "$(comm -23 "$work/defined" "$work/declared" | others "$2")"
    judge "$file defines all that $1.h declares" \
        "$(comm -13 "$work/defined" "$work/declared")"
}

for library in ckks nn unet; do
    shared "$library"
done
static ckks cki_
static nn nni_
static unet uni_
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
