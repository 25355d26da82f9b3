"""URLs of D4RL's datasets, read from the source files of the installed d4rl package.

The package is not imported, because that fails without the binaries of MuJoCo 2.0.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import pathlib
from collections.abc import Iterator

from data.errors import DataError


def dataset_url(task: str) -> str:
    """Returns the URL of a task's dataset.

    It finds the tasks that d4rl lists one by one, not those that d4rl registers in loops (Adroit
    and Gym-MuJoCo from v1 on).

    Args:
        task: Name of the task, such as `pen-human-v0`.

    Raises:
        DataError: If d4rl is not installed, or does not list the task.
    """
    spec = importlib.util.find_spec("d4rl")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("d4rl is not installed; install it with: pip install 'ibc-agents[d4rl]'")
    package = pathlib.Path(spec.submodule_search_locations[0])
    urls = dict(_table(package / "infos.py"))
    for module in sorted(package.glob("*/__init__.py")):
        urls.update(_registered(module))
    if task not in urls:
        near = difflib.get_close_matches(task, urls, n=3, cutoff=0.0)
        raise DataError(f"d4rl has no dataset {task!r}; did you mean {', '.join(near)}?")
    return urls[task]


def _table(path: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Yields the entries of `DATASET_URLS = {…}`."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DATASET_URLS":
            yield from ast.literal_eval(node.value).items()


def _registered(path: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Yields name and URL of every `register(id='…', kwargs={'dataset_url': '…'})`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) != "register":
            continue
        words = {word.arg: word.value for word in node.keywords}
        values = words.get("kwargs")
        if not isinstance(values, ast.Dict):
            continue
        entries = {ast.unparse(key): value for key, value in zip(values.keys, values.values) if key}
        name, url = words.get("id"), entries.get("'dataset_url'")
        if isinstance(name, ast.Constant) and isinstance(url, ast.Constant):
            yield name.value, url.value
