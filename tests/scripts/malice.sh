#!/bin/sh
# malice.sh BUILD -- a hostile other side: plans that lie, results that nobody
# computed (tests/malice/forge.c), results of another request, of another
# owner, twice.  What must be refused is refused in one line, and nothing is
# written; what is known not to be seen passes, so that the documents stay
# true.  Ends with "N passed, N failed".
. "$(dirname "$0")/command.sh"
forge=$build/forge
mnist=$root/unet/models/mnist.safetensors
cd "$work" || exit 1

# results that must not be there
left()
{
    for name in no no.csv no.pgm; do
        [ ! -e "$name" ] || echo "$name"
    done
}

# ---- an honest owner ---------------------------------------------------------
# picture N: 28x28 pixels that depend on N
picture()
{
    printf 'P2 28 28 255\n'
    awk -v n="$1" 'BEGIN { for (i = 0; i < 784; i++)
        print int((i * (n + 3) + i * i * n) % 256) }'
}
mkdir in
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
    picture "$i" >"in/$i.pgm"
done
run "plan" plan "$mnist" --batch 5 --slots complex -o p
run "keygen" keygen p --out a
run "another owner" keygen p --out b
run "encrypt" encrypt p --key a in -o in.vct
run "evaluate" evaluate "$mnist" --plan p --keys a/eval.keys in.vct -o out.vct

# ---- plans that lie ----------------------------------------------------------
# lie FILE SED: a plan with other fields
lie()
{
    sed -E "$2" p >"$1"
    cmp -s p "$1" && bad "$1: the plan has no such field"
}
lie gap 's/"gap": 0/"gap": 1/'
lie column 's/"neurons": 0/"neurons": 10/; s/"column": 0/"column": 5000/'
lie classes 's/"channels": 10/"channels": 9/'
lie max 's/"max": [0-9.]+/"max": 1e300/'
lie error 's/"error_sd": [0-9.e+-]+/"error_sd": 1e300/'
lie threshold 's/"threshold": 0/"threshold": -1e300/'
lie batch 's/"batch": 5/"batch": 65536/'
lie escape 's/"name": "[^"]*"/"name": "\\u001b[2J"/'
lie c1 's/"name": "[^"]*"/"name": "\\u009b2J"/'
lie turn 's/"name": "[^"]*"/"name": "\\u202egpj"/'
lie level 's/"level": 0,/"level": 1,/'
for plan in gap column classes max error threshold batch escape c1 turn; do
    refuse "keygen by $plan" "$plan: plan: " keygen $plan --out no
    refuse "encrypt by $plan" "$plan: plan: " encrypt $plan --key a in -o no
    refuse "decrypt by $plan" "$plan: plan: " decrypt $plan --key a out.vct \
        -o no.csv
    refuse "info of $plan" "plan: " info $plan
done

# Security is the owner's: a plan cannot switch it off, nor have small N.
lie off 's/"security": 128/"security": -1/; s/"log_n": 13/"log_n": 12/'
lie large 's/"security": 128/"security": -1/'
for verb in "keygen off --out no" "encrypt off --key a in -o no" \
            "decrypt off --key a out.vct -o no.csv"; do
    refuse "${verb%% *} without security" "bits of security need\|plan: " $verb
done
refuse "more bits than the plan has" "256 bits of security need" keygen p \
    --out no --security 256
refuse "the same at encrypt" "256 bits" encrypt p --key a in -o no \
    --security 256
refuse "the same at decrypt" "256 bits" decrypt p --key a out.vct -o no.csv \
    --security 256
run "unless told" keygen p --out weak --security 256 --insecure
check "keygen states N, log2 QP, bits" grep -q \
    '^mnist: N = 2^[0-9]*, log2 QP [0-9.]*, 128 bits of security by the table' err
check "keygen states sizes" grep -q \
    '^[0-9]* keys, at most .* on disk; at most .* of memory' err

# Sizes are said before work, and bounded.
refuse "memory at keygen" "asks keygen for .* MiB of memory" keygen p --out no \
    --memory 20
refuse "memory at encrypt" "asks encrypt for" encrypt p --key a in -o no \
    --memory 16
refuse "memory at decrypt" "asks decrypt for" decrypt p --key a out.vct \
    -o no.csv --memory 16

# 256 keys of 60 primes at N = 2^17: nothing is begun.  The primes need not be
# any for that.
many=$(awk 'BEGIN { for (i = 1; i < 61; i++)
    printf "%s%.0f", (i > 1) ? "," : "", 2^48 + i * 262144 + 1 }')
keys=$(awk 'BEGIN { for (i = 1; i < 257; i++)
    printf "%s{\"kind\":\"rotate\",\"step\":%d,\"level\":59}",
           (i > 1) ? "," : "", i }')
tr -d '\n' <p | sed -E "s/\"primes\": \[[^]]*\]/\"primes\": [$many]/
    s/\"log_n\": 13/\"log_n\": 17/; s/\"keys\": \[[^]]*\]/\"keys\": [$keys]/
    s/\"level\": 2/\"level\": 59/; s/\"dnum\": 3/\"dnum\": 60/" >huge
refuse "256 keys of gigabytes" "asks keygen for .*[MG]iB\|bits of security" \
    keygen huge --out no
refuse "the same, insecure" "asks keygen for .*[0-9] [MG]iB" keygen huge --out no \
    --insecure

# Another plan than keygen's: both fingerprints.
run "another plan" plan "$mnist" --batch 4 --slots complex -o q
one=$("$volley" info p --json | sed -n 's/.*"plan": "\([0-9a-f]*\)".*/\1/p')
two=$("$volley" info q --json | sed -n 's/.*"plan": "\([0-9a-f]*\)".*/\1/p')
check "fingerprints differ" test -n "$one" -a "$one" != "$two"
refuse "encrypt by another plan" "$one.*$two" encrypt q --key a in -o no
refuse "decrypt by another plan" "$one.*$two" decrypt q --key a out.vct \
    -o no.csv
refuse "evaluate by another plan" "$one.*$two" evaluate "$mnist" --plan q \
    --keys a/eval.keys in.vct -o no

# ---- forged results ----------------------------------------------------------
for kind in zero constant sparse even slot small upload; do
    check "forge $kind" "$forge" $kind p in.vct $kind.vct
    refuse "a result of c_1 $kind" "a forged result" decrypt p --key a \
        $kind.vct -o no.csv
    refuse "the same by force" "a forged result" decrypt p --key a \
        $kind.vct -o no.csv --force
done

# What is not seen: docs/security.md says so.  Before the honest result.
cp -r a c
check "forge plus" "$forge" plus p in.vct plus.vct out.vct
check "forge rescaled" "$forge" rescaled p in.vct rescaled.vct
run "NOT SEEN: an honest result and K" decrypt p --key c plus.vct -o c.csv
check "but it is warned of" grep -q 'warning: .*must not go back' err

# ---- identities --------------------------------------------------------------
run "the honest result" decrypt p --key a out.vct -o a.csv
run "the same once more" decrypt p --key a out.vct -o a2.csv
check "gives the same" cmp a.csv a2.csv
refuse "a second result" "a second result of request" decrypt p --key a \
    plus.vct -o no.csv
run "by force" decrypt p --key a plus.vct -o x.csv --force
refuse "after which the first is one" "a second result of request" decrypt p \
    --key a out.vct -o no.csv
refuse "another owner's request" "none of those in b" decrypt p --key b \
    out.vct -o no.csv
refuse "another owner's result by force" "left its range" decrypt p --key b \
    out.vct -o no.csv --force

# swapped and replayed: B's result under the name of A's request, and yesterday's
run "encrypt of another owner" encrypt p --key b in -o b.vct
run "evaluate of another owner" evaluate "$mnist" --plan p --keys b/eval.keys \
    b.vct -o bout.vct
run "a request tomorrow" encrypt p --key a in -o in2.vct
refuse "yesterday's result is not its" "none of those in\|a second result" \
    decrypt p --key a bout.vct -o no.csv
check "forge swap" "$forge" stamp p in2.vct swap.vct bout.vct
refuse "B's result as A's" "left its range" decrypt p --key a swap.vct \
    -o no.csv
check "forge replay" "$forge" stamp p in2.vct replay.vct out.vct
run "NOT SEEN: yesterday's result under today's name" decrypt p --key a \
    replay.vct -o r.csv
check "forge another for today" "$forge" plus p in2.vct plus2.vct out.vct
refuse "then another is a second one" "a second result" decrypt p --key a \
    plus2.vct -o no.csv

# a request's note that was damaged, or is gone
for note in c/requests/*.json; do
    cp "$note" names.json
    printf x | dd of="$note" bs=1 seek=70 conv=notrunc 2>/dev/null
    refuse "names that were damaged" "byte\|not a" decrypt p --key c out.vct \
        -o no.csv
    sed 's/"name": "[^"]*"/"name": "\\u001b[2J"/' names.json >"$note"
    refuse "names that a terminal acts upon" "image 0 is not a name" \
        decrypt p --key c out.vct -o no.csv
    cp names.json "$note"
done
for note in c/requests/*.req; do
    printf x | dd of="$note" bs=1 seek=70 conv=notrunc 2>/dev/null
done
refuse "a damaged note" "digest is wrong" decrypt p --key c out.vct -o no.csv
rm c/requests/*
refuse "no note" "none of those in" decrypt p --key c out.vct -o no.csv
run "no note, by force" decrypt p --key c out.vct -o x.csv --force
rm c/owner.json
refuse "no owner.json" "owner.json is not there" decrypt p --key c out.vct \
    -o no.csv
printf '{"format":"volley-owner-1","plan":"00","trust_server":true}' \
    >c/owner.json
refuse "a note of nothing" "is not the note" decrypt p --key c out.vct -o no.csv

# ---- parts of one result are parts -------------------------------------------
run "encrypt for parts" encrypt p --key b in -o parts.vct
for k in 1 2 3; do
    run "evaluate part $k" evaluate "$mnist" --plan p --keys b/eval.keys \
        parts.vct --part $k/3 -o part$k.vct
done
run "evaluate whole" evaluate "$mnist" --plan p --keys b/eval.keys parts.vct \
    -o whole.vct
refuse "a part alone" "set 3 of 3 is in none" decrypt p --key b part1.vct \
    part2.vct -o no.csv
refuse "a part twice" "is in another part" decrypt p --key b part1.vct \
    part2.vct part2.vct -o no.csv
refuse "a part of another request" "the parts before are of" decrypt p --key b \
    part1.vct part2.vct bout.vct -o no.csv
run "all parts, in any order" decrypt p --key b part3.vct part1.vct part2.vct \
    -o parts.csv
run "the whole is no second result" decrypt p --key b whole.vct -o whole.csv
check "and the same" cmp parts.csv whole.csv
"$volley" evaluate "$mnist" --plan p --keys b/eval.keys parts.vct --part 4/3 \
    -o no >out 2>err
check "part 4 of 3" test $? -eq 2
run "a part of none" evaluate "$mnist" --plan p --keys b/eval.keys parts.vct \
    --part 1/4 -o none.vct
refuse "alone" "set 1 of 3 is in none" decrypt p --key b none.vct -o no.csv
run "beside the others" decrypt p --key b part3.vct none.vct part1.vct \
    part2.vct -o parts.csv
check "is the same" cmp parts.csv whole.csv

# ---- keys for each person ----------------------------------------------------
run "three key folders" keygen p --out many --count 3
check "three secrets" test -s many/001/secret.key -a -s many/002/secret.key \
    -a -s many/003/secret.key
check "that differ" sh -c '! cmp -s many/001/secret.key many/002/secret.key'
refuse "one of them is there" "many/001/*secret.key is there" keygen p \
    --out many --count 4
check "none was begun" test ! -e many/004

# ---- names reach no spreadsheet as formulas ----------------------------------
sed -E 's/"0",/"=cmd|x",/' p >formula
if cmp -s p formula; then
    tr -d '\n' <p | sed -E 's/"classes": \[ *"0"/"classes": ["=cmd|x"/' >formula
fi
run "keys for a formula" keygen formula --out f
run "encrypt" encrypt formula --key f in/01.pgm -o f.vct
check "a result" "$forge" rescaled formula f.vct fo.vct
"$volley" decrypt formula --key f fo.vct -o f.csv >out 2>err
if [ -e f.csv ]; then
    check "an apostrophe in front" grep -q "\"'=cmd|x\"" f.csv
else
    bad "no CSV of the formula"
fi
check "nothing else" sh -c '! grep -q "[,]=cmd" f.csv'

check "no temporary file is left" test -z "$(find . -name '*.tmp-*')"
finish
