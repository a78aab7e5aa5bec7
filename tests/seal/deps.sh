#!/bin/sh
# deps.sh -- node-seal 5.1.7, a WebAssembly build of SEAL 4.1 by others, into
# node_modules at the top of the tree: an oracle for tests, never shipped.
# Installs Node where a Debian has none; runs no script of the package; and
# compares the one file that is used with what it was when the tests were
# written.
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
version=5.1.7
file=throws_wasm_node_umd.js
sum=c28fc0873f860f800f77c8a7bced86b0f35d8481a54d4156e5cd493b31509f11

right()
{
    echo "$sum  $top/node_modules/node-seal/$file" \
        | sha256sum -c >/dev/null 2>&1
}

right && exit 0
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    sh "$here/../scripts/deps.sh" "the exchange with SEAL" nodejs npm || exit 1
fi
rm -rf "$top/node_modules/node-seal"
npm install --prefix "$top" --ignore-scripts --no-save --no-package-lock \
    --no-audit --no-fund --loglevel=error "node-seal@$version" || exit 1
right && exit 0
echo "deps-seal: $file of node-seal $version is not the known one"
rm -rf "$top/node_modules/node-seal"
exit 1
