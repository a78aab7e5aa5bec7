#!/bin/sh
# cli.sh BUILD -- drives BUILD/volley, and BUILD/bench beside it, as people and
# accidents would: help, usage errors, the plan without the model, every kind of
# bad file for every verb, no room for the output.  VOLLEY_FULL=0 leaves out the one full
# evaluation (half a minute), VOLLEY_LIMITS=0 limits of file size; CKKS_LONG=1
# has images of many tiles and gm measured, too.  Ends with "N passed, N failed".
. "$(dirname "$0")/command.sh"
gm=$root/unet/models/gm.safetensors
em=$root/unet/models/em.safetensors
data=$root/examples/data
mkdir "$work/here" "$work/f"
cd "$work/here" || exit 1
f=$work/f

# survive WHAT ARGUMENTS: damage nobody can find may pass; no crash
survive()
{
    what=$1
    shift
    call "$@"
    if [ "$got" -le 1 ]; then
        good
    else
        bad "$what: exit code $got"
    fi
}

# flip IN OUT OFFSET: one bit of the byte there
flip()
{
    cp "$1" "$2"
    byte=$(od -An -tu1 -j "$3" -N 1 "$1" | tr -d ' ')
    printf "\\$(printf %03o $((byte ^ 16)))" \
        | dd of="$2" bs=1 seek="$3" conv=notrunc 2>/dev/null
}
size_of()
{
    wc -c <"$1" | tr -d ' '
}
# pgm OUT WIDTH HEIGHT: of the bytes on standard input, repeated zeros behind
pgm()
{
    { printf 'P5\n%d %d\n255\n' "$2" "$3"
      cat - /dev/zero | head -c "$(($2 * $3))"; } >"$1"
}

# ---- help and usage ----------------------------------------------------------
for verb in plan keygen encrypt evaluate join decrypt clear ask demo info \
            serve calibrate; do
    run "$verb --help" $verb --help
    check "$verb --help says how" grep -q "^usage: volley $verb" "$work/out"
    usage "$verb: unknown option" "unknown option" $verb --nonsense
    run "help $verb" help $verb
    check "help $verb is that of the verb" grep -q "^usage: volley $verb" \
        "$work/out"
done
run "--help" --help
check "--help fits a screen" awk 'length > 80 { exit 1 }
    END { exit NR > 24 }' "$work/out"
run "--version" --version
for number in 0 -1 x 2x 99999 ''; do
    usage "plan --threads $number" "number\|value" plan "$gm" --threads "$number"
done
usage "unknown verb" "unknown verb" frobnicate
usage "help of an unknown verb" "unknown verb" help frobnicate
"$volley" >"$work/out" 2>"$work/err"
check "no verb" test $? -eq 2
usage "plan: no model" "missing" plan
usage "plan: two models" "too many" plan a b
usage "plan: -o twice" "twice" plan a -o x -o y
usage "plan: -o without value" "needs a value" plan a -o
usage "plan: --json=1" "takes no value" plan a --json=1
usage "plan: security" "128, 192 or 256" plan "$gm" --security 100
usage "plan: tile" "HxW" plan "$gm" --tile 10x
usage "keygen: no folder" "out" keygen a
usage "encrypt: no key" "key" encrypt a b -o c
usage "encrypt: no image" "missing" encrypt a --key k -o c
usage "evaluate: no keys" "keys" evaluate a b -o c
usage "decrypt: ending" "pgm or .png" decrypt a b --key k -o mask.jpg
usage "clear: ending" "pgm or .png" clear a b -o mask

# ---- the plan, and all the owner does with it alone -----------------------------
run "plan gm" plan "$gm" -o "$f/gm.plan"
check "the plan names its layers" grep -q '^logit' "$work/out"
run "plan em --json" plan "$em" --json
for key in layers log2_scale rotations products seconds bytes error total \
           upload_bytes evaluation_key_bytes security_bits; do
    check "plan --json has $key" grep -q "\"$key\"" "$work/out"
done
if command -v python3 >/dev/null; then
    check "plan --json is JSON" sh -c "'$volley' plan '$em' --json \
        | python3 -c 'import json, sys; json.load(sys.stdin)'"
fi
run "plan --explain" plan "$em" --explain
check "plan --explain names what is asked for" \
    grep -q '^  rotate sums and add  *9  *64 ' "$work/out"
check "plan --explain adds up" awk '/^all, seconds/ { all = $NF }
    /^  [a-z]/ { sum += $(NF - (NF > 5 && $NF ~ /[.][.]/) - 1) }
    END { exit !(all > 5 && sum > 0.99 * all && sum < 1.01 * all) }' "$work/out"
run "plan --explain --json" plan "$em" --explain --json
check "plan --explain --json has a schedule" grep -q '"schedule": \[' "$work/out"
refuse "plan --memory 100 names the least" "least memory .* is [0-9]* MiB" \
    plan "$gm" --memory 100
least=$(sed -n 's/.* needs is \([0-9]*\) MiB.*/\1/p' "$work/err" | head -n 1)
run "plan --memory with the least that was named" plan "$gm" --memory "$least"
check "plan --memory says what it costs in precision" \
    grep -q '^less memory for precision' "$work/out"
refuse "plan: no plan of that kind" "" plan "$gm" --log-n 10
run "plan takes the real ring" plan "$gm"
check "plan says real slots" grep -q '^ring 4x2 .* of real slots; 8 ' "$work/out"
run "plan --slots complex" plan "$gm" --slots complex --json
check "plan --slots complex is so" grep -q '"real": false' "$work/out"
check "and has twice the ciphertexts" grep -q '"ciphertexts_in": 16' "$work/out"
refuse "plan of a plan" "is a plan" plan "$f/gm.plan"
run "keygen" keygen "$f/gm.plan" --out "$f/keys"
check "the secret key is private" test \
    "$(ls -l "$f/keys/secret.key" | cut -c1-10)" = "-rw-------"
cp "$f/keys/secret.key" "$f/secret.copy"
refuse "keygen over a key" "there already" keygen "$f/gm.plan" --out "$f/keys"
check "the key is as it was" cmp "$f/keys/secret.key" "$f/secret.copy"
refuse "keygen where a file is" "not a folder\|Not a directory\|read too" keygen \
    "$f/gm.plan" --out "$f/gm.plan"
cp "$f/keys/owner.json" "$f"            # beside the bad keys below
mkdir "$f/requests"
sk=$f/keys/secret.key
ek=$f/keys/eval.keys
p=$f/gm.plan                  # saves making it again

# ---- images ------------------------------------------------------------------------
tr '\0' '\377' </dev/zero | pgm "$f/white1x1.pgm" 1 1
pgm "$f/black.pgm" 200 200 </dev/null
wide=2000
[ -z "$CKKS_LONG" ] || wide=20000       # ten times as many tiles: minutes
pgm "$f/wide.pgm" $wide 3 </dev/null
pgm "$f/strip.pgm" 150 10 <"$gm"
{ printf 'P5\n20 20\n65535\n'; head -c 800 "$gm"; } >"$f/deep.pgm"
: >"$f/empty"
printf 'P5\n20 20\n255\nshort' >"$f/short.pgm"
printf 'P5\n99999999 99999999\n255\n' >"$f/huge.pgm"
head -c 5000 "$gm" >"$f/noise"
run "encrypt with the plan alone" encrypt "$f/gm.plan" --key "$sk" \
    "$data/9418-07-image.pgm" "$f/black.pgm" "$f/white1x1.pgm" \
    "$f/strip.pgm" -o "$f/in.vct"
run "encrypt 16 bits" encrypt "$f/gm.plan" --key "$sk" "$f/deep.pgm" \
    -o "$f/deep.vct"
run "clear of ${wide}x3" clear "$gm" --plan "$p" "$f/wide.pgm" -o "$f/wide-mask.pgm"
check "mask of ${wide}x3" test "$(size_of "$f/wide-mask.pgm")" -ge $((3 * wide))
refuse "keys of gm for em" "these keys were made for the plan" \
    encrypt "$em" --key "$sk" "$f/black.pgm" -o "$f/x.vct"
refuse "em of 1x1" "512x512" clear "$em" "$f/white1x1.pgm" -o "$f/x.pgm"
for image in empty short.pgm huge.pgm noise gm.plan in.vct none .; do
    refuse "encrypt $image" "" encrypt "$f/gm.plan" --key "$sk" "$f/$image" \
        -o "$f/x.vct"
    refuse "clear $image" "" clear "$gm" --plan "$p" "$f/$image" -o "$f/x.pgm"
done

# ---- bad files for every verb ---------------------------------------------------------
vct=$f/in.vct
dd if=/dev/zero of="$f/big" bs=1 count=1 seek=3000000000 2>/dev/null
head -c 1000 "$gm" >"$f/model.cut"
head -c "$(($(size_of "$gm") - 1))" "$gm" >"$f/model.short"
{ cat "$gm"; echo; } >"$f/model.long"
head -c 300 "$f/gm.plan" >"$f/plan.cut"
{ cat "$f/gm.plan"; echo 1; } >"$f/plan.long"
sed 's/"log_n": *15/"log_n": 14/' "$f/gm.plan" >"$f/plan.foreign"
for file in empty none noise big model.cut model.short model.long plan.cut \
            plan.long in.vct white1x1.pgm .; do
    refuse "plan $file" "" plan "$f/$file"
    refuse "keygen $file" "" keygen "$f/$file" --out "$f/new"
    refuse "encrypt with $file" "" encrypt "$f/$file" --key "$sk" \
        "$f/black.pgm" -o "$f/x.vct"
    refuse "evaluate $file" "" evaluate "$f/$file" --keys "$ek" "$vct" \
        -o "$f/x.vct"
    refuse "decrypt with $file" "" decrypt "$f/$file" --key "$sk" "$vct" \
        -o "$f/x.pgm"
    refuse "clear $file" "" clear "$f/$file" "$f/black.pgm" -o "$f/x.pgm"
done
refuse "evaluate with a plan alone" "weights" evaluate "$f/gm.plan" \
    --keys "$ek" "$vct" -o "$f/x.vct"
refuse "a plan of another ring degree" "" keygen "$f/plan.foreign" \
    --out "$f/new"
for at in 0 7 8 40 900 3000 20000; do
    flip "$em" "$f/model.flip" $at
    survive "plan of a model flipped at $at" plan "$f/model.flip"
done
for at in 0 60 200 500 900 1500 2500; do
    flip "$f/gm.plan" "$f/plan.flip" $at
    survive "encrypt by a plan flipped at $at" encrypt "$f/plan.flip" \
        --key "$sk" "$f/white1x1.pgm" -o "$f/flip.vct"
done

head -c 4000 "$sk" >"$f/sk.cut"
flip "$sk" "$f/sk.flip" 4000
{ cat "$sk"; echo; } >"$f/sk.long"
n=$(size_of "$ek")
head -c "$((n / 2))" "$ek" >"$f/keys.cut"
flip "$ek" "$f/keys.flip" "$((n / 3))"
flip "$ek" "$f/keys.head" 30
{ cat "$ek"; echo; } >"$f/keys.long"
for file in empty none noise big keys.cut keys.flip keys.head keys.long \
            keys/secret.key in.vct .; do
    refuse "evaluate with keys $file" "" evaluate "$gm" --plan "$p" --keys "$f/$file" \
        "$vct" -o "$f/x.vct"
done
refuse "a secret key for evaluation keys" \
    "secret.key holds a secret key, want evaluation keys: --keys takes eval.keys" \
    evaluate "$gm" --plan "$p" --keys "$sk" "$vct" -o "$f/x.vct"
refuse "ciphertexts for evaluation keys" "is a file of ciphertexts, want eval" \
    evaluate "$gm" --plan "$p" --keys "$vct" "$vct" -o "$f/x.vct"
refuse "evaluation keys for a secret key" \
    "eval.keys holds evaluation keys, want a secret key: --key takes secret.key" \
    encrypt "$p" --key "$ek" "$f/black.pgm" -o "$f/x.vct"
refuse "no such key" "nokey: No such file or directory; keygen makes" \
    encrypt "$p" --key "$f/nokey" "$f/black.pgm" -o "$f/x.vct"
sed 's/\\"max\\": [0-9.]*/\\"max\\": NaN/' "$gm" >"$f/model.nan"
refuse "NaN in a model's ranges" "NaN is no number: .* run away" \
    plan "$f/model.nan"
refuse "a ring degree that is too small" "--log-n 15 would do" plan "$gm" \
    --log-n 14
run "keygen of another plan" keygen "$root/unet/models/mnist.safetensors" \
    --out "$f/mnist"
refuse "keys of other parameters" "these keys are of another plan" evaluate \
    "$gm" --plan "$p" --keys "$f/mnist/eval.keys" "$vct" -o "$f/x.vct"
rm -r "$f/mnist"
run "keygen em" keygen "$em" --out "$f/emkeys"
refuse "evaluate with the keys of em" "these keys are of another plan" evaluate "$gm" \
    --keys "$f/emkeys/eval.keys" "$vct" -o "$f/x.vct"
refuse "em of ${wide}x3" "512x512" encrypt "$em" --key "$f/emkeys" \
    "$f/wide.pgm" -o "$f/x.vct"
rm -r "$f/emkeys"

n=$(size_of "$vct")
head -c 30 "$vct" >"$f/in.head"
head -c "$((n - 1))" "$vct" >"$f/in.cut"
flip "$vct" "$f/in.flip" "$((n / 40))"
flip "$vct" "$f/in.lie" 24
flip "$vct" "$f/in.plan" 9
for file in empty none noise big in.head in.flip in.lie in.plan keys/eval.keys \
            black.pgm .; do
    refuse "evaluate $file" "" evaluate "$gm" --plan "$p" --keys "$ek" "$f/$file" \
        -o "$f/x.vct"
    refuse "decrypt $file" "" decrypt "$f/gm.plan" --key "$sk" "$f/$file" \
        -o "$f/x.pgm"
done
for file in in.head in.flip in.lie in.plan keys.flip keys.head sk.flip; do
    refuse "info $file, read whole" "" info "$f/$file" --plan "$f/gm.plan"
done
refuse "decrypt inputs" "holds inputs" decrypt "$f/gm.plan" --key "$sk" \
    "$vct" -o "$f/x.pgm"
refuse "decrypt a cut file" "" decrypt "$f/gm.plan" --key "$sk" "$f/in.cut" \
    -o "$f/x.pgm"
rm "$f"/in.cut "$f"/in.flip "$f"/in.lie "$f"/in.plan
rm "$f"/keys.cut "$f"/keys.flip "$f"/keys.head "$f"/keys.long

for file in empty none noise big sk.cut sk.flip sk.long keys/eval.keys \
            in.vct .; do
    refuse "encrypt with the key $file" "" encrypt "$f/gm.plan" \
        --key "$f/$file" "$f/black.pgm" -o "$f/x.vct"
done
for file in empty none noise big .; do
    refuse "info $file" "" info "$f/$file"
done
for file in gm.plan in.vct keys/eval.keys keys/secret.key; do
    run "info $file" info "$f/$file"
    run "info --json $file" info "$f/$file" --json
done
run "info of ciphertexts, read whole" info "$vct" --plan "$f/gm.plan"
run "info of a model" info "$em"
mkdir "$f/none-here"
refuse "demo without images" "image.pgm" demo --model "$em" \
    --data "$f/none-here" --out "$f/demo"
refuse "demo without a folder" "No such" demo --model "$em" \
    --data "$f/none" --out "$f/demo"
refuse "demo of a plan" "" demo --model "$f/gm.plan" --out "$f/demo"

# ---- no room for the output --------------------------------------------------------------
for place in /dev/full "$f/none/x" "$f"; do
    refuse "plan to $place" "" plan "$gm" -o "$place"
    refuse "encrypt to $place" "" encrypt "$f/gm.plan" --key "$sk" \
        "$f/black.pgm" -o "$place"
    refuse "evaluate to $place" "" evaluate "$gm" --plan "$p" --keys "$ek" "$vct" \
        -o "$place"
done
refuse "clear to nowhere" "" clear "$gm" --plan "$p" "$f/white1x1.pgm" \
    -o "$f/none/mask.pgm"
check "/dev/full is still a device" test -c /dev/full
"$volley" plan "$gm" --json >/dev/full 2>"$work/err"
check "plan --json to a full device" test $? -eq 1
"$volley" plan --help >/dev/full 2>"$work/err"
check "help to a full device" test $? -eq 1
# Files of this shell's children end at 4 or 8 KiB.
full_disk()
{
    (trap '' XFSZ
     ulimit -f 8
     "$volley" "$@" >/dev/null 2>"$work/err.full")
    got=$?
    cp "$work/err.full" "$work/err"
    return "$got"
}
limited="encrypt keygen clear"
if [ "${VOLLEY_LIMITS:-1}" = 0 ]; then
    echo "  note: VOLLEY_LIMITS=0, no full disk"
    limited=
fi
for verb in $limited; do
    case $verb in
        encrypt) set -- "$f/gm.plan" --key "$sk" "$f/black.pgm" \
                     -o "$f/limit/x.vct" ;;
        keygen) set -- "$f/gm.plan" --out "$f/limit" ;;
        clear) set -- "$gm" --plan "$p" "$f/black.pgm" -o "$f/limit/x.pgm" ;;
    esac
    mkdir "$f/limit"
    full_disk $verb "$@"
    check "$verb on a full disk" test $? -eq 1
    check "$verb leaves nothing on a full disk" test -z "$(ls -A "$f/limit")"
    rm -rf "$f/limit"
done

# ---- progress for programs -------------------------------------------------------
digits=$root/unet/models/mnist.safetensors
pgm "$f/digit.pgm" 28 28 </dev/null
run "keygen of digits" keygen "$digits" --out "$f/digits"
run "encrypt a digit" encrypt "$digits" --key "$f/digits" "$f/digit.pgm" \
    -o "$f/digit.vct"
run "evaluate --progress json" evaluate "$digits" --keys \
    "$f/digits/eval.keys" "$f/digit.vct" -o "$f/digit-out.vct" --progress json
check "an object before each layer" awk '
    !/^\{"set": 1, "sets": 1, "layer": "[a-z]+[0-9]*", "level": [0-9]+, "done": [0-9.e-]+, "left": [0-9.e-]+\}$/ { exit 1 }
    END { exit NR < 3 }' "$work/err"
run "evaluate --progress none" evaluate "$digits" --keys \
    "$f/digits/eval.keys" "$f/digit.vct" -o "$f/digit-out.vct" --progress none
check "nothing on standard error" test ! -s "$work/err"
usage "evaluate --progress: another kind" "neither json nor none" evaluate \
    "$digits" --keys "$f/digits/eval.keys" "$f/digit.vct" \
    -o "$f/digit-out.vct" --progress xml

# ---- the whole way, once -------------------------------------------------------------------
whole_way()
{
    run "evaluate" evaluate "$gm" --keys "$ek" "$vct" -o "$f/out.vct" --json \
        --explain
    cp "$work/out" "$f/evaluate.json"
    for key in images dice_encrypted dice_clear pixels_differ seconds keygen \
               encrypt evaluate decrypt threads kernel log_n log_qp \
               security_bits peak_rss_mib upload_bytes download_bytes \
               evaluation_key_bytes schedule took; do
        check "evaluate --json has $key" grep -q "\"$key\"" "$f/evaluate.json"
    done
    run "decrypt with the plan alone" decrypt "$f/gm.plan" --key "$sk" \
        "$f/out.vct" -o "$f/mask.pgm"
    run "clear" clear "$gm" "$data/9418-07-image.pgm" "$f/black.pgm" \
        "$f/white1x1.pgm" "$f/strip.pgm" -o "$f/twin.pgm"
    for i in 0 1 2 3; do
        check "mask $i is a picture" test -s "$f/mask-$i.pgm"
        cmp -l "$f/mask-$i.pgm" "$f/twin-$i.pgm" >"$work/differ" 2>&1
        check "mask $i is the twin's" test "$(wc -l <"$work/differ")" -le 40
    done
    run "decrypt --overlay --private" decrypt "$f/gm.plan" --key "$sk" \
        "$f/out.vct" -o "$f/masks/" --private --json --overlay \
        "$data/9418-07-image.pgm" "$f/black.pgm" "$f/white1x1.pgm" \
        "$f/strip.pgm"
    check "--private warns" grep -q '^volley: warning: .*secret key' "$work/err"
    check "12 pictures" test "$(ls "$f/masks" | wc -l)" -eq 12
    refuse "overlay of one image" "1 images for 4" decrypt "$f/gm.plan" \
        --key "$sk" "$f/out.vct" -o "$f/x.pgm" --overlay "$f/black.pgm"
    refuse "overlay of another size" "pixels" decrypt "$f/gm.plan" \
        --key "$sk" "$f/out.vct" -o "$f/x.pgm" --overlay "$f/black.pgm" \
        "$f/black.pgm" "$f/black.pgm" "$f/black.pgm"
    refuse "evaluate results" "holds results" evaluate "$gm" --plan "$p" --keys "$ek" \
        "$f/out.vct" -o "$f/x.vct"
    run "another key" keygen "$f/gm.plan" --out "$f/other"
    refuse "decrypt with another key" "slots up to" decrypt "$f/gm.plan" \
        --key "$f/other/secret.key" "$f/out.vct" -o "$f/x.pgm" --force
    cp "$f"/keys/requests/* "$f/requests"
    for file in empty none noise big sk.cut sk.flip sk.long keys/eval.keys; do
        refuse "decrypt with the key $file" "" decrypt "$f/gm.plan" \
            --key "$f/$file" "$f/out.vct" -o "$f/x.pgm"
    done
    m=$(size_of "$f/out.vct")
    flip "$f/out.vct" "$f/out.flip" "$((m / 2))"
    head -c "$((m - 7))" "$f/out.vct" >"$f/out.cut"
    { cat "$f/out.vct"; echo; } >"$f/out.long"
    for file in out.flip out.cut out.long; do
        refuse "decrypt $file" "" decrypt "$f/gm.plan" --key "$sk" \
            "$f/$file" -o "$f/x.pgm"
    done
    mkdir "$f/limit"
    "$volley" decrypt "$f/gm.plan" --key "$sk" "$f/out.vct" \
        -o "$f/none/x.pgm" >/dev/null 2>"$work/err"
    check "decrypt to nowhere" test $? -eq 1
    full_disk decrypt "$f/gm.plan" --key "$sk" "$f/out.vct" \
        -o "$f/limit/x.pgm"
    check "decrypt on a full disk" test $? -eq 1
    rm -r "$f/limit"
    kernel=$(sed -n 's/.*"kernel": "\([^"]*\)".*/\1/p' "$f/evaluate.json")
    mkdir "$f/digit-data"       # in the long form gm's four images
    cp "$f/digit.pgm" "$f/digit-data/a-image.pgm"
    set -- "mnist" 1 --model "$digits" --data "$f/digit-data"
    [ -z "$CKKS_LONG" ] || set -- "gm" 4
    model=$1
    tiles=$2
    shift 2
    CKKS_KERNEL=$kernel "$build/bench" --quick --json network --threads 2 \
        "$@" >"$work/out" 2>"$work/err"
    check "bench of a network" grep -q '^{"name": "network", "kernel": '\
"\"$kernel\".*\"threads\": 2, .*\"model\": \"$model\", \"tiles\": $tiles" \
        "$work/out"
}
if [ "${VOLLEY_FULL:-1}" != 0 ]; then
    whole_way
else
    echo "  note: VOLLEY_FULL=0, no evaluation"
fi

# ---- measurements --------------------------------------------------------------------------
usage "calibrate: threads" "one thread" calibrate --threads 2
usage "calibrate: a word" "one too many" calibrate rotate
refuse "calibrate to nowhere" "" calibrate -o "$f/keys"
(CKKS_KERNEL=none; export CKKS_KERNEL
 "$volley" calibrate >"$work/out" 2>"$work/err")
check "calibrate with a kernel that is none" test $? -eq 1
check "calibrate names the kernel" grep -q '^volley: .*none' "$work/err"
cat >"$f/machine.json" <<EOF
{ "format": "volley-machine-1", "kernel": "avx2", "seconds_a_word": {
  "forward": 4e-10, "inverse": 3e-10, "convert": 3e-10, "inner": 2e-9,
  "permute": 1e-9, "pass": 3e-10, "term": 7e-11, "pack": 6e-10,
  "reduce": 8e-10, "fresh": 1e-8 } }
EOF
sed 's/"pass": 3e-10, //' "$f/machine.json" >"$f/machine.less"
sed 's/"pass": 3/"pass": -3/' "$f/machine.json" >"$f/machine.below"
sed 's/"pass"/"past"/' "$f/machine.json" >"$f/machine.more"
run "plan for a machine" plan "$gm" --machine "$f/machine.json" --threads 2
check "the plan says for how many threads" grep -q "on 2 threads with avx2" \
    "$work/out"
for file in machine.less machine.below machine.more; do
    refuse "plan with $file" "pas[st]" plan "$gm" --machine "$f/$file"
    refuse "evaluate with $file" "pas[st]" evaluate "$gm" --keys "$ek" "$vct" \
        --machine "$f/$file" -o "$f/x"
done
for file in empty none gm.plan .; do
    refuse "plan for the machine $file" "" plan "$gm" --machine "$f/$file"
done
# a program of one verb, made of the same parts
volley=$build/bench program=bench
usage "bench: unknown option" "unknown option .* bench --help" --nonsense
usage "bench: unknown name" "there are ntt_fwd .* network$" rotat
usage "bench: a model for nothing" "network" rotate --model "$gm"
refuse "bench of a plan" "is a plan" network --model "$p"
refuse "bench without images" "No such" network --data "$f/none"
(CKKS_KERNEL=none; export CKKS_KERNEL
 "$volley" rotate >"$work/out" 2>"$work/err")
check "bench with a kernel that is none" test $? -eq 1
check "bench names the kernel" grep -q '^bench: .*none' "$work/err"
run "bench --help" --help
cp "$work/out" "$f/bench.help"
"$volley" --quick rotat 2>&1 | sed 's/.*there are //' | tr ' ' '\n' \
    >"$f/bench.names"
while read -r name; do
    check "bench --help names $name" grep -qw "$name" "$f/bench.help"
done <"$f/bench.names"
run "bench --quick" --quick ntt_inv add matmul
check "bench prints a line of rates" grep -q '^machine, 1 thread: ' "$work/out"
check "bench prints matmul" grep -q '^matmul .* multiply-adds/s$' "$work/out"
run "bench --quick --json" --quick --json ntt_fwd rotate
cp "$work/out" "$f/bench.json"
for key in name kernel log_n primes special dnum threads median_us p10_us \
           limit_fraction limit_by log_qp security_bits machine; do
    check "every line of bench --json has $key" test \
        "$(grep -c "\"$key\": " "$f/bench.json")" -eq \
        "$(wc -l <"$f/bench.json")"
done
check "bench --json: an NTT" grep -q '^{"name": "ntt_fwd", "kernel": "portable",'\
' "log_n": 15, "primes": 18, .*"dnum": 6, "threads": 1, "median_us": [0-9.]*,'\
'.*"cycles_per_butterfly": [0-9]' "$f/bench.json"
check "bench --json: a rotation" grep -q '^{"name": "rotate", .*"log_n": 16, '\
'"primes": 31, .*"ntts": 205, .*"rest_us": [-0-9n]' "$f/bench.json"
run "bench --quick --slots real" --quick --json --slots real rescale conj
check "bench --slots real measures the real ring" test \
    "$(grep -c '"name": "rescale".*"real": true' "$work/out")" -eq \
    "$(wc -l <"$work/out")"
usage "bench --slots of another kind" "not real or complex" --slots odd
if command -v python3 >/dev/null; then
    check "bench --json is JSON, line by line, and adds up" \
        python3 - "$f/bench.json" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert {r["name"] for r in rows} == {"ntt_fwd", "rotate"}
assert {(r["log_n"], r["primes"]) for r in rows} \
    == {(13, 3), (14, 7), (15, 18), (16, 31)}
kernels = {r["kernel"] for r in rows}
assert "portable" in kernels and len(rows) == 8 * len(kernels)
for r in rows:
    assert 0 < r["p10_us"] <= r["median_us"] and r["security_bits"] >= 128
    assert r["limit_fraction"] is None or r["limit_fraction"] > 0
PY
fi
volley=$build/volley program=volley
check "no refused output is there" test ! -e "$f/x.vct" -a ! -e "$f/x.pgm"
check "no temporary file is left" test -z "$(find "$f" -name '*.tmp-*')"
check "nothing is left in the folder of the caller" test \
    -z "$(ls -A "$work/here")"
finish
