#!/bin/sh
# install.sh BUILD -- installs into a new folder and builds a program outside
# the tree through pkg-config, shared and static.  Ends with
# "N passed, N failed".
build=${1:-build}
CC=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

try()
{
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        tail -n 5 "$work/log" | cut -c1-300
    fi
}

try "make install" env MAKEFLAGS= make B="$build" PREFIX="$work/inst" install
try "make install with DESTDIR" env MAKEFLAGS= make B="$build" \
    DESTDIR="$work/root" PREFIX=/opt/volley install
try "DESTDIR is no part of the pkg-config files" \
    grep -qx 'prefix=/opt/volley' "$work/root/opt/volley/lib/pkgconfig/libckks.pc"
try "the command runs" "$work/inst/bin/volley" --version
if ! command -v pkg-config >/dev/null; then
    echo "  skip: no pkg-config"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
fi
export PKG_CONFIG_PATH="$work/inst/lib/pkgconfig"
export LD_LIBRARY_PATH="$work/inst/lib"
cp examples/02_multiply_rotate.c examples/04_small_network.c "$work/"
for pair in 02_multiply_rotate:libckks 04_small_network:libnn; do
    e=${pair%:*}
    pc=${pair#*:}
    try "$e, shared" $CC -std=c11 -o "$work/$e" "$work/$e.c" \
        $(pkg-config --cflags --libs "$pc") -lm
    try "$e runs" "$work/$e"
    try "$e, static" $CC -std=c11 -static -o "$work/$e.static" "$work/$e.c" \
        $(pkg-config --static --cflags --libs "$pc")
    try "$e runs without a library" env -u LD_LIBRARY_PATH "$work/$e.static"
done
command -v ${CXX:-c++} >/dev/null && try "C++ takes the headers" sh -c "printf '%s\n' '#include <unet.h>' \
    'int main() { return ckks_ctx_slots != nullptr ? 0 : 1; }' \
    | ${CXX:-c++} -x c++ -std=c++11 -fsyntax-only \
        $(pkg-config --cflags libunet) -"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
