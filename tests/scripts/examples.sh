#!/bin/sh
# examples.sh BUILD -- runs every example; each checks its own result.  Ends
# with "N passed, N failed".
build=${1:-build}
passed=0
failed=0
for source in examples/*.c; do
    name=$(basename "$source" .c)
    if "$build/examples/$name" >/dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name"
    fi
    lines=$(wc -l <"$source")
    if [ "$lines" -lt 120 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $source: $lines lines"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
