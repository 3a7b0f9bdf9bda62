#!/bin/sh
# Refuses to start without the key that protects stored secrets: the service would make one of its own in
# the container, and everything encrypted with it would be lost with the container.
set -eu

key="${CRONTOPUS_SECRET_KEY:-}"
if [ -z "$key" ] && [ -n "${CRONTOPUS_SECRET_KEY_FILE:-}" ]; then
    if [ ! -r "$CRONTOPUS_SECRET_KEY_FILE" ]; then
        echo "crontopus: CRONTOPUS_SECRET_KEY_FILE names $CRONTOPUS_SECRET_KEY_FILE, which cannot be read" >&2
        exit 1
    fi
    key="$(cat "$CRONTOPUS_SECRET_KEY_FILE")"
fi
if [ "${#key}" -lt 32 ]; then
    echo "crontopus: set CRONTOPUS_SECRET_KEY (or CRONTOPUS_SECRET_KEY_FILE) to 32 or more random characters;" \
        "infra/docker/init-env.sh makes one" >&2
    exit 1
fi
unset key

exec "$@"
