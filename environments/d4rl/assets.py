"""Data of the installed package `d4rl`: its MuJoCo models and its reference scores.

The package is read from its files and never imported, because the import requires MuJoCo 2.0. No
file of it is copied. The models have an Apache license.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import pathlib

import mujoco


def folder() -> pathlib.Path:
    """Returns the folder of the installed package.

    Raises:
        ValueError: If the package is not installed.
    """
    found = importlib.util.find_spec("d4rl")
    if found is None or not found.submodule_search_locations:
        raise ValueError(
            "the D4RL tasks read their models from the package d4rl, which is not installed. "
            "Install it with: pip install --no-deps d4rl==1.1"
        )
    return pathlib.Path(found.submodule_search_locations[0])


@functools.cache
def load_model(model: str) -> mujoco.MjModel:
    """Compiles a model once per process. Callers share the result and must copy it to change it.

    Args:
        model: Path of the MJCF file within the package.

    Returns:
        The compiled model.
    """
    return mujoco.MjModel.from_xml_path(os.fspath(folder() / model))


@functools.cache
def reference_returns(dataset: str) -> tuple[float, float]:
    """Reads the returns that define D4RL's normalized score.

    Args:
        dataset: Name of the dataset in D4RL, for example `door-human-v0`.

    Returns:
        The returns of a random policy (score 0) and of the reference policy (score 1).

    References:
        Fu et al., "D4RL: Datasets for Deep Data-Driven Reinforcement Learning", 2020.
        https://arxiv.org/abs/2004.07219
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
