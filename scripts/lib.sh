# shellcheck shell=bash
# What every script here shares. Source it: `. "$(dirname "$0")/lib.sh"`.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv
TOOLS=$ROOT/.tools
LOGS=$TOOLS/logs
STAMPS=$TOOLS/stamps
# shellcheck disable=SC2034 # used by the scripts that source this; one script may call another
CALLER_PATH=${PATH//$VENV\/bin:/}
export PATH=$VENV/bin:$PATH
# Where this is set, every start would compile every module of every library again: 7 s instead of 2.
unset PYTHONDONTWRITEBYTECODE
[ -x "$TOOLS/go/go/bin/go" ] && export PATH=$PATH:$TOOLS/go/go/bin

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# quiet NAME COMMAND…: runs the command with its output in a log; shows of that only when it fails.
# Both ends: compilers say the reason last, npm says it first.
quiet() {
    local name=$1 log
    shift
    mkdir -p "$LOGS"
    log=$LOGS/$name.log
    if ! "$@" >"$log" 2>&1 </dev/null; then
        printf '\nFailed: %s\n' "$*" >&2
        awk -v total="$(wc -l <"$log")" 'NR <= 10 || NR > total - 20 { print "  | " $0 } NR == 11 && total > 30 { print "  | …" }' \
            "$log" >&2
        die "The whole output is in ${log#"$ROOT"/}."
    fi
}

# digest PATH…: one hash of the names and contents of files below the paths, without what is built or installed.
digest() {
    (
        cd "$ROOT" || exit 1
        find "$@" \( -name node_modules -o -name dist -o -name build -o -name .git \) -prune -o -type f -print0 |
            LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
    )
}

# fresh NAME VALUE: true when the stamp NAME holds VALUE, so that the step it stands for can be left out.
fresh() {
    [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]
}

stamp() {
    mkdir -p "$STAMPS"
    printf '%s\n' "$2" >"$STAMPS/$1"
}

# at_least WANTED HAVE: compares dotted versions.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}
