#!/bin/sh
# coverage.sh REPLAY -- lines of the loaders that the corpora and the draws
# reach; REPLAY is built with clang's coverage.  A file below its floor is a
# failure; lines that cannot be reached are listed in README.md.  Ends with
# "N passed, N failed".
replay=$1
here=$(dirname "$0")
floor=95
passed=0
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

CKKS_LONG=1 LLVM_PROFILE_FILE=$work/raw "$replay" "$here/corpus" all 1000 \
    >"$work/log" 2>&1 || { cat "$work/log"; echo "0 passed, 1 failed"; exit 1; }
v=$(command -v llvm-cov >/dev/null 2>&1 || echo -14)
llvm-profdata$v merge -o "$work/data" "$work/raw" || exit 1
llvm-cov$v export -format=lcov -instr-profile="$work/data" "$replay" \
    >"$work/lcov" || exit 1
for file in ckks/bytes/serial.c ckks/bytes/serial_params.c \
            ckks/bytes/serial_data.c ckks/bytes/serial_keys.c \
            ckks/bytes/serial_evalkey.c ckks/base/bits.c \
            ckks/seal/seal.c ckks/seal/seal_words.c ckks/seal/seal_data.c ckks/seal/seal_keys.c \
            ckks/seal/seal_eval.c nn/format/json_read.c \
            nn/format/safetensors.c nn/format/model.c nn/format/layer.c nn/format/layer_tensor.c nn/format/window.c nn/format/plan_read.c \
            nn/format/plan_check.c nn/format/plan_write.c nn/layout/dvr.c nn/format/machine.c \
            unet/vct_head.c unet/vct_read.c unet/vct_write.c unet/vct_file.c unet/memory.c unet/client.c unet/decrypt.c unet/parts.c unet/join.c \
            unet/request.c unet/record.c unet/partial.c unet/tiles.c unet/image/image_file.c unet/image/image_want.c \
            unet/image/kinds.c unet/image/pnm.c unet/image/png.c unet/image/png_parts.c unet/image/png_rows.c unet/image/png_pack.c \
            unet/image/inflate.c unet/image/inflate_code.c unet/image/inflate_frame.c unet/image/deflate.c unet/image/checksum.c unet/image/nifti.c \
            unet/image/nifti_read.c unet/image/volume.c unet/image/formats.c \
            unet/image/volume_image.c unet/image/order.c unet/image/values.c \
            unet/image/mask_nifti.c unet/image/gzip.c unet/image/idx.c unet/image/album.c unet/image/album_names.c \
            unet/image/dicom.c unet/image/dicom_walk.c unet/image/dicom_check.c unet/image/dicom_numbers.c \
            unet/image/dicom_pixels.c unet/image/dicom_syntax.c unet/image/dicom_stack.c unet/image/dicom_file.c \
            unet/image/dicom_volume.c unet/image/dicom_series.c unet/image/dicom_format.c \
            unet/blind/offer.c unet/blind/network.c \
            unet/volley/jpeg.c unet/volley/labels.c; do
    set -- $(awk -v file="/$file" -F: '
        $1 == "SF" { on = substr($2, length($2) - length(file) + 1) == file }
        on && $1 == "DA" { split($2, a, ","); all++; hit += a[2] > 0
                           if (a[2] == 0) missed = missed " " a[1] }
        END { printf "%d %d %s", all, hit, missed }' "$work/lcov")
    all=$1
    hit=$2
    shift 2
    share=$((all > 0 ? 1000 * hit / all : 0))
    echo "$file: $((share / 10)).$((share % 10)) % of $all lines; missed: $*"
    if [ "$share" -ge $((10 * floor)) ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $file: below $floor %"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
