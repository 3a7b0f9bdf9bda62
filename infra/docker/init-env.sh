#!/bin/sh
# Writes .env for docker-compose.yml from .env.example, with a fresh random value for every secret.
# An .env that exists is left alone: new secrets would not fit the data that is already there.
set -eu

root="$(cd "$(dirname "$0")/../.." && pwd)"
target="${1:-$root/.env}"

if [ -e "$target" ]; then
    echo "init-env: $target exists and is left as it is" >&2
    exit 1
fi

umask 077
temporary="$target.new"
trap 'rm -f "$temporary"' EXIT
while IFS= read -r line; do
    case "$line" in
    *=generate) printf '%s=%s\n' "${line%%=*}" "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$root/.env.example" >"$temporary"
mv "$temporary" "$target"
echo "init-env: wrote $target; next: docker compose up --build --detach" >&2
