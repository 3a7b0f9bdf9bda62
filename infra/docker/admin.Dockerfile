# syntax=docker/dockerfile:1
# The operators' dashboard: its own image and port, never on a public address. Build from the repository's root:
#
#   docker build -f infra/docker/admin.Dockerfile -t crontopus-admin .

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS dependencies
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=/app/.venv
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
COPY requirements.lock ./
COPY backend/pyproject.toml backend/
COPY internal_admin/pyproject.toml internal_admin/
# The dashboard asks for the service, which is not on any registry: name only what it asks for beside that.
RUN --mount=type=cache,target=/root/.cache/uv \
    grep --invert-match crontopus-api internal_admin/pyproject.toml > /tmp/pyproject.toml \
    && uv venv "$VIRTUAL_ENV" \
    && uv pip install --require-hashes --constraint requirements.lock \
        --requirement backend/pyproject.toml --requirement /tmp/pyproject.toml
COPY backend backend
COPY internal_admin internal_admin
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --no-deps --no-sources --editable ./backend --editable ./internal_admin

FROM ${PYTHON_IMAGE} AS admin
RUN groupadd --system --gid 10001 crontopus \
    && useradd --system --uid 10001 --gid crontopus --home-dir /var/lib/crontopus --shell /usr/sbin/nologin crontopus \
    && install --directory --owner crontopus --group crontopus --mode 0700 /var/lib/crontopus
ENV PATH=/app/.venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CRONTOPUS_ENVIRONMENT=production \
    CRONTOPUS_LOG_FORMAT=json \
    CRONTOPUS_ADMIN_HOST=0.0.0.0 \
    CRONTOPUS_ADMIN_PORT=8001 \
    CRONTOPUS_DATA_DIR=/var/lib/crontopus
WORKDIR /app/internal_admin
COPY --from=dependencies /app/.venv /app/.venv
COPY --from=dependencies /app/backend /app/backend
COPY --from=dependencies /app/internal_admin /app/internal_admin
COPY contract /app/contract
COPY --chmod=0755 infra/docker/entrypoint.sh /usr/local/bin/crontopus-entrypoint
USER 10001:10001
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['CRONTOPUS_ADMIN_PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["crontopus-entrypoint", "crontopus-admin"]
