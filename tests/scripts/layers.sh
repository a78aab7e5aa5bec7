#!/bin/sh
# layers.sh [BUILD] -- the layer rule.
#
# The folders of ckks/ are its layers: a file includes only files of its own
# folder and of those before it, beside the public headers.  ckks/ includes
# nothing of nn/, nn/ nothing of unet/; each outside library is named in one
# file.  With a BUILD also looks at the objects: a folder of ckks/ needs no name
# of a later one, libckks none of nn, nn none of unet; nothing of a server
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
layers="base kernel ring embed scheme bytes seal"

# layer FILE: its number, 0 for a public header; nothing outside of the folders
layer()
{
    case $1 in
        ckks/ckks.h | ckks/ckks_*.h) echo 0 ;;
        ckks/*/*)
            k=${1#ckks/}
            echo "$layers" | tr ' ' '\n' | grep -nx "${k%%/*}" | cut -d: -f1 ;;
    esac
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
    judge "$f lies in a layer" "$([ -n "$own" ] || echo outside)"
    up=
    for g in $(included "$f"); do
        other=$(layer "$g" 2>/dev/null)
        case $g in
            ckks/*) [ "${other:-9}" -le "${own:-0}" ] \
                        || up="$up $g(${other:-?})" ;;
            *) up="$up $g" ;;
        esac
    done
    judge "$f includes only its folder and those before it" "$up"
done

# ---- folders of nn -----------------------------------------------------------
# nn_layer FILE: its number
nn_layer()
{
    case $1 in
        nn/nn.h | nn/message.c) echo 0 ;;
        nn/layout/*) echo 1 ;;
        nn/format/*) echo 2 ;;
        nn/stage/*) echo 3 ;;
        nn/clear/* | nn/schedule/*) echo 4 ;;
        nn/plan/* | nn/run/*) echo 5 ;;
    esac
}
for f in $(find nn -name '*.[ch]' | sort); do
    own=$(nn_layer "$f")
    judge "$f lies in a layer" "$([ -n "$own" ] || echo outside)"
    up=
    for g in $(included "$f"); do
        case $g in
            nn/*) other=$(nn_layer "$g")
                  [ "${other:-9}" -lt "${own:-0}" ] || [ "${g%/*}" = "${f%/*}" ] \
                      || up="$up $g" ;;
        esac
    done
    judge "$f includes only its folder and those before it" "$up"
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
    "$(strangers unet ckks/ckks.h ckks/ckks_primitives.h nn/nn.h nn/format/json.h \
       nn/format/members.h | grep -v '^unet/blind/')"
# The two-party protocol computes on words: it is linked into the command alone.
judge "unet/blind sees words, kernels and rings of ckks, nn.h and its JSON" \
    "$(strangers unet ckks/ckks.h ckks/ckks_primitives.h nn/nn.h nn/format/json.h \
       | grep '^unet/blind/' \
       | grep -Ev ':nn/format/members\.h$|:ckks/(base|kernel|ring|embed)/|:ckks/scheme/rng\.h$')"
judge "nothing of libunet needs unet/blind" \
    "$(grep -rl '# *include *"blind/' --include='*.[ch]' unet \
       | grep -Ev '^unet/(blind|volley)/')"
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
for header in fftw3.h xxhash.h png.h zlib.h jpeglib.h mpi.h curl/curl.h microhttpd.h gnutls/crypto.h; do
    outside "$header"
done
outside gmp.h
judge "<gmp.h> is named in tests and unet/blind only" \
    "$(grep -rl '# *include *<gmp.h>' --include='*.[ch]' ckks nn unet examples \
       | grep -v '^unet/blind/')"

# ---- objects ------------------------------------------------------------------------
# wants OBJECTS PATTERN: names they leave undefined that match
wants()
{
    nm -u $1 2>/dev/null | awk '/:$/ { file = $0 } $1 == "U" { print file $2 }' \
        | grep -E "$2"
}
# defined OBJECTS: the names they have for others
defined()
{
    nm --defined-only -g $1 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u
}
if [ -n "$build" ] && [ -d "$build/obj" ]; then
    above=$layers
    for f in $layers; do
        above=${above#"$f"}
        above=${above# }
        own=$(find "$build/obj/ckks/$f" -name '*.o' 2>/dev/null)
        later=$(for g in $above; do find "$build/obj/ckks/$g" -name '*.o'; done)
        judge "ckks/$f: there are objects" "$([ -n "$own" ] || echo none)"
        judge "ckks/$f needs no name of a later folder" \
            "$(wants "$own" . | sed 's/.*://' | sort -u \
               | grep -Fx "$([ -z "$later" ] || defined "$later"; echo .)")"
    done
    judge "libckks needs nothing of nn and unet" \
        "$(wants "$build/libckks.a" ':(nn|nni|unet|uni)_')"
    judge "libnn needs nothing of unet" "$(wants "$build/libnn.a" ':(unet|uni)_')"
    secret='ckks_sk_|ckks_decrypt|unet_decrypt|unet_keygen|unet_encrypt'
    server=$(find "$build" ! -path '*/tests/*' \( -path '*/unet/server.o' -o \
             -path '*/unet/volley/evaluate*.o' -o \
             -path '*/unet/volley/serve*' -name '*.o' -o -path '*/unet/join.o' -o \
             -path '*/nn/*.o' \))
    judge "there are objects of the server" "$([ -n "$server" ] || echo none)"
    judge "the server names no secret" "$(wants "$server" "$secret")"
    judge "ckks's public functions alone serve nn and unet" \
        "$(wants "$build/libnn.a $build/libunet.a" ':cki_')"
    judge "nn's public functions and its JSON alone serve unet" \
        "$(wants "$build/libunet.a" ':nni_' \
           | grep -vE ':nni_(json_|printable|utf8_length)')"
    judge "libunet.so has all that libnn.so hides" \
        "$(nm -D --undefined-only "$build/libunet.so" 2>/dev/null \
           | grep -E ' nni_')"
fi
if [ -n "$build" ] && [ -f "$build/libunet.a" ]; then
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    cat >"$work/server.c" <<'C'
#include "unet.h"
int main(void)
{
    return unet_evaluate("", NULL, "", NULL, NULL, NULL, NULL, NULL, NULL,
                         NULL)
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
