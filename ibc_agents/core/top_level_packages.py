"""The location of the top-level packages `data`, `environments` and `gin_configs`.

Other distributions and projects use these names too. The wheel therefore installs the three
packages in the folder `ibc_agents_packages`, so that it overwrites no file of another distribution.
A `.pth` file appends this folder to the search path, so that a package of the same name in
`site-packages` takes precedence. A process that imports `ibc_agents` needs the packages of
`ibc_agents`, which `select_packages` ensures.
"""

from __future__ import annotations

import importlib.util
import pathlib
import sys

PACKAGES = ("data", "environments", "gin_configs")
_SITE = pathlib.Path(__file__).resolve().parents[2]
_INSTALLED = _SITE / "ibc_agents_packages"
# The folder of the three packages: of the wheel, or the root of the checkout.
FOLDER = _INSTALLED if _INSTALLED.is_dir() else _SITE


def select_packages() -> None:
    """Ensures that imports of the three packages find those of `ibc_agents`.

    If another package of the same name precedes one of them, `FOLDER` becomes the first entry of
    the search path.

    Raises:
        ImportError: If a package of the same name is already imported, or if an import hook finds
            another package. The message states its file and how to fix the conflict.
    """
    conflicts = _find_conflicts()
    if conflicts and sys.modules.keys().isdisjoint(conflicts):
        sys.path.insert(0, str(FOLDER))
        conflicts = _find_conflicts()
    if conflicts:
        # A package that is already imported is the cause, so the message is about it.
        name = min(conflicts, key=lambda name: name not in sys.modules)
        location = conflicts[name]
        raise ImportError(_format_conflict(name, location), name="ibc_agents", path=location)


def _find_conflicts() -> dict[str, str]:
    """Returns the location of each package that an import would not find in `FOLDER`."""
    locations = {name: _locate(name) for name in PACKAGES}
    return {
        name: location
        for name, location in locations.items()
        if pathlib.Path(location).resolve().parent != FOLDER / name
    }


def _locate(name: str) -> str:
    """Returns the file of a module, or the folder of a namespace package."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # a module in sys.modules without a spec
        return f"sys.modules[{name!r}]"
    if spec is not None and spec.origin is not None:
        return spec.origin
    folders = spec.submodule_search_locations if spec is not None else None
    return next(iter(folders or []), "no file")


def _format_conflict(name: str, location: str) -> str:
    path = pathlib.Path(location)
    if {"site-packages", "dist-packages"} & set(path.parts):
        advice = "Install ibc_agents in a virtual environment without this distribution."
    elif path.is_relative_to(pathlib.Path.cwd()):
        advice = "Rename it, or run Python in another folder."
    else:
        advice = "Rename it, or remove its folder from PYTHONPATH."
    if name in sys.modules:
        order = "It was imported before ibc_agents. If it is not needed, import ibc_agents first."
        advice = f"{order} Otherwise: {advice[0].lower()}{advice[1:]}"
    return f"ibc_agents requires its own package {name!r}, but {location} has this name. {advice}"
