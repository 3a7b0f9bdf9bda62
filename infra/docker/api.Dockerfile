# syntax=docker/dockerfile:1
# The service: API, worker and migrations are this one image with another command
# (`api`, `worker`, `migrate`). Build from the repository's root:
#
#   docker build -f infra/docker/api.Dockerfile -t crontopus-api .
#   docker build -f infra/docker/api.Dockerfile --target with-agent -t crontopus-api:with-agent .
#
# `with-agent` also carries the agent's binaries under /app/agent/dist, for downloads.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:24-bookworm-slim
ARG GO_IMAGE=golang:1.26-bookworm

# ---- the console -------------------------------------------------------------------------------
FROM ${NODE_IMAGE} AS console
WORKDIR /src/frontend
# Manifests first: dependencies are installed again only when they change. No package's script runs.
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc* ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY contract /src/contract
COPY frontend ./
RUN npm run build

# ---- the agent, only for the target `with-agent` -----------------------------------------------
FROM ${GO_IMAGE} AS agent
WORKDIR /src/agent
COPY agent/go.mod agent/go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY agent ./
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do \
        system="${target%/*}"; machine="${target#*/}"; suffix=""; \
        [[ "$system" == windows ]] && suffix=".exe"; \
        for command in crontopus-agent crontopus-run; do \
            CGO_ENABLED=0 GOOS="$system" GOARCH="$machine" go build -trimpath -ldflags '-s -w' \
                -o "/out/$system-$machine/$command$suffix" "./cmd/$command"; \
        done; \
    done

# ---- Python dependencies -----------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS dependencies
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=/app/.venv
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
COPY requirements.lock ./
COPY backend/pyproject.toml backend/
# What the service asks for, in the versions and with the hashes of the lock; its other lines (tests) stay out.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv "$VIRTUAL_ENV" \
    && uv pip install --require-hashes --constraint requirements.lock --requirement backend/pyproject.toml --extra tracing
COPY backend backend
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --no-deps --editable ./backend

# ---- what runs ---------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS runtime
# Versions float with the base image on purpose: they are Debian's security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 crontopus \
    && useradd --system --uid 10001 --gid crontopus --home-dir /var/lib/crontopus --shell /usr/sbin/nologin crontopus \
    && install --directory --owner crontopus --group crontopus --mode 0700 /var/lib/crontopus
# Nothing is written outside the data directory and /tmp, so the root file system may be read-only.
ENV PATH=/app/.venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CRONTOPUS_ENVIRONMENT=production \
    CRONTOPUS_LOG_FORMAT=json \
    CRONTOPUS_HOST=0.0.0.0 \
    CRONTOPUS_PORT=8000 \
    CRONTOPUS_DATA_DIR=/var/lib/crontopus \
    CRONTOPUS_CONSOLE_DIR=/app/frontend/dist
WORKDIR /app/backend
# Laid out like a checkout: the service finds migrations, contract and console next to itself.
COPY --from=dependencies /app/.venv /app/.venv
COPY --from=dependencies /app/backend /app/backend
COPY contract /app/contract
COPY --from=console /src/frontend/dist /app/frontend/dist
COPY --chmod=0755 infra/docker/entrypoint.sh /usr/local/bin/crontopus-entrypoint
USER 10001:10001
VOLUME ["/var/lib/crontopus"]
EXPOSE 8000
# Of use to the API only: whoever runs the worker or the migrations switches it off.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['CRONTOPUS_PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["crontopus-entrypoint", "crontopus-server"]
CMD ["api"]

FROM runtime AS with-agent
COPY --from=agent /out /app/agent/dist

FROM runtime AS api
