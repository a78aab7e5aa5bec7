#!/bin/sh
# layers.sh [BUILD] -- the layer rule.
#
# Every file of ckks/ says "layer K" in its opening comment (a header without
# one belongs to layer 2 if it lies in kernel/) and includes only files of
# layers up to K; ckks/ includes nothing of nn/, nn/ nothing of unet/; each
# outside library is named in one file.  With a BUILD also looks at the
# objects: libckks needs no name of nn, nn none of unet; nothing of a server
# decrypts or takes a secret key, and a program that evaluates links no
# decryption.  Ends with "N passed, N failed".
cd "$(dirname "$0")/../.." || exit 1
build=${1:-}
passed=0
failed=0

# judge NAME OFFENDERS: passes if there are none
judge()
{
    if [ -z "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1: $(echo "$2" | tr '\n' ' ' | cut -c1-400)"
    fi
}

# ---- layers of ckks/ ----------------------------------------------------------
# layer FILE: its number; nothing if it says none
layer()
{
    k=$(sed -n '1,3s/.*layer \([0-9]\).*/\1/p' "$1" | head -n 1)
    case $k,$1 in
        ,*/kernel/*) k=2 ;;
        ,*/ckks.h | ,*/ckks_*.h) k=0 ;;                   # the interface: names, no code
    esac
    echo "$k"
}

# included FILE: what it includes by "...", as paths from the root
included()
{
    sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$1" | while read -r name; do
        path=$(dirname "$1")/$name
        [ -f "$path" ] || path=ckks/$name
        [ -f "$path" ] || path=nn/$name
        [ -f "$path" ] || path=unet/$name
        if [ -f "$path" ]; then
            echo "$(cd "$(dirname "$path")" && pwd -P)/${path##*/}" \
                | sed "s|^$(pwd -P)/||"
        else
            echo "unknown/$name"
        fi
    done
}

sources=$(find ckks -name '*.[ch]' | sort)
judge "ckks: there are sources" "$([ -n "$sources" ] || echo none)"
for f in $sources; do
    own=$(layer "$f")
    judge "$f says its layer" "$([ -n "$own" ] || echo silent)"
    up=
    for g in $(included "$f"); do
        other=$(layer "$g" 2>/dev/null)
        case $g in
            ckks/*) [ "${other:-9}" -le "${own:-0}" ] \
                        || up="$up $g(${other:-?})" ;;
            *) up="$up $g" ;;
        esac
    done
    judge "$f (layer ${own:-?}) includes only its layer and below" "$up"
done

# ---- between the folders --------------------------------------------------------
# strangers FOLDER ALLOWED...: includes of FOLDER from elsewhere
strangers()
{
    folder=$1
    shift
    for f in $(find "$folder" -name '*.[ch]'); do
        for g in $(included "$f"); do
            case " $* " in
                *" $g "*) continue ;;
            esac
            case $g in
                "$folder"/*) ;;
                *) echo "$f:$g" ;;
            esac
        done
    done
}
judge "nn sees only the public headers of ckks" \
    "$(strangers nn ckks/ckks.h ckks/ckks_primitives.h)"
judge "unet sees only the public headers of ckks, nn.h and the JSON of nn" \
    "$(strangers unet ckks/ckks.h ckks/ckks_primitives.h nn/nn.h nn/format/json.h)"
judge "the examples see only public headers" \
    "$(grep -H '^ *# *include *"' examples/*.c 2>/dev/null \
       | grep -Ev '"(ckks|ckks_[a-z]+|nn|unet)\.h"')"

# ---- outside libraries ------------------------------------------------------------
# outside HEADER PLACE: which files include HEADER; there must be one
outside()
{
    files=$(grep -rlE "^ *# *include *<$1>" --include='*.[ch]' ckks nn unet \
            examples 2>/dev/null)
    judge "<$1> is named in one file" \
        "$([ "$(echo "$files" | wc -w)" -le 1 ] || echo "$files")"
}
for header in fftw3.h xxhash.h png.h zlib.h jpeglib.h; do
    outside "$header"
done
judge "<gmp.h> is named in tests only" \
    "$(grep -rl '# *include *<gmp.h>' --include='*.[ch]' ckks nn unet examples)"

# ---- objects ------------------------------------------------------------------------
# wants OBJECTS PATTERN: names they leave undefined that match
wants()
{
    nm -u $1 2>/dev/null | awk '/:$/ { file = $0 } $1 == "U" { print file $2 }' \
        | grep -E "$2"
}
if [ -n "$build" ] && [ -d "$build/obj" ]; then
    judge "libckks needs nothing of nn and unet" \
        "$(wants "$build/libckks.a" ':(nn|nni|unet|uni)_')"
    judge "libnn needs nothing of unet" "$(wants "$build/libnn.a" ':(unet|uni)_')"
    secret='ckks_sk_|ckks_decrypt|unet_decrypt|unet_keygen|unet_encrypt'
    server=$(find "$build" ! -path '*/tests/*' \( -path '*/unet/server.o' -o \
             -path '*/unet/volley/evaluate.o' -o -path '*/nn/*.o' \))
    judge "there are objects of the server" "$([ -n "$server" ] || echo none)"
    judge "the server names no secret" "$(wants "$server" "$secret")"
    judge "ckks's public functions alone serve nn and unet" \
        "$(wants "$build/libnn.a $build/libunet.a" ':cki_')"
    judge "nn's public functions alone serve unet" \
        "$(wants "$build/libunet.a" ':nni_')"
fi
if [ -n "$build" ] && [ -f "$build/libunet.a" ]; then
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    cat >"$work/server.c" <<'C'
#include "unet.h"
int main(void)
{
    return unet_evaluate("", NULL, "", NULL, NULL, NULL, NULL, NULL, NULL)
           == CKKS_EARG ? 0 : 1;
}
C
    libs="$build/libunet.a $build/libnn.a $build/libckks.a"
    if ${CC:-cc} -std=c11 -Ickks -Inn -Iunet -o "$work/server" \
        "$work/server.c" $libs ${FULL_LIBS:--lxxhash -lm} \
        2>"$work/log"; then
        judge "a program that evaluates links no decryption" \
            "$(nm "$work/server" | grep -E 'ckks_decrypt|unet_decrypt')"
    else
        judge "a program that evaluates links" "$(head -n 3 "$work/log")"
    fi
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
