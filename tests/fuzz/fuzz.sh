#!/bin/sh
# fuzz.sh FUZZER TARGET|all SECONDS -- libFuzzer on one target or all in turn,
# from the corpora of the repository and what earlier runs found
# (build-fuzz/learned/TARGET).  A finding lies in build-fuzz/found/TARGET-*.
# Prints a line a target: executions, edges, findings.  Ends with
# "N passed, N failed".
fuzzer=$1
what=$2
seconds=$3
here=$(dirname "$0")
found=build-fuzz/found
passed=0
failed=0

mkdir -p "$found" || exit 1
[ "$what" = all ] && what=$(ls "$here/corpus")
for target in $what; do
    work=build-fuzz/learned/$target
    log=build-fuzz/learned/$target.log
    mkdir -p "$work"
    FUZZ_TARGET=$target "$fuzzer" "$work" "$here/corpus/$target" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -max_len=4096 -len_control=20 -print_final_stats=1 \
        -artifact_prefix="$found/$target-" >"$log" 2>&1
    code=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
    echo "$target: ${runs:-0} executions, ${edges:-no edges}, exit code $code"
    if [ "$code" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
