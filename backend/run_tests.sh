#!/usr/bin/env bash
# The backend's tests on a PostgreSQL of their own; no Docker needed. Arguments go to pytest.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/scripts/bootstrap" python
cd "$root"
exec .venv/bin/pytest "${@:-backend/tests}"
