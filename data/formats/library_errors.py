"""Missing libraries as errors that the user can fix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from data.errors import DataError


@contextlib.contextmanager
def report_missing_library() -> Iterator[None]:
    """Converts a failed import of a library that only one format needs.

    Raises:
        DataError: If a library is missing. The message says how to install it.
    """
    try:
        yield
    except ImportError as error:
        raise DataError(
            f"{error.name or error} is not installed; install it with: "
            "pip install 'ibc-agents[d4rl]'"
        ) from error
