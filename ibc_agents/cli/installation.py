"""Checks of the installed packages."""

from __future__ import annotations

import importlib.metadata

from ibc_agents.core import errors

_TYPING_EXTENSIONS = "4.5.0"


def check_installation() -> None:
    """Checks that the installed libraries work together.

    `ibc_agents.core.top_level_packages` checks for other packages of our names at every import.

    Raises:
        RunError: If typing_extensions has a version that breaks Keras.
    """
    version = importlib.metadata.version("typing_extensions")
    if version != _TYPING_EXTENSIONS:
        raise errors.RunError(
            f"typing_extensions is {version}, which breaks Keras 2.15. Run: "
            f"pip install typing_extensions=={_TYPING_EXTENSIONS}"
        )
