#!/bin/sh
# classes.sh BUILD -- BUILD/volley with networks that classify: three tiny
# models made here, from images of every kind to classes, encrypted and clear;
# and everything that must be refused.  Ends with "N passed, N failed".
. "$(dirname "$0")/command.sh"
gm=$root/unet/models/gm.safetensors
cd "$work" || exit 1

# ---- models ----------------------------------------------------------------
# floats N BYTES: N times those four bytes
floats()
{
    i=0
    while [ "$i" -lt "$1" ]; do
        printf "$2"
        i=$((i + 1))
    done
}
zero='\000\000\000\000' one='\000\000\200\077' minus='\000\000\200\277'
part='\000\000\200\075'                         # 1/16

# model OUT CHANNELS CLASSES OUTPUT: means of 4 x 4 boxes of 8 x 8 pixels, per
# channel; their squares; a dense layer whose weights are read from standard
# input, CLASSES rows
model()
{
    c=$2 k=$3
    network='{"name": "boxes", "border": "valid",
 "input": {"channels": '$c', "height": 8, "width": 8,
           "mul": 0.00392156862745098, "add": 0},
 "output": {"tensor": "logit", '$4'},
 "layers": [
  {"op": "conv", "name": "mean", "in": ["image"], "weight": "mean.w",
   "bias": "mean.b", "kernel": 4, "stride": 4},
  {"op": "square", "name": "square", "in": ["mean"]},
  {"op": "dense", "name": "logit", "in": ["square"], "weight": "logit.w",
   "bias": "logit.b"}],
 "ranges": {"image": {"max": 1, "rms": 0.5, "gain": 1},
            "mean": {"max": 1, "rms": 0.5, "gain": 1},
            "square": {"max": 1, "rms": 0.5, "gain": 1},
            "logit": {"max": 4, "rms": 1, "gain": 1}}}'
    text=$(echo "$network" | tr '\n' ' ' | sed 's/"/\\"/g')
    a=$((c * c * 64)) b=$((c * c * 64 + c * 4))
    d=$((b + k * c * 16)) e=$((b + k * c * 16 + k * 4))
    head='{"__metadata__": {"format": "volley-1", "network": "'$text'",
"origin": "made by a test"},
"mean.w": {"dtype": "F32", "shape": ['$c', '$c', 4, 4], "data_offsets": [0, '$a']},
"mean.b": {"dtype": "F32", "shape": ['$c'], "data_offsets": ['$a', '$b']},
"logit.w": {"dtype": "F32", "shape": ['$k', '$((4 * c))'], "data_offsets": ['$b', '$d']},
"logit.b": {"dtype": "F32", "shape": ['$k'], "data_offsets": ['$d', '$e']}}'
    size=$(printf %s "$head" | wc -c)
    {
        printf "$(printf '\\%03o\\%03o' $((size % 256)) $((size / 256)))"
        printf '\000\000\000\000\000\000'
        printf %s "$head"
        for from in $(seq "$c"); do
            for to in $(seq "$c"); do
                [ "$from" = "$to" ] && floats 16 "$part" || floats 16 "$zero"
            done
        done
        floats "$c" "$zero"
        cat
        floats "$k" "$zero"
    } >"$1"
}
{
    floats 1 "$one"; floats 3 "$zero"
    floats 1 "$zero"; floats 1 "$one"; floats 2 "$zero"
    floats 2 "$zero"; floats 1 "$one"; floats 1 "$zero"
    floats 3 "$zero"; floats 1 "$one"
} | model quad 1 4 '"classes": ["NW", "NE", "SW", "SE"]'
{ floats 2 "$minus"; floats 2 "$one"; } \
    | model half 1 1 '"classes": ["top", "bottom"], "threshold": 0.25'
{
    floats 4 "$one"; floats 8 "$zero"
    floats 4 "$zero"; floats 4 "$one"; floats 4 "$zero"
    floats 8 "$zero"; floats 4 "$one"
} | model hue 3 3 '"classes": ["red", "green, light", "blue"]'

# ---- images ----------------------------------------------------------------
# word N: a big-endian number of four bytes
word()
{
    printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 / 16777216 % 256)) \
              $(($1 / 65536 % 256)) $(($1 / 256 % 256)) $(($1 % 256)))"
}
# quads FIRST N: pixels; image i is bright in quadrant (3 i + 1) mod 4
quads()
{
    printf "$(awk -v first="$1" -v n="$2" 'BEGIN {
        for (i = first; i < first + n; i++)
            for (y = 0; y < 8; y++)
                for (x = 0; x < 8; x++) {
                    q = int(y / 4) * 2 + int(x / 4)
                    printf "\\%03o", q == (3 * i + 1) % 4 ? 250 - 9 * i : 20
                } }')"
}
{ printf '\000\000\010\003'; word 12; word 8; word 8; quads 0 12; } >dozen.idx
{ printf '\000\000\010\001'; word 12
  printf '\001\000\003\002\001\000\003\002\001\000\003\003'; } >labels.idx
{ printf '\000\000\010\001'; word 12
  printf '\000\000\001\001\000\000\001\001\000\000\001\001'; } >halves.idx

# ---- the whole way ---------------------------------------------------------
# way NAME MODEL LABELS PLAN-OPTIONS -- IMAGE-OPTIONS: encrypted classes are
# those of `clear`, and logits nearly so
way()
{
    name=$1 model=$2 labels=$3
    shift 3
    goal=
    while [ "$1" != -- ]; do
        goal="$goal $1"
        shift
    done
    shift
    rm -rf keys enc.csv clear.csv
    run "$name: plan" plan $model $goal -o n.plan
    run "$name: keygen" keygen n.plan --out keys
    run "$name: encrypt" encrypt n.plan --key keys/secret.key "$@" -o in.vct
    run "$name: evaluate" evaluate $model --plan n.plan --keys keys/eval.keys \
        in.vct -o out.vct
    run "$name: decrypt" decrypt n.plan --key keys/secret.key out.vct \
        -o enc.csv --labels $labels --images "$@"
    check "$name: decrypt warns" grep -q 'warning: .*secret key' err
    cp out enc.txt
    run "$name: clear" clear $model --plan n.plan "$@" -o clear.csv \
        --labels $labels
    check "$name: the same images and classes" awk -F, '
        NR == FNR { a[NR] = $0; n = NR; next }
        { split(a[FNR], f); m = FNR
          if (f[1] != $1 || f[2] != $2) exit 1
          for (i = 4; i <= NF && FNR > 1; i++)
              if ((f[i] - $i) ^ 2 > 1e-4) exit 1 }
        END { if (n < 2 || n != m) exit 1 }' enc.csv clear.csv
    tail -n 1 out >clear.tail
    tail -n 1 enc.txt >enc.tail
    check "$name: the same quality" cmp clear.tail enc.tail
}
way "three sets" quad labels.idx --batch 5 -- dozen.idx
check "3 sets" sh -c "'$volley' info in.vct | grep -q '^sets  *3$'"
check "11 of 12" grep -q '^right: 11 of 12, accuracy 0.9167$' enc.txt
check "counts" grep -q '^12 images, .*: NW 3, NE 3, SW 3, SE 3$' enc.txt
check "the wrong one is named" grep -q '^dozen.idx#11: SW, .*, wrong: SE$' \
    enc.txt
check "the columns" grep -q '^image,class,score,NW,NE,SW,SE$' enc.csv
check "13 lines" test "$(wc -l <enc.csv)" -eq 13
check "names of images" grep -q '^dozen.idx#3,SW,0\.[0-9]*,' enc.csv
way "one image" quad labels.idx --aim latency -- dozen.idx --first 3 --count 1
check "the fourth" grep -q '^dozen.idx#3,SW,' enc.csv
way "less than a set" quad labels.idx --aim throughput -- dozen.idx --first 9
run "labels by --first" decrypt n.plan --key keys/secret.key out.vct --first 9 \
    --labels labels.idx
check "2 of 3, by their names" sh -c "grep -q '^right: 2 of 3' out \
    && grep -q '^dozen.idx#11: SW, .*, wrong: SE' out"
way "a plan for three" quad labels.idx --images 3 -- dozen.idx --count 3
way "one logit" half halves.idx --batch 5 -- dozen.idx
check "one logit: quality" grep -q \
    '^right: 12 of 12, .*balanced accuracy 1.0000, AUC 1.0000$' enc.txt
check "one logit: columns" grep -q '^image,class,score,logit$' enc.csv

# ---- what is printed and drawn ---------------------------------------------
run "decrypt without -o" decrypt n.plan --key keys/secret.key out.vct
check "the names at encrypt" grep -q '^dozen.idx#11: bottom, score 0\.[0-9]*$' out
mkdir kept
mv keys/requests/*.json kept
run "decrypt without names" decrypt n.plan --key keys/secret.key out.vct
check "numbers for names" grep -q '^11: bottom, score 0\.[0-9]*$' out
mv kept/*.json keys/requests
check "a warning: not back to the server" grep -q \
    '^volley: warning: what comes out of this decryption must not go back' err
run "decrypt with --trust-server" decrypt n.plan --key keys out.vct \
    --trust-server
check "no warning then" sh -c '! grep -q "^volley:" err'
run "the folder remembers" decrypt n.plan --key keys out.vct
check "no warning any more" sh -c '! grep -q "^volley:" err'
run "decrypt --json" decrypt n.plan --key keys/secret.key out.vct --json \
    --labels halves.idx
for key in seconds images classes right accuracy balanced_accuracy auc results \
           image class score logits label; do
    check "--json has $key" grep -q "\"$key\"" out
done
if command -v python3 >/dev/null; then
    check "--json is JSON" python3 -c 'import json
x = json.load(open("out"))
assert len(x["results"]) == 12 and x["accuracy"] == 1 and x["auc"] == 1
assert all(len(r["logits"]) == 1 and r["class"] == r["label"]
           for r in x["results"])
assert sum(c["images"] for c in x["classes"]) == 12'
fi
run "one class only" clear half dozen.idx --count 1 --labels halves.idx
check "has no AUC" grep -q 'one class only: no balanced accuracy, no AUC' out
run "a sheet" clear quad dozen.idx --labels labels.idx --sheet sheet.ppm
check "of 10 x 2 pictures" sh -c 'head -n 2 sheet.ppm | grep -q "^1064 254$"'
reds()
{
    tail -c +17 "$1" | od -An -v -tu1 -w3 | grep -c '255  *0  *0$'
}
check "one red frame" test "$(reds sheet.ppm)" -eq "$((102 * 102 - 96 * 96))"
run "a sheet of what was decrypted" decrypt n.plan --key keys/secret.key \
    out.vct --images dozen.idx --sheet sheet2.ppm
check "no red frame" test "$(reds sheet2.ppm)" -eq 0
{ printf '\000\000\010\003'; word 130; word 8; word 8; quads 0 12
  head -c "$((118 * 64))" /dev/zero; } >many.idx
run "130 images" clear quad many.idx --sheet sheet.ppm
check "20 lines and two" test "$(wc -l <out)" -eq 22
check "110 more" grep -q '^and 110 more$' out
check "100 pictures" sh -c 'head -n 2 sheet.ppm | grep -q "^1064 1254$"'
run "info of a model" info hue
for word in 'class 1  *green, light' 'conv 4x4, stride 4  *3 x 2 x 2' \
            'dense  *3 x 1 x 1'; do
    check "info: $word" grep -q "$word" out
done
run "info --json of a model" info hue --json
check "info --json: stride" grep -q '"stride": 4' out
run "plan of classes" plan quad
check "plan: an image" grep -q '^an image: about .* images a second$' out
check "plan: classes" grep -q '^4 classes: NW, NE, SW, SE$' out
run "clear --float --logits" clear half dozen.idx --float --logits l.f32
check "48 bytes of logits" test "$(wc -c <l.f32)" -eq 48

# ---- colour, folders, lists, --fit, JPEG -----------------------------------
# ppm OUT SIDE R G B
ppm()
{
    { printf 'P6\n%d %d\n255\n' "$2" "$2"
      printf "$(awk -v n="$(($2 * $2))" -v r="$3" -v g="$4" -v b="$5" 'BEGIN {
          for (i = 0; i < n; i++) printf "\\%03o\\%03o\\%03o", r, g, b }')"
    } >"$1"
}
mkdir in none text
ppm in/c.ppm 8 20 30 220
ppm in/b.PPM 8 10 200 10
ppm in/a.ppm 8 200 40 30
echo "c.ppm is blue" >in/notes.txt
echo x >text/a.txt
ppm big.ppm 24 20 210 30
ppm odd.ppm 12 20 210 30
printf 'image,label,who\nc,blue,x\nb.PPM,"green, light",y\nin/a.ppm,0,z\r\n' \
    >hue.csv
way "a folder" hue hue.csv -- in
check "sorted by name" sh -c "sed -n 2,4p enc.csv | cut -d, -f1 | tr '\n' ' ' \
    | grep -q '^in/a.ppm in/b.PPM in/c.ppm '"
check "quotes" grep -q '^in/b.PPM,"green, light",0\.' enc.csv
check "all right" grep -q '^right: 3 of 3' enc.txt
check "a note of what was skipped" grep -q '1 file skipped: in/notes.txt' err
rm in/notes.txt
{ echo in/c.ppm; echo; echo big.ppm; } >list
run "a list and --fit" clear hue @list in/a.ppm --fit -o x.csv
check "what it says" sh -c "cut -d, -f1,2 x.csv | tr '\n' ' ' | grep -q \
    'in/c.ppm,blue big.ppm,\"green in/a.ppm,red'"
{ printf '\000\000\010\004'; word 1; word 8; word 8; word 3
  tail -c 192 in/c.ppm; } >one.idx
run "colour IDX" clear hue one.idx
check "is blue" grep -q '^one.idx#0: blue' out
base64 -d >red.jpg <<'JPEG'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB
AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/2wBDAQEBAQEBAQEBAQEBAQEB
AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/wAAR
CAAIAAgDAREAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAA
AAAAAAD/xAAVAQEBAAAAAAAAAAAAAAAAAAAJCv/EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAM
AwEAAhEDEQA/AD/GusAf/9k=
JPEG
base64 -d >grey.jpg <<'JPEG'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUG
BgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYH
CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wAAR
CAAIAAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAj/xAAjEAAABAMJAAAAAAAA
AAAAAAAACRIUExUWAxcZISdCRmJk/8QAFAEBAAAAAAAAAAAAAAAAAAAAAP/EABQRAQAAAAAA
AAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AIXNrNrxSbv9AKFoWa8rmb56z8thCQ07KibU5gAB
/9k=
JPEG
if "$volley" clear hue red.jpg >out 2>err; then
    check "JPEG" grep -q '^red.jpg: red' out
    for cut in 2 3 10 100 200 270 284; do
        head -c "$cut" red.jpg >cut.jpg
        refuse "JPEG of $cut bytes" "cut.jpg: " clear hue cut.jpg
    done
    refuse "JPEG for a grey model" "3 channels.*takes 1" clear quad red.jpg
    run "grey JPEG of three components" clear quad grey.jpg
    check "is NW" grep -q '^grey.jpg: NW' out
    { cat red.jpg; printf '\000\377\331'; } >more.jpg
    refuse "JPEG and 3 bytes" "more.jpg: JPEG: 3 surplus bytes" \
        clear hue more.jpg
else
    refuse "JPEG without libjpeg" "no libjpeg" clear hue red.jpg
fi
if command -v gzip >/dev/null; then
    gzip -k dozen.idx labels.idx
    run "gzipped" clear quad dozen.idx.gz --labels labels.idx.gz
    check "gzipped: 11 of 12" grep -q '^right: 11 of 12' out
fi

# ---- refusals --------------------------------------------------------------
run "keys for quad" keygen quad --out quadkeys
refuse "grey for a colour model" "1 channel (grey), the model takes 3" \
    clear hue dozen.idx
refuse "colour for a grey model" "3 channels (colour), the model takes 1" \
    encrypt quad --key quadkeys in/a.ppm -o x.vct
refuse "another size" "big.ppm: 24x24 .* takes 8x8" clear hue in big.ppm
refuse "no multiple" "odd.ppm: 12x12 .* or whole multiples" clear hue odd.ppm \
    --fit
usage "--fit where any size goes" "any size" clear "$gm" in --fit -o x.pgm
refuse "an empty folder" "no image in this folder" clear hue none
refuse "a folder without images" "1 other file;" clear hue text
refuse "--count 0" "0 of 12" clear quad dozen.idx --count 0
refuse "--first behind the end" "12 images" clear quad dozen.idx --first 12
refuse "--count beyond the end" "12 images" clear quad dozen.idx --first 9 \
    --count 4
usage "--count x" "whole number" clear quad dozen.idx --count x
refuse "labels for images" "no images" clear quad labels.idx
# a program of one verb, made of the same parts
volley=$build/study program=study
run "a study" quad dozen.idx --labels labels.idx --quick -o study
check "its rows, each with all classes equal to the twin's" sh -c \
    "tail -n +2 study/*.csv | awk -F, '{ gsub(/\"[^\"]*\"/, \"t\") } \
     \$16 < 1 || \$16 != \$17 || \$12 <= 0 { bad = 1 } \
     END { exit !(NR >= 12 && !bad) }'"
check "its picture" grep -q '<circle' study/*.svg
refuse "a study of masks" "gives a mask" "$gm" in --labels labels.idx
volley=$build/volley program=volley
head -c 700 dozen.idx >cut.idx
{ cat dozen.idx; echo; } >long.idx
{ printf '\000\000\010\002'; word 12; word 64; quads 0 12; } >flat.idx
{ printf '\000\000\010\003'; word 0; word 8; word 8; } >empty.idx
{ printf '\000\000\010\003'; word 4294967295; word 65536; word 4096; } >huge.idx
for pair in "cut:684 bytes" "long:surplus" "flat:2 dimensions" \
            "empty:0 images" "huge:65536x4096"; do
    refuse "${pair%%:*}.idx" "${pair#*:}" clear quad "${pair%%:*}.idx"
    refuse "encrypt ${pair%%:*}.idx" "${pair#*:}" encrypt quad \
        --key quadkeys "${pair%%:*}.idx" -o x.vct
done
refuse "labels of another number" "12 labels for 3 images" clear hue in \
    --labels halves.idx
refuse "labels behind the end" "12 labels" clear quad many.idx --first 9 \
    --count 4 --labels labels.idx
refuse "images for labels" "no labels" clear quad dozen.idx --labels dozen.idx
{ printf '\000\000\010\001'; word 1; printf '\004'; } >five.idx
refuse "a label that is no class" "label 0 is 4" clear quad dozen.idx \
    --count 1 --labels five.idx
printf 'c,1\nb,2\n' >less.csv
refuse "a label too few" "none for in/a.ppm" clear hue in --labels less.csv
printf 'image,label\nc,mauve\n' >mauve.csv
refuse "no such label" "line 2: label 'mauve'" clear hue in --labels mauve.csv
printf 'c,1\nb,2\nc,1\n' >twice.csv
refuse "a label twice" "'c' stands twice" clear hue in --labels twice.csv
: >nothing
refuse "no labels" "" clear hue in --labels nothing
refuse "labels that are not there" "nowhere" clear hue in --labels nowhere
usage "a mask of classes" "name a .csv" clear hue in -o x.pgm
usage "classes of a mask" "name a .pgm" clear "$gm" in -o x.csv
usage "masks to nowhere" "MASK is missing" clear "$gm" in
usage "an overlay of classes" "is for classes" clear hue in -o x.csv --overlay
usage "overlays of classes" "is for classes" decrypt n.plan \
    --key keys/secret.key out.vct --overlay in
usage "a sheet without images" "needs --images" decrypt n.plan \
    --key keys/secret.key out.vct --sheet s.ppm
usage "the ending of a sheet" "ending of a sheet" clear hue in --sheet s.gif
refuse "other images" "12 images for 3 results" decrypt n.plan \
    --key keys/secret.key out.vct --images in in in in
for words in "latency --images 2" "throughput --images 1"; do
    usage "--aim $words" "contradict" plan quad --aim $words
done
usage "--aim of something" "neither latency" plan quad --aim fast
usage "--images of none" "whole number" plan quad --images 0
refuse "--aim for a plan" "is a plan" keygen n.plan --aim latency --out keys2
refuse "--aim beside a plan" "chosen already" evaluate hue --plan n.plan \
    --aim latency --keys keys/eval.keys in.vct -o x.vct
refuse "demo of classes" "classifies" demo --model hue --out demo
check "no refused output is there" test ! -e x.vct -a ! -e x.pgm -a ! -e s.ppm
check "no temporary file is left" test -z "$(find . -name '*.tmp-*')"
finish
