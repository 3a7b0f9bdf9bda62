"""Where the parts of the repository are."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BACKEND = ROOT / "backend"
CLI = ROOT / "cli"
AGENT = ROOT / "agent"
FRONTEND = ROOT / "frontend"
SCRIPTS = Path(sys.executable).parent
"""The virtual environment's commands: crontopus, crontopus-server, uvicorn, alembic."""
