#!/bin/sh
# web_page.sh BUILD -- the page and the client of the service (tests/web):
# against a server that fails on demand, in Chromium against `volley serve`;
# the one-file page and the npm package.  Needs node (make deps-web) and what
# `make web` leaves in BUILD.  Ends with "N passed, N failed[, N skipped]".
build=${1:-build}
here=$(dirname "$0")/../web
passed=0
failed=0
skipped=0

for part in service style package chromium_images chromium_faults chromium; do
    begun=$(date +%s)
    out=$(node "$here/$part.mjs" "$build" ${SHOTS:+"$SHOTS"} 2>&1)
    code=$?
    echo "-- $part, $(($(date +%s) - begun)) s"
    echo "$out"
    line=$(echo "$out" | grep -E '^[0-9]+ passed' | tail -n 1)
    set -- $(echo "$line" | tr -cd '0-9 ')
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${2:-0}))
    skipped=$((skipped + ${3:-0}))
    if [ -z "$line" ] || { [ "$code" != 0 ] && [ "${2:-0}" -eq 0 ]; }; then
        failed=$((failed + 1))
        echo "FAIL: $part ended with exit code $code"
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
