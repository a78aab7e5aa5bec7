#!/bin/sh
# places.sh BUILD -- BUILD/volley in hostile surroundings: images that ask for
# much memory or time, places that are no files, outputs that are inputs or
# links, signals.  Time and memory of a refusal are limited: whoever decodes
# before he looks ends by the limit.  Ends with "N passed, N failed".
. "$(dirname "$0")/command.sh"
models=$root/unet/models
cd "$work" || exit 1
OMP_NUM_THREADS=1
export OMP_NUM_THREADS
stated="$stated|: warning: "

# small ...: the same in 90 MB of address space, of which the program takes
# half, and a second
small()
{
    limited=$volley
    volley=$work/limited
    "$@"
    volley=$limited
}
cat >limited <<END
#!/bin/sh
ulimit -v ${PLACES_KB:-90000} || exit 9
ulimit -t 1
exec "$volley" "\$@"
END
chmod +x limited

# ---- what the rest needs -----------------------------------------------------
mnist=$models/mnist.safetensors gm=$models/gm.safetensors
run "plan" plan "$mnist" --aim latency -o p
run "plan gm" plan "$gm" -o gm.plan
run "keygen" keygen p --out k
{ printf 'P5\n28 28\n255\n'; head -c 784 "$mnist"; } >d.pgm
run "encrypt" encrypt p --key k/secret.key d.pgm -o in.vct
run "evaluate" evaluate "$mnist" --plan p --keys k/eval.keys in.vct -o out.vct
run "decrypt" decrypt p --key k --trust-server out.vct
cp k/secret.key secret.copy

# ---- images that ask for much -------------------------------------------------
bombs()
{
    if ! mkdir bombs || ! "$python" -B "$root/tests/scripts/bombs.py" bombs; then
        bad "the bombs were not written"
        return
    fi
    small run "a small image under the limits" \
        encrypt p --key k/secret.key d.pgm -o x.vct
    for f in bombs/*.ok.*; do
        case $f in
            *.jpg) [ "$has_jpeg" ] || continue ;;
        esac
        small run "$f" encrypt p --key k/secret.key "$f" -o x.vct
    done
    rm -f x.vct
    for f in bombs/*; do
        case $f in
            *.ok.*) continue ;;
            */hole.jpg | */tail.*) word="more than the [0-9]* allowed" ;;
            */scans.jpg) word="more than 100 scans" ;;
            */deep.nii) word="no memory for 205514976" ;;   # all its slices
            */deep.nii.gz) word="gunzip it first" ;;
            */short.nii) word="a volume of 30000 x 30000 x 1 voxels, at most" ;;
            */side.nii.gz) word="8192 x 8192 ones, at most 1[0-9]* in all" ;;
            */many.idx*) word="more than 65536; take part" ;;
            */full.idx.gz | */labels.gz) word="gunzip it first" ;;
            */list) word="neither PGM" ;;
            *) word="[0-9]x[0-9]* pixels.*the model takes 28x28" ;;
        esac
        case $f in
            *.jpg) [ "$has_jpeg" ] || word="no libjpeg" ;;
        esac
        small refuse "encrypt $f" "$word" \
            encrypt p --key k/secret.key "$f" -o x.vct
    done
    for f in grey.png bit.png base.jpg hole.pgm text.pgm side.nii.gz hole.nii \
             side.idx.gz deep.ppm; do
        case $f in
            *.jpg) [ "$has_jpeg" ] || continue ;;
        esac
        small refuse "any size: $f" \
            "want 1..65536\|at most 1[0-9]* \(in all \)*are\|no memory for 26" \
            clear "$gm" --plan gm.plan "bombs/$f" -o x.pgm
    done
    small refuse "--fit" "28x28 or whole multiples" \
        encrypt p --key k/secret.key --fit bombs/short.pgm -o x.vct
    small refuse "a list" "short.nii: a volume of 30000 x 30000" \
        encrypt p --key k/secret.key @bombs/list -o x.vct
    small refuse "a slice" "512x512" \
        encrypt p --key k/secret.key bombs/hole.nii:slice=3 -o x.vct
    small refuse "decrypt --images" "30000x30000" decrypt p --force \
        --key k/secret.key out.vct --images bombs/short.pgm
    small refuse "decrypt --labels" "gunzip it first" decrypt p --force \
        --key k/secret.key out.vct --labels bombs/labels.gz
    check "nothing came of it" test ! -e x.vct -a ! -e x.pgm
    rm -r bombs
}
# An empty file of the kind says whether the build reads it.
printf '\377\330\377' >a.jpg
has_jpeg=1
"$volley" clear "$gm" --plan gm.plan a.jpg -o x.pgm 2>&1 \
    | grep -q "no libjpeg" && has_jpeg=
python=$(command -v python3 || true)
if [ "$python" ]; then
    bombs
else
    echo "skip bombs and signals: no python3"
    skipped=2
fi

# ---- inputs that are no files ---------------------------------------------------
mkfifo fifo
mkdir folder
ln -s nothing dangling
ln -s loop loop
cp -R -P fifo folder dangling loop k/
for f in fifo /dev/zero /dev/full folder dangling loop none; do
    word='regular file\|No such file\|levels of symbolic links'
    refuse "plan $f" "$word" plan $f
    refuse "keygen $f" "$word" keygen $f --out new
    refuse "encrypt by $f" "$word" encrypt $f --key k/secret.key d.pgm -o x.vct
    key=k/$f
    [ "$f" = "${f#/}" ] || key=$f
    refuse "encrypt with the key $f" "$word\|owner.json is not there" \
        encrypt p --key $key d.pgm -o x.vct
    refuse "encrypt $f" "$word\|no image in this folder" \
        encrypt p --key k/secret.key $f -o x.vct
    refuse "encrypt the list $f" "$word" \
        encrypt p --key k/secret.key @$f -o x.vct
    refuse "evaluate $f" "$word" evaluate "$mnist" --plan p \
        --keys k/eval.keys $f -o x.vct
    refuse "evaluate with the keys $f" "$word" evaluate "$mnist" --plan p \
        --keys $f in.vct -o x.vct
    refuse "evaluate by $f" "$word" evaluate "$mnist" --plan $f \
        --keys k/eval.keys in.vct -o x.vct
    refuse "evaluate the model $f" "$word" evaluate $f --plan p \
        --keys k/eval.keys in.vct -o x.vct
    refuse "decrypt $f" "$word" decrypt p --key k/secret.key $f
    refuse "decrypt with the key $f" "$word\|owner.json is not there" \
        decrypt p --force --key $key out.vct
    refuse "decrypt with the labels $f" "$word" decrypt p --force --key k \
        out.vct --labels $f
    refuse "clear $f" "$word\|no image in this folder" clear "$mnist" \
        --plan p $f -o x.csv
    refuse "info $f" "$word" info $f
done
check "nothing was written" test ! -e x.vct -a ! -e x.csv -a ! -e new
for f in p in.vct d.pgm; do             # links to files are followed
    ln -s $f link-$f
done
ln -s secret.key k/link-key
run "links as inputs" encrypt link-p --key k/link-key link-d.pgm -o x.vct
run "a link as input of evaluate" evaluate "$mnist" --plan link-p \
    --keys k/eval.keys link-in.vct -o x.vct

# ---- outputs that are no files -----------------------------------------------------
echo mine >file
rm -f x.vct
ln -s file to-file
ln -s folder to-folder
for f in fifo folder to-file to-folder dangling loop /dev/full none/x; do
    case $f in
        none/x) word='No such file' ;;
        folder) word='Is a directory\|not a regular file' ;;
        fifo | /dev/*) word='not a regular file' ;;
        *) word='symbolic link; name the file\|Is a directory' ;;
    esac
    refuse "plan to $f" "$word" plan "$gm" -o $f
    refuse "encrypt to $f" "$word" encrypt p --key k/secret.key d.pgm -o $f
    refuse "evaluate to $f" "$word" evaluate "$mnist" --plan p \
        --keys k/eval.keys in.vct -o $f
    refuse "logits to $f" "$word" clear "$mnist" --plan p d.pgm --logits $f
done
mkdir res
mkfifo res/fifo.csv
mkdir res/folder.csv
ln -s ../file res/to-file.csv
ln -s nothing res/dangling.csv
for f in fifo folder to-file dangling; do
    word='not a regular file\|symbolic link\|Is a directory'
    refuse "decrypt to $f" "$word" decrypt p --force --key k out.vct \
        -o res/$f.csv
    refuse "clear to $f" "$word" clear "$mnist" --plan p d.pgm -o res/$f.csv
done
rm -r res
for f in fifo file to-file dangling loop /dev/full; do
    refuse "keygen to $f" 'not a folder\|not a regular file\|symbolic link\|directory' \
        keygen p --out $f
done
run "keygen through a link to a folder" keygen p --out to-folder
check "the keys are where it leads" test -s folder/secret.key
rm folder/*
ln -s ../secret.copy folder/secret.key
refuse "keygen --force over a link" "symbolic link" keygen p --out folder \
    --force
check "the key it leads to is as it was" cmp secret.copy k/secret.key
check "what a link leads to is as it was" grep -q mine file
check "a link is a link" test -L to-file -a -L dangling -a -L folder/secret.key
check "a pipe is a pipe" test -p fifo
rm -r folder to-folder
for f in k/eval.keys d.pgm file; do     # a whole file is replaced
    cp $f old
    run "over $f" encrypt p --key k/secret.key d.pgm -o old
done

# ---- outputs that are inputs ----------------------------------------------------------
# Three names of one file: itself, a hard link, and (refused as such) a link.
for kind in same hard soft; do
    for f in p d.pgm in.vct out.vct k/secret.key k/eval.keys k/owner.json; do
        name=$f
        rm -f other other.csv
        case $kind in
            hard) ln $f other; name=other ;;
            soft) ln -s $f other; name=other ;;
        esac
        cp $f before
        case $f in
            p | d.pgm | k/secret.key | k/owner.json)
                set -- encrypt p --key k/secret.key d.pgm -o $name ;;
            in.vct | k/eval.keys)
                set -- evaluate "$mnist" --plan p --keys k/eval.keys in.vct \
                    -o $name ;;
            out.vct)
                [ $kind = same ] && continue    # results have other endings
                mv $name $name.csv
                name=$name.csv
                set -- decrypt p --force --key k out.vct -o $name ;;
        esac
        refuse "$kind name of the input $f" "is read too\|symbolic link" "$@"
        check "$f is as it was" cmp $f before
    done
done
rm -f other other.csv before
mkdir set
cp d.pgm set/a-0.pgm
cp d.pgm set/a-1.pgm
cp d.pgm set/a.pgm
refuse "an image of the folder" "is read too" encrypt p --key k/secret.key \
    set/a.pgm set -o set/a-1.pgm
ls set/a*.pgm >list
refuse "an image of a list" "is read too" encrypt p --key k/secret.key @list \
    -o set/a-0.pgm
refuse "the list" "is read too" encrypt p --key k/secret.key @list -o list
{ printf 'P5\n20 20\n255\n'; head -c 400 "$gm"; } >set/20.pgm
cp set/20.pgm set/m-1.pgm
refuse "a mask over an image" "m-1.pgm: this file is read too" \
    clear "$gm" --plan gm.plan set/20.pgm set/m-1.pgm -o set/m.pgm
check "no mask was written" test ! -e set/m-0.pgm
refuse "the labels" "is read too" decrypt p --force --key k out.vct \
    --labels list -o list
check "two results of one name" sh -c "! '$volley' clear '$mnist' --plan p \
    d.pgm -o x.csv --logits x.csv 2>err && grep -q 'two results' err"
rm -r set

# ---- signals ------------------------------------------------------------------------------
if [ "$python" ]; then
    mkdir sig
    cp d.pgm sig/
    "$python" -B "$root/tests/scripts/signals.py" "$volley" "$mnist" "$gm" >sig.out 2>&1
    cat sig.out | grep -v '^ok'
    passed=$((passed + $(grep -c '^ok' sig.out)))
    failed=$((failed + $(grep -c '^FAIL' sig.out)))
    check "signals were tested" grep -q '^end$' sig.out
fi
mkdir limit
(ulimit -f 20
 timeout 20 "$volley" keygen p --out limit >out 2>err)
check "a limit of a file's size is an error" test $? -eq 1
check "and says so" grep -q "limit/eval.keys: File too large" err
check "and leaves nothing" test -z "$(ls -A limit)"
check "no temporary file is left" test -z "$(find . -name '*.tmp-*')"
finish
