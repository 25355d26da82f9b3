"""Public names of a package that are imported at their first use (PEP 562).

`import ibc_agents` and `import data` do not import TensorFlow, so a command can configure it first.
"""

from __future__ import annotations

import ast
import importlib
import pathlib
import sys
from collections.abc import Callable
from typing import Any


def attach(
    package: str, path: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Makes the imports that a package has under `if TYPE_CHECKING:` lazy.

    The package states each name once, where mypy and editors find it:

        if TYPE_CHECKING:
            from ibc_agents.losses import InfoNCE

        __getattr__, __dir__, __all__ = lazy_names.attach(__name__, __file__)

    Args:
        package: The `__name__` of the package.
        path: The `__file__` of the package.

    Returns:
        Its `__getattr__`, `__dir__` and `__all__`.
    """
    homes = _guarded_imports(pathlib.Path(path))

    def get_name(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)  # later accesses find it in the module
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get_name, list_names, sorted(homes)


def _guarded_imports(path: pathlib.Path) -> dict[str, str]:
    """Returns the module of each name that the file imports under `if TYPE_CHECKING:`."""
    statements = ast.parse(path.read_text(encoding="utf-8"), filename=str(path)).body
    return {
        alias.name: str(imported.module)
        for statement in statements
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"
        for imported in statement.body
        if isinstance(imported, ast.ImportFrom)
        for alias in imported.names
    }
