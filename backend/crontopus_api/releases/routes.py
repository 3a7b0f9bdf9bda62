"""Public: what they hand out is signed, and holds no secret."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, PlainTextResponse

from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided
from crontopus_api.releases.service import ReleaseService

router = APIRouter(tags=["downloads"])

Releases = Annotated[ReleaseService, Depends(provided(ReleaseService))]
_FRESH = {"Cache-Control": "no-cache"}


@router.get("/install.sh", response_class=PlainTextResponse, responses=problem_responses(404))
def install_sh(releases: Releases) -> PlainTextResponse:
    """Installs the agent on Linux and macOS: `curl -fsSL …/install.sh | sudo CRONTOPUS_ENROLLMENT_TOKEN=… sh`."""
    return PlainTextResponse(releases.installer("install.sh"), headers=_FRESH)


@router.get("/install.ps1", response_class=PlainTextResponse, responses=problem_responses(404))
def install_ps1(releases: Releases) -> PlainTextResponse:
    """Installs the agent on Windows: `irm …/install.ps1 | iex`."""
    return PlainTextResponse(releases.installer("install.ps1"), headers=_FRESH)


@router.get(
    "/downloads/{name}",
    response_class=FileResponse,
    responses=problem_responses(404, 422)
    | {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
def download(name: str, releases: Releases) -> FileResponse:
    """A file of the agent's release; `manifest.json` tells which there are, `NAME.minisig` signs each."""
    return FileResponse(releases.file(name), media_type="application/octet-stream", headers=_FRESH)
