#!/bin/sh
# deps.sh "WHAT" PACKAGE... -- Debian packages needed for WHAT.
#
# Does nothing if all are there; installs the missing ones as root or with
# sudo; on a system without apt only prints the list.
what=$1
shift
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "For $what this machine needs what Debian calls:"
    echo "  $*"
    exit 0
fi

missing=
for package in "$@"; do
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)
    [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "For $what please install, as root:"
        echo "  apt-get install$missing"
        exit 1
    fi
    as_root=sudo
fi

get()
{
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"
}
install_missing()
{
    get install --no-install-recommends $missing
}

echo "For $what, installing:$missing"
# One question for all: each takes apt-cache a second.
known=$(apt-cache policy $missing 2>/dev/null | grep -c 'Candidate: [^(]')
if [ "$known" -lt "$(echo $missing | wc -w)" ]; then
    get update || exit 1
    install_missing
else
    install_missing || { get update && install_missing; }
fi
