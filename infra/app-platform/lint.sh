#!/bin/sh
# Holds both app specs against the schema that doctl knows, without a network. doctl is no package of ours: without it
# on the PATH this says so, and backend/tests/infra/test_app_platform.py is what judges the specs.
set -eu

cd "$(dirname "$0")/../.."
shellcheck infra/app-platform/*.sh
if ! command -v doctl >/dev/null; then
    echo "infra/app-platform: ok, but no doctl here to judge the specs"
    exit
fi
for spec in infra/app-platform/production.yaml infra/app-platform/dev.yaml; do
    # Placeholders are text to it; a number that was put into quotes by mistake is not.
    doctl apps spec validate --schema-only "$spec" >/dev/null
done
echo "infra/app-platform: ok"
