#!/bin/sh
# emulated.sh [BUILD [WORD]] -- the kernel avx512ifma in an emulated machine,
# for machines that lack AVX-512 IFMA and VNNI (make deps-emulated first).
#
# Bochs emulates a processor that has both (corei7_icelake_u), boots Debian's
# kernel for virtual machines and runs, from a file system in memory,
#
#   vectors-check   test vectors, kernel avx512ifma: transforms, products and
#                   automorphisms, base conversion in the real ring; first the
#                   known-answer checks of all functions that a context makes
#   tests           products, their sums and conversions of words of this
#                   kernel, word by word against their definition
#
# both linked without the kernels avx2 and fma2, whose sums of products
# (kernel_dot2), right on real machines, come out wrong in this Bochs; fused
# products and sums of doubles are suspected.  avx512ifma has such in combine.c
# alone, and exact.
#
# The Linux image comes by apt-get download, once, and is unpacked, not
# installed; it and all else is kept in BUILD/emulated.  CKKS_LONG=1 adds base
# conversion, combinations and transforms by definition and more vectors, some
# twenty minutes; with WORD only what has it in its line.  Minutes; prints "ok"
# or "FAIL" for each file and test when all is over.
# Ends with "N passed, N failed" or "N passed, N failed, N skipped".
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
only=${2:-}
work=$build/emulated
serial=$work/serial.txt
limit=${EMULATED_LIMIT:-3600}           # seconds of processor time

skip()
{
    echo "skip the emulated machine: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
stop()
{
    echo "FAIL $1"
    echo "0 passed, 1 failed"
    exit 1
}
[ "$(uname -m)" = x86_64 ] || skip "programs for x86-64 are built there only"
for tool in bochs grub-mkrescue xorriso mformat cpio; do
    command -v $tool >/dev/null || skip "no $tool (make deps-emulated)"
done
[ -e /usr/lib/grub/i386-pc ] || skip "no grub-pc-bin (make deps-emulated)"
mkdir -p "$work" || exit 1

# ---- the kernel -------------------------------------------------------------
if [ ! -s "$work/vmlinuz" ]; then
    image=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null \
            | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    rm -f "$work"/linux-image-*.deb
    (cd "$work" && apt-get -q download "$image") >"$work/log" 2>&1
    dpkg-deb --fsys-tarfile "$work"/linux-image-*.deb 2>>"$work/log" \
        | tar -xO --wildcards './boot/vmlinuz-*' >"$work/vmlinuz.tmp" \
        2>>"$work/log"
    rm -f "$work"/linux-image-*.deb
    [ -s "$work/vmlinuz.tmp" ] \
        || skip "no Linux image: $(tail -n 1 "$work/log")"
    mv "$work/vmlinuz.tmp" "$work/vmlinuz"
fi

# ---- what runs --------------------------------------------------------------
files="v2/base v1/words"
tests="kernel_words kernel_dot2 exhaustive_kernel_products
       kernel_pointwise_edges"
if [ -n "$CKKS_LONG" ]; then
    files="$files v1/base v2/words v1/keys v2/keys v1/fitted v2/fitted"
    tests="$tests kernel_pointwise_random kernel_convert kernel_combine
           kernel_ntt_random kernel_automorphisms kernel_ntt_every_word
           kernel_ntt_large"
fi
rm -rf "$work/root" "$work/iso"
mkdir -p "$work/root/v1" "$work/root/v2" "$work/iso/boot/grub"
for file in $files; do
    cp "vectors/$file.json" "$work/root/$file.json" || exit 1
    echo "/vectors-check --kernel avx512ifma /$file.json"
done >"$work/plan"
for test in $tests; do
    echo "/tests $test"
done >>"$work/plan"
# Tests pass over a kernel that a machine lacks, vectors-check does not: one
# file always runs.
grep -qF -e "$only" "$work/plan" || stop "nothing has $only"
grep -F -e v2/base -e "$only" "$work/plan" >"$work/root/plan"
for program in init tests vectors-check; do
    strip -o "$work/root/$program" "$work/$program" || exit 1
done

# ---- the machine ------------------------------------------------------------
# What clearcpuid takes away this Bochs has in part: a size of XSAVE that does
# not fit its parts, fast short copies without fast copies, wrong SHA-1.
cp "$work/vmlinuz" "$work/iso/boot/vmlinuz"
(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/iso/boot/initrd"
cat >"$work/iso/boot/grub/grub.cfg" <<END
linux /boot/vmlinuz console=ttyS0 quiet loglevel=3 nokaslr nosmp panic=-1 \
    mitigations=off nopku clearcpuid=pku,xsaves,xsavec,fsrm,sha_ni,aperfmperf
initrd /boot/initrd
boot
END
grub-mkrescue -o "$work/boot.iso" "$work/iso" >"$work/log" 2>&1 \
    || stop "grub-mkrescue: $(tail -n 1 "$work/log")"
cat >"$work/bochsrc" <<END
display_library: term
cpu: model=corei7_icelake_u, count=1, ips=10000000, reset_on_triple_fault=0
megs: 256
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
vga: extension=none, update_freq=1
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$serial
log: $work/bochs.log
panic: action=fatal
error: action=ignore
info: action=report
clock: sync=none
END
echo c >"$work/continue"                # Debian's Bochs begins in a debugger

: >"$serial"
: >"$work/screen"
TERM=linux bochs-bin -q -f "$work/bochsrc" -rc "$work/continue" \
    </dev/null >"$work/screen" 2>&1 &
machine=$!
# Its screen is a terminal of its own, which somebody must read: when it is
# full the machine stands still.
screen=
while [ -z "$screen" ] && kill -0 $machine 2>/dev/null; do
    sleep 1
    screen=$(sed -n 's|.*connected to screen "\(/dev/pts/[0-9]*\)".*|\1|p' \
             "$work/screen")
done
reader=
if [ -n "$screen" ]; then
    stty raw -echo -F "$screen"
    cat "$screen" >/dev/null 2>&1 &
    reader=$!
fi
off()
{
    kill -9 $machine $reader 2>/dev/null
    wait $machine $reader 2>/dev/null
}
trap 'off; exit 1' HUP INT TERM

# Processor seconds of Bochs so far.
seconds()
{
    ps -o cputimes= -p $machine 2>/dev/null | tr -d ' '
}
used=0
while kill -0 $machine 2>/dev/null && ! grep -q '^all ended' "$serial"; do
    now=$(seconds)
    used=${now:-$used}
    [ "$used" -lt "$limit" ] || break
    sleep 1
done
off
[ -s "$serial" ] || tail -n 3 "$work/bochs.log" | cut -c1-200

# ---- what was said ----------------------------------------------------------
# A program passes that ended with 0 and counts what passed; one that did not
# end, or found nothing to do, fails.
tr -d '\r' <"$serial" >"$work/said"
awk -v used="$used" '
    NR == FNR { plan[++planned] = $0; next }
    /^end [0-9]+ / {
        name = substr($0, length($2) + 6)
        good = $2 == 0 && (counts ~ / [1-9][0-9]* cases, 0 mismatches$/ \
                           || counts ~ /^[1-9][0-9]* passed, 0 failed$/)
        print (good ? "ok   " : "FAIL ") substr(name, 2) ": " counts
        if (good) passed++; else { failed++; printf "%s", text }
        ended[name] = 1
        text = counts = ""
        next
    }
    / passed, | mismatches/ { counts = $0 }
    { text = text "  " $0 "\n" }
    END {
        for (i = 1; i <= planned; i++)
            if (!(plan[i] in ended)) {
                failed++
                print "FAIL " substr(plan[i], 2) ": did not end"
                printf "%s", text
                text = ""
            }
        print "emulated in " used " s of processor time"
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0
    }' "$work/root/plan" "$work/said"
