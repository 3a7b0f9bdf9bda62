#!/bin/sh
# Gives Crontopus its account on Forgejo: a service user and its API token, in the file that the API reads as
# CRONTOPUS_FORGEJO_TOKEN_FILE. Runs in Forgejo's own image, on its volumes, each time the platform starts;
# it does nothing when the token is there. The token is for Crontopus alone: no endpoint ever sees it.
set -eu

user=crontopus-service # not `crontopus`: that is the organisation of the repositories
token_file="${1:?usage: bootstrap.sh TOKEN_FILE}"

if [ -s "$token_file" ]; then
    echo "forgejo bootstrap: the token is there" >&2
    exit 0
fi

if ! forgejo admin user list | awk 'NR > 1 { print $2 }' | grep --quiet --line-regexp "$user"; then
    # Nobody needs to know this password: the account is used with tokens only.
    forgejo admin user create --admin --username "$user" --email "$user@localhost" \
        --random-password --random-password-length 40 --must-change-password=false >/dev/null
fi

# A new name each time: a token whose file was lost cannot be shown again, and its name is taken.
umask 077
forgejo admin user generate-access-token --username "$user" --token-name "crontopus-$(date +%s)" \
    --scopes write:organization,write:repository,read:user --raw >"$token_file.new"
[ -s "$token_file.new" ] || {
    echo "forgejo bootstrap: Forgejo gave no token" >&2
    exit 1
}
chmod 0444 "$token_file.new" # read by another user id in the API's container; the volume is mounted nowhere else
mv "$token_file.new" "$token_file"
echo "forgejo bootstrap: wrote the token for $user" >&2
