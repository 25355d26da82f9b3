"""Provenance of a result: versions, git revision and machine."""

from __future__ import annotations

import importlib.metadata
import pathlib
import platform
import subprocess
from typing import Any

from ibc_agents.acceleration import machine
from ibc_agents.core import version

_PACKAGES = (
    "ibc-agents",
    "tensorflow",
    "tf-agents",
    "dm-reverb",
    "gin-config",
    "numpy",
    "tensorflow-probability",
)


def describe() -> dict[str, Any]:
    """Returns package versions, git revision and machine, as JSON types."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{package: _version(package) for package in _PACKAGES},
        },
        "git_revision": git_revision(),
        "machine": machine.describe(),
    }


def git_revision() -> str | None:
    """Returns the commit of the checkout, with `-dirty` if files differ, or None."""
    this = pathlib.Path(__file__).resolve()
    # An installed package can lie in another repository, which does not track this file.
    if _git("ls-files", "--error-unmatch", this.name, folder=this.parent) is None:
        return None
    return _git("describe", "--always", "--abbrev=40", "--dirty", "--exclude=*", folder=this.parent)


def _git(*arguments: str, folder: pathlib.Path) -> str | None:
    """Returns the output of git, or None if git fails or is missing."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return version.__version__ if package == "ibc-agents" else None
