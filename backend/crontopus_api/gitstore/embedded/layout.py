"""What an embedded repository looks like on the disk, and the configuration it runs under."""

from collections.abc import Mapping
from pathlib import Path

from dulwich.config import ConfigFile

# Kept in each repository's config, and given to every git process the bridge starts as well, so that
# an edited or half-restored config file can not switch a protection off.
HARDENING: Mapping[str, str] = {
    "core.bare": "true",
    "core.fsync": "committed,loose-object,reference",
    "core.filesRefLockTimeout": "2000",
    # Bigger blobs are streamed, not held in memory: bounds what a zlib bomb costs.
    "core.bigFileThreshold": "4m",
    "core.logAllRefUpdates": "false",
    "core.symlinks": "false",
    "gc.auto": "0",
    "receive.autogc": "false",
    # A push keeps the pack it came in. Unpacked, objects that are already there would not be written, but
    # only be marked as fresh, and a `git gc` that runs now may have looked before (`bare.maintenance`).
    "receive.unpackLimit": "1",
    "receive.fsckObjects": "true",
    "receive.advertisePushOptions": "false",
    # Git's own flag would hold for every branch, and only main is kept from rewinding: the
    # pre-receive hook does that. Deleting main, the current branch, Git itself refuses too.
    "receive.denyDeleteCurrent": "true",
    "receive.denyCurrentBranch": "ignore",
    "transfer.fsckObjects": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "http.receivepack": "true",
    "http.uploadpack": "true",
    "http.getanyfile": "false",
    "protocol.version": "2",
}

# Relative to a repository, so that the whole directory can be moved or restored elsewhere.
RELATIVE_HOOKS = "../../hooks"


INVALID_IS_REFUSED = "An invalid file is refused at the push, with its line and the reason."


def write_config(repository: Path) -> None:
    config = ConfigFile()
    config.set((b"core",), b"repositoryformatversion", b"0")
    config.set((b"core",), b"hooksPath", RELATIVE_HOOKS.encode())
    for key, value in HARDENING.items():
        section, name = key.split(".", 1)
        config.set((section.encode(),), name.encode(), value.encode())
    with (repository / "config").open("wb") as stream:
        config.write_to_file(stream)


def environment_config(pairs: Mapping[str, str]) -> dict[str, str]:
    """Configuration as environment variables: git takes it above every file."""
    env = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs.items()):
        env[f"GIT_CONFIG_KEY_{number}"] = key
        env[f"GIT_CONFIG_VALUE_{number}"] = value
    return env


def first_files(slug: str, tenant_id: str, *, invalid: str = INVALID_IS_REFUSED) -> dict[str, bytes]:
    """The first commit. `invalid` tells readers what becomes of an invalid file."""
    return {
        "README.md": _README.format(slug=slug, invalid=invalid).encode(),
        "default/.gitkeep": b"",
        ".crontopus/tenant.yaml": _TENANT.format(tenant_id=tenant_id).encode(),
    }


_TENANT = """\
# Written once by Crontopus: it marks this repository as a tenant's. Pushes that change it are refused.
apiVersion: crontopus/v1
kind: Tenant
metadata:
  id: {tenant_id}
"""

_README = """\
# Jobs of {slug}

Every scheduled job of this tenant is a YAML file here: `NAMESPACE/NAME.yaml`. What is on `main` is
what runs; a change made in the console, by the API or by the CLI is a commit like yours.

- `default/` and every other top-level folder is a namespace.
- `discovered/` holds jobs found on machines until somebody adopts them.
- `.crontopus/` holds policies, alert routes and maintenance windows.

A first job, `default/hello.yaml`:

```yaml
apiVersion: crontopus/v1
kind: Job
metadata:
  name: hello
spec:
  schedule: "*/5 * * * *"
  command: /bin/echo
  args: [hello]
  selector: {{matchLabels: {{role: demo}}}}
```

Commit it and push to `main`. {invalid}
"""
