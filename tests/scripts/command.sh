# command.sh -- what the scripts that drive BUILD/volley share; each begins with
#
#     . "$(dirname "$0")/command.sh"
#
# and then has root, build, volley, a folder of its own in work (removed at the
# end), and the functions below.  What the command printed last lies in
# $work/out and $work/err.
root=$(cd "$(dirname "$0")/../.." && pwd)
case ${1:-build} in
    /*) build=$1 ;;
    *) build=$PWD/${1:-build} ;;
esac
volley=$build/volley
program=volley                  # what its complaints begin with
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0
skipped=0

good()
{
    passed=$((passed + 1))
}
bad()
{
    failed=$((failed + 1))
    echo "FAIL $1"
    head -n 3 "$work/err" | cut -c1-300
}

# call ARGUMENTS: the command; its exit code in $got
call()
{
    timeout 600 "$volley" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
}

# run WHAT ARGUMENTS: volley must go well
run()
{
    what=$1
    shift
    call "$@"
    if [ "$got" -eq 0 ]; then
        good
    else
        bad "$what: exit code $got, want 0"
    fi
}

# what the owner's verbs state before they work
stated=': N = 2\^[0-9]+|; at most [0-9.]+ [KMGT]?i?B of memory$'
stated="$stated|: at most .* up, .* down|^[a-z0-9]* is for: | slices \\(stored "
stated="$stated|^both sides on this machine|: [0-9]* sets?, about "
# the name of a result that a refusal must not leave, if it did
left()
{
    :
}

# complain CODE WHAT WORD ARGUMENTS: exits with CODE, prints and leaves nothing
# and complains in one line that holds WORD and no name of a function
complain()
{
    want=$1 what=$2 word=$3
    shift 3
    call "$@"
    lines=$(grep -vE "$stated" "$work/err")
    if [ "$got" -ne "$want" ]; then
        bad "$what: exit code $got, want $want"
    elif [ "$(echo "$lines" | grep -c '')" -ne 1 ] \
         || [ "${lines#$program: }" = "$lines" ]; then
        bad "$what: not one line of complaint"
    elif ! echo "$lines" | grep -qe "$word"; then
        bad "$what: the line does not say '$word'"
    elif echo "$lines" | grep -qE '(ckks|nni?|unet|uni)_[a-z_]*: '; then
        bad "$what: the line names a function"
    elif [ -s "$work/out" ]; then
        bad "$what: printed a result"
    elif [ -n "$(left)" ]; then
        bad "$what: it left $(left)"
        rm -rf "$(left)"
    else
        good
    fi
}
refuse()
{
    complain 1 "$@"
}
usage()
{
    complain 2 "$@"
}

# check WHAT COMMAND: a plain command must succeed
check()
{
    what=$1
    shift
    if "$@" >"$work/check" 2>&1; then
        good
    else
        bad "$what"
    fi
}

# The last line, and the exit code.
finish()
{
    printf '%s passed, %s failed' "$passed" "$failed"
    [ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
    echo
    [ "$failed" -eq 0 ]
}
