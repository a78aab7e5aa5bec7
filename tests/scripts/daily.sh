#!/bin/sh
# daily.sh BUILD -- BUILD/volley as its users have it day by day: volumes in and
# out, whose mask is whose, other pictures, values and spacing that a model is
# not for, both sides in one command, an evaluation that is cut.  Volumes and
# what is to come out are made by daily.py.  Ends with "N passed, N failed".
. "$(dirname "$0")/command.sh"
cd "$work" || exit 1
OMP_NUM_THREADS=1
export OMP_NUM_THREADS
python=$(command -v python3 || true)
/usr/bin/python3 -c 'import nibabel' 2>/dev/null && python=/usr/bin/python3
if [ -z "$python" ]; then
    skipped=1
    echo "skip daily: no python3"
    finish
    exit
fi
made()
{
    "$python" -B "$root/tests/scripts/daily.py" "$@"
}
made make || exit 1

# ---- a volume in, a mask on it out --------------------------------------------
run "plan" plan net -o p
check "the plan says what the images are" grep -q \
    '^for: made images of an object; axial slices of 0.25 x 0.25 mm' out
run "plan --json" plan net --json
cp out plan.json
check "and as JSON" test "$(made one plan.json images spacing 0)" = 0.25
run "info of a model" info net
check "so does info" grep -q '^images *for: made images of an object' out
run "info of a plan" info p
check "of a plan, too" grep -q '^images *for: made images of an object' out
run "keygen" keygen p --out keys
for order in RAS LPS ARS PSR SRA ILP; do
    run "$order: clear" clear net $order.nii -o mask.nii
    check "$order: the mask lies on the volume" made mask mask.nii $order.nii
done
run "encrypt a volume" encrypt p --key keys PSR.nii -o in.vct
check "its slices are said" grep -q \
    '^PSR.nii: 6 of 6 axial slices (stored PSR), 17x13 pixels of 0.25 x 0.25 mm' err
check "and the work" grep -q '^6 images in 1 set of 16: at most .* up, .* down' err
check "nothing of its name or place goes to the server" sh -c \
    '! grep -aq "PSR\|affine\|made images" in.vct'
run "evaluate" evaluate net --keys keys/eval.keys in.vct -o out.vct
check "evaluate says before how long" grep -q \
    '^net: 1 set, about [0-9.]* s each on 1 thread, [0-9.]* s in all' err
run "decrypt to a volume, without the images" decrypt p --key keys \
    --trust-server out.vct -o back.nii.gz --json
cp out back.json
check "the decrypted mask lies on the volume" made mask back.nii.gz PSR.nii
check "JSON: six masks" test "$(made one back.json masks)" = 6
check "JSON: whose" test "$(made one back.json masks 3 image)" = PSR.nii:slice=3
check "JSON: where" test "$(made one back.json masks 3 file)" = back.nii.gz
check "JSON: the volume" test "$(made one back.json volumes 0 slices)" = 6
for note in keys/requests/*.json; do
    check "what is kept is private" test "$(ls -l $note | cut -c1-10)" = \
        -rw-------
done
run "the same into a folder" decrypt p --key keys out.vct -o d/
check "it is called after the volume" made mask d/PSR-mask.nii.gz PSR.nii
check "a table" grep -q '^ *3  PSR.nii:slice=3  d/PSR-mask.nii.gz  17x13 *[0-9.]* %' out
run "slices as pictures" decrypt p --key keys out.vct -o s.pgm
check "one a slice" test -s s-0.pgm -a -s s-5.pgm -a ! -e s-6.pgm
run "with the images: a sheet" decrypt p --key keys out.vct -o d/ \
    --images PSR.nii --sheet sheet.png
check "is a picture" test -s sheet.png
run "part of the slices" clear net LPS.nii -o part.nii --first 2 --count 2
run "one slice" clear net LPS.nii:slice=2 -o one.nii
check "one slice of six" test -s one.nii
run "one slice into a folder is a picture" clear net LPS.nii:slice=2 -o e/
check "with its number" test -s e/LPS-slice2-mask.png
refuse "a volume of pictures" "not known" clear net eight.png -o no.nii
refuse "two volumes into one" "name a folder" clear net RAS.nii LPS.nii -o no.nii
run "two volumes into a folder" clear net RAS.nii LPS.nii -o two/
check "two masks" made mask two/RAS-mask.nii.gz RAS.nii
check "the other" made mask two/LPS-mask.nii.gz LPS.nii
mkdir sub
cp LPS.nii sub/RAS.nii
run "two volumes of one name" clear net RAS.nii sub/RAS.nii -o same/
check "both have numbers" made mask same/RAS-0-mask.nii.gz RAS.nii
check "the other, too" made mask same/RAS-1-mask.nii.gz sub/RAS.nii
cp LPS.nii "odd#1b.nii"
cp LPS.nii .nii
run "odd names" clear net "odd#1b.nii" ./.nii .//LPS.nii:slice=1 -o odd/
check "are names of masks" test "$(ls -A odd | tr '\n' ' ')" = \
    "LPS-slice1-mask.png _nii-mask.nii.gz odd#1b-mask.nii.gz "
refuse "over the volume" "is read too" clear net RAS.nii -o RAS.nii

# ---- situations that once were silent -----------------------------------------
run "0.5 mm for a model of 0.25 mm" clear net half.nii -o half-mask.nii
check "resampling is said" grep -q 'of 0.5 x 0.5 mm, resampled to 34x26$' err
check "the mask is on the volume's own grid" made overlap half-mask.nii
run "0.26 mm for a model of 0.25 mm" clear net near.nii -o near-mask.nii
check "is warned of" grep -q '^volley: warning: near.nii: .* 4.0 % apart' err
run "a fill value" clear net fill.nii -o fill-mask.nii
check "is warned of, with its number" grep -q '^volley: warning: .*-32768' err
check "and the object is seen" made overlap fill-mask.nii
run "8 bits" clear net eight.png -o eight.pgm
run "12 bits in 16, percentiles by the model" clear net twelve.png -o twelve.pgm
check "give the mask of 8 bits" cmp eight.pgm twelve.pgm
run "12 bits in 16, a model that says nothing" clear plain twelve.png \
    -o plain.pgm
check "is warned of, with the range" grep -q \
    '^volley: warning: twelve.png: .*4[0-9][0-9]\.\.9[89][0-9]' err
run "with a window" clear plain twelve.png --window 400:1000 -o window.pgm
check "they give the mask of 8 bits" cmp eight.pgm window.pgm
run "with percentiles" clear plain twelve.png --values percentiles:1:99.5 \
    -o perc.pgm
check "they give it, too" cmp eight.pgm perc.pgm
usage "a window of one number" "LOW:HIGH" clear net RAS.nii -o no.nii --window 3
usage "a window turned round" "LOW < HIGH" clear net RAS.nii -o no.nii \
    --window 3:1
usage "a window of no numbers" "LOW:HIGH" clear net RAS.nii -o no.nii \
    --window nan:1
usage "values of another rule" "percentiles" clear net RAS.nii -o no.nii \
    --values mean
usage "percentiles beyond" "0 <= LOW" clear net RAS.nii -o no.nii \
    --values percentiles:-1:99
usage "both" "contradict" clear net RAS.nii -o no.nii --window 1:2 --values full
run "pixels" clear net RAS.nii -o pix.nii --pixels pix.f32
check "four bytes each" test "$(wc -c <pix.f32)" -eq $((4 * 13 * 17 * 6))

# ---- whose mask is it ------------------------------------------------------------
cp other.png sub/eight.png
run "encrypt pictures, by a window" encrypt p --key keys eight.png \
    twelve.png sub/eight.png --window 400:1000 -o in.vct
run "evaluate pictures" evaluate net --keys keys/eval.keys in.vct -o out.vct
run "decrypt pictures" decrypt p --key keys out.vct -o w/
check "masks have the names of their pictures" test -s w/twelve-mask.png \
    -a -s w/eight-0-mask.png -a -s w/eight-2-mask.png
check "the table says whose" grep -q \
    '^ *2  sub/eight.png *w/eight-2-mask.png  17x13' out
run "overlays, by the window that was kept" decrypt p --key keys out.vct \
    -o w/ --overlay eight.png twelve.png sub/eight.png
check "have such names" test -s w/twelve-overlay.png
refuse "overlays over pictures that changed places" \
    'image 0, sub/eight.png, is not what went in: that was eight.png' \
    decrypt p --key keys out.vct -o no/ --overlay sub/eight.png twelve.png \
    eight.png
for note in keys/requests/*.json; do
    mv "$note" "$note.old"
done
run "a request of before names were kept" decrypt p --key keys out.vct -o old/
check "has numbers" test -s old/mask-2.png
run "and takes pictures by their sizes" decrypt p --key keys out.vct \
    -o old/ --overlay sub/eight.png twelve.png eight.png
for note in keys/requests/*.json.old; do
    mv "$note" "${note%.old}"
done

# ---- both sides in one command ---------------------------------------------------
run "run" run net --keys keys --plan p LPS.nii -o run.nii --check
check "the mask lies on the volume" made mask run.nii LPS.nii
check "nothing differs" grep -q '^check: 0 of 1326 pixels differ' out
check "that it is for trying out is said" grep -q '^both sides on this machine' err
run "run --json" run net --keys keys --plan p LPS.nii -o run/ --check --json
cp out run.json
check "run --json says what differs" test "$(made one run.json check differ)" = 0
check "into a folder, by name" made mask run/LPS-mask.nii.gz LPS.nii
check "no folder is left beside the keys" test \
    "$(ls keys | tr '\n' ' ')" = "eval.keys owner.json requests secret.key "
run "all 48 ways to store a volume, encrypted" run net --keys keys --plan p all \
    -o every/
check "every mask lies on its volume" made all every
grep '^48 volumes' check
refuse "run without keys" "volley keygen net --out none makes" run net \
    --keys none --plan p LPS.nii -o no.nii
refuse "run with keys of another plan" "these keys were made for" run plain \
    --keys keys LPS.nii -o no.nii
usage "run without a result" "out MASK" run net --keys keys --plan p LPS.nii
"$volley" run net --keys keys --plan p RAS.nii LPS.nii ARS.nii PSR.nii SRA.nii \
    -o cutrun/ >out 2>err &
sleep 0.1
kill -INT $! 2>/dev/null
wait $!
check "a run that is cut leaves nothing beside the keys" test \
    "$(ls keys | tr '\n' ' ')" = "eval.keys owner.json requests secret.key "

# ---- an evaluation that is cut ---------------------------------------------------
run "a plan of one slice a set" plan net --batch 1 -o q
run "its keys" keygen q --out kq
run "encrypt" encrypt q --key kq RAS.nii -o six.vct
run "evaluate, not cut" evaluate net --plan q --keys kq/eval.keys six.vct \
    -o whole.vct
check "nothing is kept" test ! -e whole.vct.partial
# cut SETS: so many bytes may be written
cut_at()
{
    rm -f cut.vct*
    (trap '' XFSZ
     ulimit -f $(($(wc -c <whole.vct) * $1 / 12 / 512))
     "$volley" evaluate net --plan q --keys kq/eval.keys "$2" -o cut.vct) \
        >out 2>err
}
cut_at 7 six.vct
check "a cut evaluation fails" test $? -eq 1 -a ! -e cut.vct
check "and keeps what was done" test -s cut.vct.partial
cp cut.vct.partial three.partial
run "it goes on" evaluate net --plan q --keys kq/eval.keys six.vct -o cut.vct --json
cp out cut.json
done=$(made one cut.json sets_done_before)
check "some sets were done" test "$done" -ge 4 -a "$done" -le 7
check "that is said" grep -q \
    "^cut.vct.partial: $done of 12 sets were done before, going on" err
check "to the same bytes" cmp cut.vct whole.vct
check "nothing is kept then" test ! -e cut.vct.partial
# other inputs, other keys, a damaged file, one that is none
cp three.partial cut.vct.partial
run "encrypt once more" encrypt q --key kq RAS.nii -o again.vct
run "other inputs" evaluate net --plan q --keys kq/eval.keys again.vct -o cut.vct
check "begin anew" grep -q 'warning: cut.vct.partial is of other inputs' err
cp three.partial cut.vct.partial
printf 'x' | dd of=cut.vct.partial bs=1 conv=notrunc \
    seek=$(($(wc -c <three.partial) / 2)) 2>"$work/dd"
run "a damaged part" evaluate net --plan q --keys kq/eval.keys six.vct -o cut.vct
check "is done again, to the same bytes" cmp cut.vct whole.vct
echo mine >cut.vct.partial
refuse "a file of that name" "no part of a result" evaluate net --plan q \
    --keys kq/eval.keys six.vct -o cut.vct
check "is as it was" grep -q mine cut.vct.partial
rm cut.vct.partial
ln -s mine cut.vct.partial
refuse "a link of that name" "symbolic link" evaluate net --plan q \
    --keys kq/eval.keys six.vct -o cut.vct
rm cut.vct.partial
check "no temporary file is left" test -z "$(find . -name '*.tmp-*')"
check "no refused result is there" test -z "$(ls -A no 2>&1 | grep mask)" -a ! -e no.nii
finish
