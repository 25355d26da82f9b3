"""The installed package `d4rl`, read as data: its MuJoCo models and its table of scores.

It is never imported: that would ask for MuJoCo 2.0. Nothing of it is copied; the models keep their
Apache licences beside them.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import pathlib

import mujoco


def folder() -> pathlib.Path:
    """Where the package is installed.

    Raises:
        ValueError: If it is not.
    """
    found = importlib.util.find_spec("d4rl")
    if found is None or not found.submodule_search_locations:
        raise ValueError(
            "the D4RL tasks read their models from the package d4rl, which is not installed; "
            "install it with: pip install --no-deps d4rl==1.1"
        )
    return pathlib.Path(found.submodule_search_locations[0])


@functools.cache
def compiled(model: str) -> mujoco.MjModel:
    """A model, compiled once a process and shared by whoever asks; copy it before changing it.

    Args:
        model: the path of its MJCF file within the package.
    """
    return mujoco.MjModel.from_xml_path(os.fspath(folder() / model))


@functools.cache
def reference_returns(dataset: str) -> tuple[float, float]:
    """The returns that D4RL's normalised score calls 0 (a random policy) and 1 (its reference).

    Args:
        dataset: D4RL's name of it, such as `door-human-v0`.
    """
    tree = ast.parse((folder() / "infos.py").read_text(encoding="utf-8"))
    tables = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Dict)
    }
    return tables["REF_MIN_SCORE"][dataset], tables["REF_MAX_SCORE"][dataset]
