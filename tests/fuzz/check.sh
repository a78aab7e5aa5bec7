#!/bin/sh
# check.sh -- `make fuzz-replay` as a part of `make check`: built where need be
# (a minute or two of a processor), then run, with 300 draws a target; in
# `make check-long` (CKKS_LONG=1) 1000.  Ends with "N passed, N failed".
cd "$(dirname "$0")/../.." || exit 1
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
for header in png jpeglib zlib; do
    if ! printf '#include <stdio.h>\n#include <%s.h>\n' "$header" \
            | ${CC:-cc} -E -x c - >/dev/null 2>&1; then
        echo "no $header.h (make deps)"
        echo "0 passed, 0 failed, 1 skipped"
        exit 0
    fi
done
draws=300
[ -z "$CKKS_LONG" ] || draws=1000
if ! MAKEFLAGS= make --no-print-directory fuzz-replay DRAWS=$draws \
        >"$log" 2>&1; then
    grep -av '^cc \|^gcc \|^clang ' "$log" | tail -n 60
fi
tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$' && exit 0
echo "0 passed, 1 failed"
exit 1
