#!/bin/sh
# networks.sh BUILD [rings] -- the trained networks on real images through the
# command: masks of the encryption against those of the cleartext twin, of the
# twin against the float network, and all against the truth.  Ends with
# "N passed, N failed[, N skipped]".
#
# One em slice and the gm slices of examples/data; with CKKS_LONG=1 all test
# slices of ../shared/data, planned for either kind of slots too; with the word
# "rings" nothing but the latter.  em images stay outside the tree: without them
# that part is skipped with one line.
volley=$(cd "$(dirname "${1:-build}/volley")" && pwd)/volley
cd "$(dirname "$0")/../.." || exit 1
data=${DATA:-../shared/data}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0
skipped=0

# judge NAME VALUE OPERATOR BOUND
judge()
{
    if awk "BEGIN { exit !($2 $3 $4) }"; then
        passed=$((passed + 1))
        echo "ok   $1: $2"
    else
        failed=$((failed + 1))
        echo "FAIL $1: $2, want $3 $4"
    fi
}

# pixels FILE...: their bytes behind the headers, one a line
pixels()
{
    for f in "$@"; do
        size=$(head -n 2 "$f" | tail -n 1 | awk '{ print $1 * $2 }')
        tail -c "$size" "$f" | od -An -v -tu1 -w1
    done
}

# dice VALUE MASK TRUTH: of the pixels that are VALUE; truth cut at 128
dice()
{
    paste "$2" "$3" | awk -v v="$1" '
        { a = ($1 > 127) == (v > 127); b = ($2 > 127) == (v > 127)
          both += a && b; sum += a + b }
        END { printf "%.5f\n", sum ? 2 * both / sum : 1 }'
}

# differ A B: fraction of lines
differ()
{
    paste "$1" "$2" | awk '$1 != $2 { n++ } END { printf "%.6f\n", n / NR }'
}

# network NAME MODEL IMAGE...: leaves pixel lists enc, clear, float in $work;
# planned with $slots
slots=
network()
{
    name=$1
    model=$2
    shift 2
    rm -rf "$work/run"
    mkdir "$work/run"
    if ! { "$volley" plan "$model" $slots -o "$work/run/n.plan" \
        && "$volley" keygen "$work/run/n.plan" --out "$work/run" \
        && "$volley" encrypt "$work/run/n.plan" --key "$work/run/secret.key" \
               "$@" -o "$work/run/in.vct" \
        && "$volley" evaluate "$model" --plan "$work/run/n.plan" \
               --keys "$work/run/eval.keys" \
               "$work/run/in.vct" -o "$work/run/out.vct" --json \
               > "$work/run/evaluate.json" \
        && mkdir "$work/run/enc" "$work/run/clear" "$work/run/float" \
        && "$volley" decrypt "$work/run/n.plan" --key "$work/run/secret.key" \
               "$work/run/out.vct" -o "$work/run/enc/m.pgm" \
        && "$volley" clear "$model" --plan "$work/run/n.plan" "$@" \
               -o "$work/run/clear/m.pgm" \
        && "$volley" clear "$model" "$@" --float -o "$work/run/float/m.pgm"
    } > "$work/log" 2>&1; then
        failed=$((failed + 1))
        echo "FAIL $name: $(tail -n 1 "$work/log")"
        return 1
    fi
    for k in enc clear float; do
        # m.pgm, or m-0.pgm, m-1.pgm, ... in the order of their numbers
        pixels $(ls "$work/run/$k"/* | sort -t- -k2 -n) > "$work/$k"
    done
    judge "$name: pixels that encryption changes" \
          "$(differ "$work/enc" "$work/clear")" "<=" 0.001
    judge "$name: pixels that integer weights change" \
          "$(differ "$work/clear" "$work/float")" "<=" 0.0015
    echo "  note: $name: $(grep -E 'evaluate|threads|peak' \
        "$work/run/evaluate.json" | tr -d '\n ')"
}

# ---- both rings -------------------------------------------------------------
# Image by image where the encryption's mask is not the twin's; of all images
# together what that does to Dice, against the twin's and the float network's
# (whose weights are no integers).

# masks KIND: of the last network, in the order of its images
masks()
{
    ls "$work/run/$1"/* | sort -t- -k2 -n
}

# images NAME VALUE TRUTH...: of the last network; Dice is of pixels that are
# VALUE.  Adds a line (pixels that differ, both Dice, their difference) an image
# to $work/figures
images()
{
    name=$1
    value=$2
    shift 2
    masks enc > "$work/of.enc"
    masks clear > "$work/of.clear"
    for truth in "$@"; do
        for k in enc clear truth; do
            if [ $k = truth ]; then
                pixels "$truth"
            else
                pixels "$(head -n 1 "$work/of.$k")"
                sed -i 1d "$work/of.$k"
            fi > "$work/one.$k"
        done
        echo "$name" "$(differ "$work/one.enc" "$work/one.clear")" \
             "$(dice $value "$work/one.enc" "$work/one.truth")" \
             "$(dice $value "$work/one.clear" "$work/one.truth")"
    done | awk '{ d = $3 - $4; print $0, d < 0 ? -d : d }' > "$work/of"
    judge "$name, $slots: pixels that encryption changes, worst image" \
          "$(sort -k2 -n "$work/of" | tail -n 1 | cut -d' ' -f2)" "<=" 0.001
    echo "  note: $name, $slots: change of Dice (one pixel of a small mask is" \
         "much): mean" \
         "$(awk '{ s += $3 - $4 } END { print s / NR }' "$work/of")," \
         "worst image $(sort -k5 -n "$work/of" | tail -n 1 | cut -d' ' -f5)"
    cat "$work/of" >> "$work/figures"
}

apart='{ d = $1 - $2; printf "%.5f", d < 0 ? -d : d }'

# pooled NAME VALUE: of pixel lists all.enc, all.clear, all.float, all.truth
pooled()
{
    for k in enc clear float; do
        dice "$2" "$work/all.$k" "$work/all.truth"
    done | tr '\n' ' ' > "$work/three"
    read -r enc clear float < "$work/three"
    echo "  note: $1, $slots: Dice $enc encrypted, $clear clear, $float float"
    judge "$1, $slots: change of Dice by encryption" \
          "$(echo $enc $clear | awk "$apart")" "<=" 0.001
    judge "$1, $slots: change of Dice by it and integer weights" \
          "$(echo $enc $float | awk "$apart")" "<=" 0.002
}

gather()
{
    for k in enc clear float; do
        cat "$work/$k" >> "$work/all.$k"
    done
}

# rings KIND: all test images of both segmentation networks
rings()
{
    slots="--slots $1"
    rm -f "$work"/all.*
    gm=$(ls $data/gm/slices200/test/*-image.pgm)
    if network "gm, $1 slots" unet/models/gm.safetensors $gm; then
        gather
        truths=$(echo "$gm" | sed 's/-image/-gm/')
        pixels $truths > "$work/all.truth"
        images gm 255 $truths
        pooled gm 255
    fi
    rm -f "$work"/all.*
    for n in 24 25 26; do
        network "em $n, $1 slots" unet/models/em.safetensors \
                $data/em/test/$n-image.pgm || continue
        gather
        pixels $data/em/test/$n-label.pgm >> "$work/all.truth"
        images "em-$n" 255 $data/em/test/$n-label.pgm
    done
    pooled "em cells" 255
    pooled "em membranes" 0
    slots=
}

if { [ -n "$CKKS_LONG" ] || [ "$2" = rings ]; } && [ -d $data/gm ] \
    && [ -d $data/em ]; then
    rings complex
    rings real
    echo "  note: $(wc -l < "$work/figures") images, pixels that encryption" \
         "changes: $(awk '{ sum += $2 } END { print sum / NR }' \
             "$work/figures") on average"
elif [ -n "$CKKS_LONG" ] || [ "$2" = rings ]; then
    skipped=$((skipped + 1))
    echo "skip both rings: no $data/gm or no $data/em"
fi

# the counts
finish()
{
    if [ "$skipped" -gt 0 ]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ]
    exit
}
[ "$2" != rings ] || finish

# ---- gm ---------------------------------------------------------------------
slices=$(ls examples/data/*-image.pgm)
if [ -n "$CKKS_LONG" ] && [ -d $data/gm ]; then
    slices=$(ls $data/gm/slices200/test/*-image.pgm)
fi
if network gm unet/models/gm.safetensors $slices; then
    pixels $(echo "$slices" | sed 's/-image/-gm/') > "$work/truth"
    judge "gm: Dice of the encryption" \
          "$(dice 255 "$work/enc" "$work/truth")" ">=" 0.77
fi

# ---- the planner's predictions ------------------------------------------------
# Costs measured here, one thread, against what gm then takes; a timing test, so
# on request and on an idle machine only.  What the system takes to hand out
# memory never used before is left out: on virtual machines it changes tenfold
# from one minute to the next.
number()
{
    sed -n "s/^ *\"$1\": *\([-0-9.e+]*\),*$/\1/p" "$2" | head -n 1
}
if [ -n "$CKKS_LONG" ] && [ -f "$work/run/in.vct" ]; then
    gm=unet/models/gm.safetensors
    "$volley" calibrate -o "$work/machine.json" \
        && "$volley" encrypt $gm --key "$work/run/secret.key" \
               examples/data/*-image.pgm -o "$work/four.vct" > "$work/log" \
        && "$volley" evaluate $gm --keys "$work/run/eval.keys" --threads 1 \
               --machine "$work/machine.json" "$work/four.vct" --json \
               -o "$work/four.out" > "$work/timed.json"
    all=$(awk '/"layers"/ { on = 1 } on && /"seconds"/ { gsub(/[",]/, "")
                 sum += $2 } END { print sum }' "$work/timed.json")
    fresh=$(number fresh_seconds "$work/timed.json")
    system=$(number system_seconds "$work/timed.json")
    said=$(number predicted_seconds "$work/timed.json")
    judge "gm: predicted time, of what was measured" \
          "$(echo "$said $fresh $all $system" | awk '{
              printf "%.3f", ($1 - $2) / ($3 - $4) }')" ">=" 0.8
    judge "gm: measured time, of what was predicted" \
          "$(echo "$said $fresh $all $system" | awk '{
              printf "%.3f", ($3 - $4) / ($1 - $2) }')" ">=" 0.8
    judge "gm: predicted memory, of peak RSS" \
          "$(echo "$(number predicted_mib "$work/timed.json") \
              $(number peak_rss_mib "$work/timed.json")" \
              | awk '{ printf "%.3f", $1 / $2 }')" ">=" 0.9
    echo "  note: gm: $said s predicted ($fresh for fresh memory)," \
         "$all s measured ($system s of the system)"
fi

# ---- classifiers ------------------------------------------------------------

# chain NAME AIM LABELS IMAGES...: leaves $work/enc.json and $work/clear.json,
# both with accuracy and all classes
chain()
{
    model=unet/models/$1.safetensors
    aim=$2
    labels=$3
    shift 3
    "$volley" plan $model --aim $aim -o "$work/c.plan" > /dev/null \
        && "$volley" keygen "$work/c.plan" --force \
               --out "$work/c$aim" > /dev/null \
        && "$volley" encrypt "$work/c.plan" --key "$work/c$aim/secret.key" \
               "$@" -o "$work/c.vct" > /dev/null \
        && "$volley" evaluate $model --plan "$work/c.plan" \
               --keys "$work/c$aim/eval.keys" "$work/c.vct" \
               -o "$work/co.vct" --json > "$work/timed.json" \
        && "$volley" decrypt "$work/c.plan" --key "$work/c$aim/secret.key" \
               "$work/co.vct" --labels "$labels" $part \
               -o "$work/enc.csv" --json 2> /dev/null > "$work/enc.json" \
        && "$volley" clear $model --plan "$work/c.plan" "$@" \
               --labels "$labels" -o "$work/clear.csv" --json \
               > "$work/clear.json" && return 0
    judge "$model: a verb failed, times" 1 "<" 1
    return 1
}

# of both tables the share of rows with another class
classes()
{
    for f in enc clear; do
        tail -n +2 "$work/$f.csv" | cut -d, -f2 > "$work/$f.class"
    done
    differ "$work/enc.class" "$work/clear.class"
}

if [ -d $data/mnist ] && [ -d $data/skin ]; then
    part="--first 0"
    if chain mnist throughput $data/mnist/test-labels-0-7999-idx1-ubyte.gz \
             $data/mnist/test-images-0-7999-idx3-ubyte.gz --first 0 \
             --count 1000; then
        judge "mnist: accuracy of the encryption" \
              "$(number accuracy "$work/enc.json")" ">=" 0.985
        judge "mnist: classes that encryption changes" "$(classes)" "<=" 0.001
        echo "  note: mnist: 1000 images, $(number evaluate "$work/timed.json") s"
    fi
    if chain mnist latency $data/mnist/test-labels-0-7999-idx1-ubyte.gz \
             $data/mnist/test-images-0-7999-idx3-ubyte.gz --first 0 \
             --count 20; then
        judge "mnist, one by one: classes that encryption changes" \
              "$(classes)" "<=" 0
    fi
    part=
    if chain skin throughput $data/skin/test-labels.idx1.gz --fit \
             $data/skin/test; then
        judge "skin: AUC of the encryption" \
              "$(number auc "$work/enc.json")" ">=" 0.68
        # one picture lies on the threshold: its logit is 1.7e-4, the error 2e-4
        judge "skin: classes that encryption changes" "$(classes)" "<=" 0.005
        echo "  note: skin: 242 images, $(number evaluate "$work/timed.json") s"
    fi
else
    skipped=$((skipped + 1))
    echo "skip classifiers: no $data/mnist or no $data/skin"
fi

# ---- em ---------------------------------------------------------------------
if [ -d $data/em ]; then
    numbers=24
    [ -z "$CKKS_LONG" ] || numbers="24 25 26"
    rm -f "$work/all" "$work/alltruth"
    for n in $numbers; do
        network "em $n" unet/models/em.safetensors \
                $data/em/test/$n-image.pgm || continue
        cat "$work/enc" >> "$work/all"
        pixels $data/em/test/$n-label.pgm >> "$work/alltruth"
    done
    judge "em: Dice of cells" "$(dice 255 "$work/all" "$work/alltruth")" \
          ">=" 0.94
    judge "em: Dice of membranes" "$(dice 0 "$work/all" "$work/alltruth")" \
          ">=" 0.77
else
    skipped=$((skipped + 1))
    echo "skip em: no $data/em"
fi
finish
