#!/bin/sh
# machines.sh BUILD -- one evaluation on many machines: parts of the sets and
# their join, for every number of parts; parts that are of something else, that
# are missing, doubled or damaged; an evaluation that is cut; and, where
# BUILD/volley-mpi and mpirun are, the same under mpirun.  Ends with "N passed,
# N failed[, N skipped]".
. "$(dirname "$0")/command.sh"
mnist=$root/unet/models/mnist.safetensors
cd "$work" || exit 1
OMP_NUM_THREADS=1
export OMP_NUM_THREADS
# results that must not be there
left()
{
    for name in no no.csv; do
        [ ! -e $name ] || echo $name
    done
}
# flip FROM TO AT: a copy with one byte changed
flip()
{
    cp "$1" "$2"
    byte=$(od -An -tu1 -j "$3" -N 1 "$1" | tr -d ' ')
    printf "\\$(printf %o $((byte ^ 1)))" \
        | dd of="$2" bs=1 seek="$3" conv=notrunc 2>/dev/null
}
size_of()
{
    wc -c <"$1" | tr -d ' '
}

# ---- four sets ---------------------------------------------------------------
mkdir in
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
    { printf 'P2 28 28 255\n'
      awk -v n="$i" 'BEGIN { for (i = 0; i < 784; i++)
          print int((i * (n + 3) + i * i * n) % 256) }'; } >"in/$i.pgm"
done
run "plan" plan "$mnist" --batch 3 --slots complex -o p
run "keygen" keygen p --out a
run "another owner" keygen p --out b
run "encrypt" encrypt p --key a in -o in.vct
evaluate()
{
    "$volley" evaluate "$mnist" --plan p --keys a/eval.keys in.vct "$@"
}
run "evaluate all" evaluate "$mnist" --plan p --keys a/eval.keys in.vct \
    -o whole.vct --json
check "in one process" grep -q '"ranks": 1,' out
check "four sets" grep -q '"sets": 4,' out

# ---- every number of parts -----------------------------------------------------
for n in 1 2 3 4 5; do
    parts=
    for k in $(seq $n); do
        run "part $k of $n" evaluate "$mnist" --plan p --keys a/eval.keys \
            in.vct --part "$k/$n" -o "p$n-$k.vct"
        parts="p$n-$k.vct $parts"           # the last one first
    done
    run "join $n parts" join $parts -o joined.vct
    check "$n parts are the whole" cmp joined.vct whole.vct
done
check "parts are counted" grep -q \
    '^joined.vct: 12 images in 4 sets of 5 parts, ' out
call evaluate "$mnist" --plan p --keys a/eval.keys in.vct --part 1/5 -o p5-1.vct
check "a part without sets is said" grep -q \
    'warning: --part 1/5 of 4 sets is none of them, and a set cannot be cut' err
run "decrypt takes parts" decrypt p --key a p5-5.vct p5-1.vct p5-3.vct p5-4.vct \
    p5-2.vct -o parts.csv
run "and the joined" decrypt p --key a joined.vct -o joined.csv
check "which is the same" cmp parts.csv joined.csv
run "info of a part" info p3-2.vct
run "join --json" join p2-2.vct p2-1.vct -o joined.vct --json
check "says what was joined" grep -q '"parts": 2,' out
run "join --help" join --help
usage "join without a result" "out PATH" join p2-1.vct p2-2.vct
usage "join of nothing" "a file is missing" join -o no
usage "part 4 of 3" "is not K/N" evaluate "$mnist" --plan p --keys a/eval.keys \
    in.vct --part 4/3 -o no

# ---- parts that do not go together -----------------------------------------------
run "another request" encrypt p --key a in -o other.vct
run "its part" evaluate "$mnist" --plan p --keys a/eval.keys other.vct \
    --part 2/2 -o q.vct
refuse "of two requests" 'q.vct: request .* are of .* (p2-1.vct): give the' \
    join p2-1.vct q.vct -o no
refuse "decrypt of two requests" 'q.vct: request .* (p2-1.vct)' \
    decrypt p --key a p2-1.vct q.vct -o no.csv
run "with other keys" evaluate "$mnist" --plan p --keys b/eval.keys in.vct \
    --part 2/2 -o q.vct
refuse "of two keys" 'q.vct was computed with other weights or keys.* p2-1.vct' \
    join p2-1.vct q.vct -o no
refuse "decrypt of two keys" 'q.vct was computed with other weights' \
    decrypt p --key a p2-1.vct q.vct -o no.csv
flip "$mnist" model $(($(size_of "$mnist") - 2))
run "with other weights" evaluate model --plan p --keys a/eval.keys in.vct \
    --part 2/2 -o q.vct
refuse "of two models" 'q.vct was computed with other weights or keys' \
    join p2-1.vct q.vct -o no
run "another plan" plan "$mnist" --batch 2 --slots complex -o p2
run "its keys" keygen p2 --out c
run "its request" encrypt p2 --key c in -o six.vct
run "its part" evaluate "$mnist" --plan p2 --keys c/eval.keys six.vct \
    --part 2/2 -o q.vct
refuse "of two plans" 'q.vct is of plan .* are of .* (p2-1.vct): give the parts' \
    join p2-1.vct q.vct -o no
refuse "a missing part" \
    'set 2 of 4 is in none of the files (p4-1.vct, ...): .* --part 2/3 makes' \
    join p4-4.vct p4-1.vct p4-3.vct -o no
refuse "two missing sets" \
    'set 3 of 4 is in none of the files, nor are those up to 4 .* --part 2/2' \
    join p4-2.vct p4-1.vct p5-1.vct -o no
run "the way that is said" join p4-2.vct p4-1.vct p2-2.vct -o joined.vct
check "leads to the whole" cmp joined.vct whole.vct
refuse "a part without sets alone" 'set 1 of 4 .* --part 1/1' join p5-1.vct -o no
refuse "a part twice" 'set 3 is in another part, too: p2-2.vct; leave one' \
    join p2-1.vct p2-2.vct p2-2.vct -o no
refuse "parts that overlap" 'p4-2.vct: set 2 is in another part, too: p2-1.vct' \
    join p2-1.vct p2-2.vct p4-2.vct -o no
refuse "inputs" "in.vct holds inputs" join p2-1.vct in.vct -o no
refuse "a whole result" "whole.vct is no part" join whole.vct -o no
refuse "a plan" "is not a file of ciphertexts" join p -o no
refuse "nothing there" "No such" join p2-1.vct none -o no
refuse "a part as result" "is read too" join p2-1.vct p2-2.vct -o p2-1.vct
refuse "a result in no folder" "No such" join p2-1.vct p2-2.vct -o none/no

# ---- damage: every field of the head, bytes of ciphertexts, lengths ------------------
n=$(size_of p2-2.vct)
# the head of 12 images: 64 + 96 bytes, a mark, a digest
for at in 0 4 5 6 7 8 24 40 44 48 52 56 60 64 159 160 175 176 191; do
    flip p2-2.vct q.vct $at
    refuse "byte $at of a part" "q.vct" join p2-1.vct q.vct -o no
done
for at in 192 200 $((n / 2)) $((n - 17)) $((n - 16)) $((n - 1)); do
    flip p2-2.vct q.vct $at
    refuse "byte $at of a part" "q.vct" join p2-1.vct q.vct -o no
    refuse "decrypt of byte $at" "q.vct" decrypt p --key a p2-1.vct q.vct -o no.csv
done
for keep in 0 3 63 64 191 192 199 $((n / 2)) $((n - 17)) $((n - 1)); do
    head -c "$keep" p2-2.vct >q.vct
    refuse "$keep bytes of a part" "q.vct" join p2-1.vct q.vct -o no
done
{ cat p2-2.vct; echo; } >q.vct
refuse "a byte behind a part" "too many at the end" join p2-1.vct q.vct -o no
flip p5-1.vct q.vct $(($(size_of p5-1.vct) - 1))
refuse "a damaged part without sets" "damaged" join p2-1.vct p2-2.vct q.vct -o no

# ---- a part that is cut ------------------------------------------------------------
run "a plan of one image a set" plan "$mnist" --batch 1 --slots complex -o one
run "its keys" keygen one --out k
run "twelve sets" encrypt one --key k in -o twelve.vct
twelve()
{
    "$volley" evaluate "$mnist" --plan one --keys k/eval.keys twelve.vct "$@" \
        >out 2>err
}
twelve -o all.vct
check "evaluate twelve sets" test -s all.vct
twelve --part 1/2 -o h1.vct
check "the first half" test -s h1.vct
# half as many bytes as it needs may be written
(trap '' XFSZ
 ulimit -f $(($(size_of all.vct) / 4 / 512))
 twelve --part 2/2 -o h2.vct)
check "a part that is cut fails" test $? -eq 1 -a ! -e h2.vct
check "and keeps what was done" test -s h2.vct.partial
twelve --part 2/2 -o h2.vct
check "it goes on" grep -q '^h2.vct.partial: [1-5] of 6 sets' err
run "join" join h2.vct h1.vct -o joined.vct
check "to the same bytes" cmp joined.vct all.vct

# ---- ranks of mpirun ---------------------------------------------------------------
many=$build/volley-mpi
if [ ! -x "$many" ] || ! command -v mpirun >/dev/null; then
    skipped=1
    echo "skip ranks: no Open MPI (make deps-mpi)"
    finish
    exit
fi
# ranks N COMMAND: as root in a container, more ranks than cores, loopback alone
ranks()
{
    number=$1
    shift
    timeout 300 mpirun --allow-run-as-root --oversubscribe -np "$number" \
        --mca btl self,tcp --mca btl_tcp_if_include lo "$@" >out 2>err </dev/null
}
# shared N ARGUMENTS: evaluate of the twelve sets
shared()
{
    number=$1
    shift
    ranks "$number" "$many" evaluate "$mnist" --plan one --keys k/eval.keys \
        twelve.vct "$@"
}
# said WORD: one line of ours, which holds it, and no result
said()
{
    test "$(grep -c '^volley: ' err)" -eq 1 && grep -q "^volley: .*$1" err \
        && test ! -s out && test ! -e no
}
shared 2 -o r.vct --json
check "two ranks" test $? -eq 0
check "are the whole" cmp r.vct all.vct
check "and leave nothing" test -z "$(ls r.vct.* 2>/dev/null)"
check "they are counted" grep -q '"ranks": 2,' out
check "so are sets" grep -q '"sets": 12,' out
rm r.vct
ranks 5 "$many" evaluate "$mnist" --plan p --keys a/eval.keys in.vct -o r.vct
check "five ranks for four sets" cmp r.vct whole.vct
check "that one has none is said" grep -q '^4 sets for 5 ranks: one set' err
check "one rank tells" test "$(grep -c '^r.vct: 12 images' out)" -eq 1
run_alone()
{
    "$many" evaluate "$mnist" --plan p --keys a/eval.keys in.vct -o r.vct \
        >out 2>err
}
check "without mpirun it is one process" run_alone
check "and the same" cmp r.vct whole.vct

# refusals: one line, of one rank
ranks 2 "$many" evaluate none --keys k/eval.keys twelve.vct -o no
check "ranks without a model" test $? -eq 1
check "say so once" said 'none: No such file'
ranks 2 "$many" evaluate "$mnist" --plan one --keys k/eval.keys twelve.vct
check "ranks without a result" test $? -eq 2
check "say so once" said 'out PATH is missing'
shared 2 -o no --part 1/2
check "ranks of a part" test $? -eq 2
check "say so once" said 'for one process'
ranks 2 "$many" evaluate "$mnist" --keys k/eval.keys twelve.vct -o no
check "ranks of another plan" said 'made for another plan'
# alone DOING: rank 1 does something before
alone()
{
    cat >one.sh <<SH
[ "\$OMPI_COMM_WORLD_RANK" != 1 ] || { $1; }
exec "$many" evaluate "$mnist" --plan one --keys k/eval.keys twelve.vct -o no
SH
}
mkdir elsewhere
alone 'cd elsewhere'
ranks 2 sh "$work/one.sh"
check "a rank that sees other files" said 'rank 1 on .*: .*No such file'
alone 'trap "" XFSZ; ulimit -f 0'
ranks 2 sh "$work/one.sh"
check "a rank without room on its disk" said 'rank 1 on .*: writing no.set-'
rm -f no.set-*
echo mine >no.set-000003
shared 2 -o no
check "a file of that name" said 'no.set-000003 is there and no part'
check "is as it was" grep -q mine no.set-000003
rm no.set-000003

# a rank that dies
shared 2 -o r2.vct &
job=$!
rank=
for wait in $(seq 600); do
    [ ! -e r2.vct.set-000002 ] || break
    sleep 0.05
done
for pid in $(grep -lsz '^OMPI_COMM_WORLD_RANK=1$' /proc/[0-9]*/environ \
             | cut -d/ -f3); do
    if [ "$(tr '\0' ' ' <"/proc/$pid/cmdline" | grep -c 'r2.vct')" -eq 1 ] \
       && [ "$(readlink "/proc/$pid/cwd")" = "$work" ]; then
        rank=$pid
    fi
done
[ -z "$rank" ] || kill -9 "$rank"
wait "$job"
code=$?
check "there was a rank 1" test -n "$rank"
check "a rank that is killed ends all" test $code -ne 0 -a ! -e r2.vct
check "mpirun names it" grep -q 'rank 1 with PID' err
check "what was done is kept" test -s r2.vct.set-000001
flip r2.vct.set-000001 q.vct 9000
mv q.vct r2.vct.set-000001
shared 3 -o r2.vct
check "three ranks go on" test $? -eq 0
check "with what two had done" grep -q \
    '^r2.vct.set-\*: [0-9]* of 12 sets* w.* done before, going on' err
check "a damaged one is done anew" grep -q 'warning: r2.vct.set-\*: 1 file dam' err
check "to the same bytes" cmp r2.vct all.vct
# the one that rank 1 was writing is all that SIGKILL leaves
check "and nothing is left" test \
    "$(find . -name '*.tmp-*' -o -name '*.set-*' | grep -vc '\.tmp-')" -eq 0 \
    -a "$(find . -name '*.tmp-*' | grep -c '')" -le 1
finish
