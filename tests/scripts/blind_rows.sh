#!/bin/sh
# blind_rows.sh [BUILD [ROW...]] -- the eight rows of docs/performance.md on the
# two-party protocol: networks of random weights with calibrated ranges, 64-128-
# 256-512 channels, two processes over loopback, a thread each, from image file
# to mask file.  A ROW is part of a row's name, as "200 squares"; none: all.
# Half an hour and 4 GiB of memory; PyTorch makes the networks in minutes.
#
# Beside each row the same with AVX2 for polynomials and AES-NI, if AVX2=1.
# Printed are time, bytes, and memory and seconds of the processor of each side.
# Fails if a row takes longer than it must, or 1.6 times that with AVX2.
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
[ $# -gt 0 ] && shift
python=python3
$python -c 'import numpy' 2>/dev/null || python=/usr/bin/python3
keep=${BLIND_ROWS_KEEP:-}       # a folder for the networks, to have them again
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failed=0
OMP_NUM_THREADS=1
export OMP_NUM_THREADS

# one ROW NAME MODEL IMAGE OUT BITS MUST [SERVE AND ASK OPTIONS]
one()
{
    row=$1 model=$2 image=$3 out=$4 bits=$5 must=$6
    shift 6
    "$build/volley" blind serve "$model" --port 0 --once --bits "$bits" --json \
        "$@" >"$work/serve" 2>"$work/serve.err" &
    server=$!
    port=
    while [ -z "$port" ]; do
        kill -0 $server 2>/dev/null || { cat "$work/serve.err"; exit 1; }
        port=$(sed -n 's/.*port \([0-9]*\)$/\1/p' "$work/serve.err")
        sleep 0.2
    done
    "$build/volley" blind ask "127.0.0.1:$port" "$image" -o "$out" --json \
        "$@" >"$work/ask" 2>"$work/ask.err" || cat "$work/ask.err"
    wait $server || cat "$work/serve.err"
    $python - "$row" "$must" "$work/ask" "$work/serve" <<'PY' || failed=$((failed + 1))
import json, sys
row, must = sys.argv[1], float(sys.argv[2])
ask, serve = (json.load(open(p)) for p in sys.argv[3:5])
print("%-26s %7.1f s (must %g), %.2f GB up, %.2f GB down, %d turns, client %.0f MiB %.1f s, server %.0f MiB %.1f s, %s"
      % (row, ask["seconds"], must, ask["sent_bytes"] / 1e9, ask["received_bytes"] / 1e9, ask["turns"],
         ask["peak_rss_mib"], ask["cpu_seconds"], serve["peak_rss_mib"], serve["cpu_seconds"], ask["aes"]),
      flush=True)
sys.exit(ask["seconds"] > must or ask["sent_bytes"] != ask["planned_bytes_up"]
         or ask["received_bytes"] != ask["planned_bytes_down"])
PY
}

# row NAME DIMS SIDE ACT POOL BITS MUST
row()
{
    name=$1 dims=$2 side=$3 act=$4 pool=$5 bits=$6 must=$7
    wanted=$all
    for word in $words; do
        case " $name " in *" $word "*) ;; *) wanted= ;; esac
    done
    [ -n "$wanted" ] || return 0
    where=${keep:-$work}
    model=$where/$act-$pool-$dims.safetensors
    image=$where/$dims.nii out=$work/mask.nii
    [ "$dims" = 2 ] && image=$where/2.pgm out=$work/mask.pgm
    [ -f "$model" ] && [ -f "$image" ] \
        || $python tests/scripts/blind_net.py "$model" "$image" "$dims" "$side" 64 "$act" "$pool" \
        || exit 1
    one "$name" "$model" "$image" "$out" "$bits" "$must"
    if [ -n "${AVX2:-}" ]; then
        CKKS_KERNEL=avx2 one "$name, avx2" "$model" "$image" "$out" "$bits" \
            "$(echo "$must * 1.6" | bc)" --kernel aesni
    fi
    [ -n "$keep" ] || rm -f "$model"
}

all=1
words=$*
row "200 relu max 32" 2 200 relu max 32 200
row "200 relu mean 16" 2 200 relu mean 16 90
row "200 hybrid 20" 2 200 hybrid mean 20 60
row "200 squares 16" 2 200 square mean 16 22
row "64 relu max 32" 3 64 relu max 32 900
row "64 relu mean 16" 3 64 relu mean 16 400
row "64 hybrid 20" 3 64 hybrid mean 20 200
row "64 squares 16" 3 64 square mean 16 100
[ "$failed" -eq 0 ]
