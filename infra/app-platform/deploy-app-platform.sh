#!/usr/bin/env bash
# Builds the images, pushes them to DigitalOcean's registry and makes App Platform run them. Docs:
# docs/user/deploy-app-platform.md. Keeps to what bash 3.2 has, which is that of macOS.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: infra/app-platform/deploy-app-platform.sh [--env production|dev] [--dry-run] [--help]

Deploys the commit that is checked out: builds the images for API and internal admin, pushes them under the commit's
id, fills in infra/app-platform/ENV.yaml from the environment, and creates or updates the app of the name in that file.
Ends with 0 when the deployment is live, with 1 when a step failed, with 2 for a wrong call or a missing value.

  --env ENV   production (the default) or dev
  --dry-run   change nothing: print what would be done, and the spec with secrets masked

Values come from environment variables; infra/app-platform/example.env lists them. A secret that is not set stays as it
is at the app; an optional value that is set to nothing is taken away.

Needs docker (running), git, and doctl (signed in: doctl auth init). --dry-run does with less and says what it could not
look up.
TEXT
}

cd "$(dirname "$0")/../.."
SPECS=infra/app-platform
IMAGES="crontopus-api crontopus-admin"
# Of these, a line may be missing in the spec. All other placeholders need a value.
OPTIONAL=" CRONTOPUS_DATABASE_DIRECT_URL CRONTOPUS_EMAIL_FROM CRONTOPUS_FORGEJO_PUBLIC_URL CRONTOPUS_REGISTRATION
 CRONTOPUS_SECRET_KEY_PREVIOUS CRONTOPUS_SMTP_URL CRONTOPUS_WATCHDOG_URL "

say() { printf 'deploy: %s\n' "$*" >&2; }
die() {
    local code=$1
    shift
    say "$*"
    exit "$code"
}

environment=production
dry_run=false
while [ $# -gt 0 ]; do
    case "$1" in
    --help | -h) usage && exit 0 ;;
    --dry-run) dry_run=true ;;
    --env=*) environment=${1#--env=} ;;
    --env)
        [ $# -gt 1 ] || die 2 "--env needs a name: production or dev"
        environment=$2
        shift
        ;;
    *) die 2 "unknown argument $1; --help tells what there is" ;;
    esac
    shift
done
case "$environment" in
production | dev) ;;
*) die 2 "there is no environment $environment: production or dev" ;;
esac
template=$SPECS/$environment.yaml
name=$(sed -n 's/^name: //p' "$template")

# ---- what has to be there ------------------------------------------------------------------------

signed_in() { command -v doctl >/dev/null && doctl account get --format Email --no-header >/dev/null 2>&1; }

check_tools() {
    command -v docker >/dev/null || die 1 "docker is missing: install Docker (https://docs.docker.com/engine/install)"
    docker info >/dev/null 2>&1 || die 1 "docker does not answer: start the Docker daemon, then try again"
    command -v doctl >/dev/null ||
        die 1 "doctl is missing: install it (https://docs.digitalocean.com/reference/doctl/how-to/install)"
    signed_in || die 1 "doctl is not signed in: run 'doctl auth init', or set DIGITALOCEAN_ACCESS_TOKEN"
    registry=$(doctl registry get --format Endpoint --no-header) ||
        die 1 "there is no container registry: make one with 'doctl registry create NAME'"
}

# The images are built from the working tree and named after the commit: they have to be the same.
check_tree() {
    [ -z "$(git status --porcelain)" ] ||
        die 1 "the working tree differs from commit $tag, so that name would lie: commit or stash first (git status)"
}

# ---- the spec ------------------------------------------------------------------------------------

placeholders() { grep -v '^ *#' "$template" | grep -oE '\$\{(DEPLOY|CRONTOPUS)_[A-Z_]+\}' | tr -cd 'A-Z_\n' | sort -u; }
is_optional() { [[ $OPTIONAL == *[[:space:]]"$1"[[:space:]]* ]]; }
secrets=$(sed -n 's/^ *- {key: \([A-Z_]*\),.* type: SECRET,.*/ \1 /p' "$template")
is_secret() { [[ $secrets == *" $1 "* ]]; }

# held NAME: the encrypted value of that secret at the app; nothing when there is none.
held() {
    printf '%s\n' "$current" | awk -v wanted="$1" '
        { line = $0; sub(/^ *(- )?/, "", line) }
        $1 == "-" { key = "" }
        line ~ /^key: / { key = substr(line, 6) }
        line ~ /^value: EV\[[^"]*\]$/ && key == wanted { print substr(line, 8); exit }'
}

# find_value NAME: sets `value`, or returns 1 when there is none.
find_value() {
    value=
    if [ "$1" = DEPLOY_TAG ]; then
        value=$tag
    elif [ -n "${!1-}" ]; then
        value=${!1}
    elif is_secret "$1" && { [ -z "${!1+set}" ] || ! is_optional "$1"; }; then
        value=$(held "$1")
    fi
    [ -n "$value" ]
}

check_values() {
    local each missing=
    for each in $(placeholders); do
        if ! find_value "$each"; then
            is_optional "$each" || missing="$missing $each"
        elif [[ $value == *[[:cntrl:]]* ]]; then
            die 2 "$each holds a line break or another control character"
        elif [[ $value == *"\${"* ]]; then
            die 2 "$each holds \${, which App Platform would take for a variable of its own"
        fi
    done
    [ -z "$missing" ] || die 2 "set these first ($SPECS/example.env tells what they are):$missing"
    for each in DEPLOY_DOMAIN CRONTOPUS_PING_HOST; do
        [[ ${!each} =~ ^[a-z0-9.-]+$ ]] || die 2 "$each is a host name, such as crontopus.example.com, without https://"
    done
    [[ ${CRONTOPUS_DATABASE_URL-} != *://doadmin[:@]* ]] ||
        die 2 "CRONTOPUS_DATABASE_URL logs in as doadmin, who owns the tables; give that of crontopus_service"
}

# render: the template with its values. Placeholders stand inside double quotes, so they are escaped for these.
render() {
    local line rest out name_ masked=$1
    while IFS= read -r line || [ -n "$line" ]; do
        [[ $line =~ ^\ *# ]] && continue
        out='' rest=$line
        while [[ $rest =~ \$\{((DEPLOY|CRONTOPUS)_[A-Z_]+)\} ]]; do
            name_=${BASH_REMATCH[1]}
            find_value "$name_" || continue 2
            if [ "$masked" = masked ] && is_secret "$name_"; then value='********'; fi
            value=${value//\\/\\\\}
            value=${value//\"/\\\"}
            out=$out${rest%%"\${$name_}"*}$value
            rest=${rest#*"\${$name_}"}
        done
        printf '%s\n' "$out$rest"
    done <"$template"
}

# ---- the steps -----------------------------------------------------------------------------------

find_app() {
    app=$(doctl apps list --format ID,Spec.Name --no-header | awk -v name="$name" '$2 == name { print $1 }') ||
        die 1 "the apps could not be listed"
    [ -z "$app" ] || current=$(doctl apps spec get "$app") || die 1 "the spec of $name ($app) could not be read"
}

pushed() {
    doctl registry repository list-tags "$1" --format Tag --no-header 2>/dev/null |
        awk -v tag="$tag" '$1 == tag { found = 1 } END { exit !found }'
}

publish() {
    local image=$1 place=$registry/$1:$tag
    if pushed "$image"; then
        say "$place is there already"
        return
    fi
    say "building $image"
    # App Platform runs this architecture only, whatever this machine is.
    docker build --platform linux/amd64 --file "infra/docker/${image#crontopus-}.Dockerfile" --tag "$place" . ||
        die 1 "$image could not be built; nothing was deployed"
    say "pushing $place"
    docker push "$place" || die 1 "$place could not be pushed; nothing was deployed"
}

# What went wrong with the latest deployment, as far as App Platform says.
explain_failure() {
    local deployment
    [ -n "$app" ] || find_app
    [ -n "$app" ] || die 1 "the app $name could not be made"
    deployment=$(doctl apps list-deployments "$app" --format ID --no-header | awk 'NR == 1 { print $1 }')
    [ -n "$deployment" ] || die 1 "the app $name ($app) was not deployed"
    doctl apps get-deployment "$app" "$deployment" --output json | awk '
        function text() { sub(/^[^:]*: "/, ""); sub(/",?$/, ""); return $0 }
        /^ *"status": / { failed = /"ERROR"/; why = "" }
        /^ *"message": / && failed { why = text() }
        /^ *"component_name": / && failed {
            line = "deploy: failed: " text() (why == "" ? "" : " – " why)
            if (!seen[line]++) print line
        }' >&2
    die 1 "deployment $deployment failed, what ran before runs on; more: doctl apps logs $app --type deploy" \
        "--deployment $deployment"
}

deploy() {
    local spec
    spec=$(render plain)
    printf '%s\n' "$spec" | doctl apps propose --spec - ${app:+--app "$app"} >/dev/null ||
        die 1 "App Platform refuses the spec; nothing was deployed"
    if [ -n "$app" ]; then
        say "updating $name ($app) to $tag"
        printf '%s\n' "$spec" | doctl apps update "$app" --spec - --wait >/dev/null || explain_failure
    else
        say "creating $name at $tag"
        printf '%s\n' "$spec" | doctl apps create --spec - --wait >/dev/null || explain_failure
        find_app
    fi
    say "live: https://$DEPLOY_DOMAIN ($(doctl apps get "$app" --format DefaultIngress --no-header))"
}

show_what_would_be_done() {
    local image
    for image in $IMAGES; do
        say "would build infra/docker/${image#crontopus-}.Dockerfile and push it as ${registry:-REGISTRY}/$image:$tag"
    done
    if [ -n "$app" ]; then say "would update $name ($app)"; else say "would create $name"; fi
    say "the spec, secrets masked:"
    render masked
}

tag=$(git rev-parse HEAD)
app='' current='' registry=''
if $dry_run; then
    [ -z "$(git status --porcelain)" ] || say "the working tree differs from commit $tag: a real run would refuse that"
    if signed_in; then
        registry=$(doctl registry get --format Endpoint --no-header) || say "there is no container registry yet"
        find_app
    else
        say "doctl is missing or not signed in: shown as for a first deployment"
    fi
    check_values
    show_what_would_be_done
    exit 0
fi

check_tools
check_tree
find_app
check_values
# The outline first: it needs no network, and nothing is built for a spec that cannot be read.
render plain | doctl apps spec validate --schema-only - >/dev/null ||
    die 1 "$template is no app spec that doctl understands; a newer doctl may"
doctl registry login --expiry-seconds 3600 || die 1 "docker could not be signed in to $registry"
for image in $IMAGES; do publish "$image"; done
deploy
