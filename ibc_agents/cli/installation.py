"""Checks of the installed packages."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import pathlib

from ibc_agents.core import errors

# The folder that holds ibc_agents, data, environments and gin_configs.
ROOT = pathlib.Path(__file__).resolve().parents[2]
_TYPING_EXTENSIONS = "4.5.0"


def check_installation() -> None:
    """Checks that nothing in the Python environment breaks this project.

    Raises:
        RunError: If another project's `data` or `environments` precedes ours, or typing_extensions
            has a version that breaks Keras.
    """
    for package in ("data", "environments"):
        found = importlib.util.find_spec(package)
        origin = pathlib.Path(found.origin).resolve() if found and found.origin else None
        if origin is None or origin.parent.parent != ROOT:
            raise errors.RunError(
                f"the package {package!r} of another project ({origin}) stands in front of ours. "
                "Uninstall it, or use a separate virtual environment."
            )
    version = importlib.metadata.version("typing_extensions")
    if version != _TYPING_EXTENSIONS:
        raise errors.RunError(
            f"typing_extensions is {version}, which breaks Keras 2.15. Run: "
            f"pip install typing_extensions=={_TYPING_EXTENSIONS}"
        )
