#!/bin/sh
# exports.sh LIBRARY [map] -- the functions that the public headers of ckks, nn or
# unet declare (ckks/ckks.h, ckks/ckks_*.h): words of their prefix that stand
# before a parenthesis, comments aside, a line each; with "map" as a linker's
# version script that exports these and nothing else.
headers=$(ls "$1/$1.h" "$1/$1"_*.h 2>/dev/null)
prefix=${1}_
# shellcheck disable=SC2086
names=$(awk '{
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
            } }' $headers \
        | grep -v '^ *#' \
        | grep -Eo "(^|[^a-z0-9_])$prefix[a-z0-9_]+\(" \
        | grep -Eo "$prefix[a-z0-9_]+" | sort -u)
[ -n "$names" ] || exit 1
if [ "$2" = map ]; then
    echo "{ global:"
    echo "$names" | sed 's/$/;/'
    echo "local: *; };"
else
    echo "$names"
fi
