#!/bin/sh
# symbols.sh BUILD -- what the libraries show to a linker.
#
# The shared libraries export their public prefix and nothing else; in the
# static ones every global symbol begins with the public or the private prefix,
# so that they can be linked beside anything.  Ends with "N passed, N failed".
build=${1:-build}
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

# shared NAME PREFIX
shared()
{
    file=$build/lib$1.so
    names=$(nm -D --defined-only "$file" | awk '{ print $NF }' | sed 's/@.*//')
    judge "$file exports something" "$([ -n "$names" ] || echo nothing)"
    judge "$file exports only $2" "$(echo "$names" | others "$2")"
}

# static NAME PREFIXES
static()
{
    file=$build/lib$1.a
    names=$(nm -g --defined-only "$file" 2>/dev/null \
            | awk 'NF == 3 { print $3 }')
    judge "$file defines something" "$([ -n "$names" ] || echo nothing)"
    judge "$file defines only $2" "$(echo "$names" | others "$2")"
}

# header LIBRARY HEADER PREFIX: every function a header declares is exported
header()
{
    names=$(nm -D --defined-only "$build/lib$1.so" | awk '{ print $NF }' \
            | sed 's/@.*//')
    missing=
    # comments out, then words of the prefix that stand before a parenthesis
    for f in $(sed 's://.*::' "$2" | awk '{
                   while (1) {
                       if (inside) {
                           k = index($0, "*/")
                           if (!k) next
                           $0 = substr($0, k + 2); inside = 0
                       }
                       k = index($0, "/*")
                       if (!k) { print; next }
                       printf "%s ", substr($0, 1, k - 1)
                       $0 = substr($0, k + 2); inside = 1
                   } }' \
               | grep -Eo "(^|[^a-z0-9_])$3[a-z0-9_]+\(" \
               | grep -Eo "$3[a-z0-9_]+" | sort -u); do
        echo "$names" | grep -qx "$f" || missing="$missing $f"
    done
    judge "$2: every function is in lib$1.so" "$missing"
}

shared ckks ckks_
shared nn nn_
shared unet unet_
static ckks 'ckks_|cki_'
static nn 'nn_|net_'
static unet unet_
header ckks ckks/ckks.h ckks_
header nn nn/nn.h nn_
header unet unet/unet.h unet_
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
