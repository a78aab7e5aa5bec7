#!/bin/sh
# exports.sh HEADER PREFIX [map] -- the functions that HEADER declares: words of
# PREFIX that stand before a parenthesis, comments aside, a line each; with
# "map" as a linker's version script that exports these and nothing else.
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
            } }' "$1" \
        | grep -v '^ *#' \
        | grep -Eo "(^|[^a-z0-9_])$2[a-z0-9_]+\(" \
        | grep -Eo "$2[a-z0-9_]+" | sort -u)
[ -n "$names" ] || exit 1
if [ "$3" = map ]; then
    echo "{ global:"
    echo "$names" | sed 's/$/;/'
    echo "local: *; };"
else
    echo "$names"
fi
