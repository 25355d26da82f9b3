"""Reads BUILD, whose syntax is Python's, and holds its targets against the files and imports.

Every fault is one line: the target, what is wrong, and how to mend it.
"""

from __future__ import annotations

import ast
import dataclasses
import pathlib

from tests.project import sources

PYTHON_RULES = ("py_library", "py_binary", "py_test")
# pytest loads it for every test, so each py_test depends on it without an import.
CONFTEST = "tests/conftest.py"


@dataclasses.dataclass(frozen=True)
class Target:
    """One Python rule of BUILD."""

    name: str
    rule: str
    line: int
    srcs: tuple[str, ...]
    deps: tuple[str, ...]
    data: tuple[str, ...]
    main: str | None


def read_targets(root: pathlib.Path) -> list[Target]:
    """Reads the Python rules of `root`'s BUILD; globs are evaluated."""
    tree = ast.parse((root / "BUILD").read_text(encoding="utf-8"), filename="BUILD")
    targets = []
    for statement in tree.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func) in PYTHON_RULES:
            targets.append(_target(call, root))
    return targets


def build_faults(root: pathlib.Path) -> list[str]:
    """Returns everything in which BUILD and the project's Python files differ."""
    targets = read_targets(root)
    modules = sources.read_modules(root)
    owners = _owners(targets)
    faults = _name_faults(targets)
    faults += _file_faults(targets, owners, modules, root)
    for target in targets:
        faults += _dependency_faults(target, targets, owners, modules)
    graph = {f":{target.name}": list(target.deps) for target in targets}
    for cycle in sources.find_cycles(graph):
        faults.append(f"dependency cycle {' → '.join(cycle)}; Bazel refuses it, split a target.")
    return faults


def _target(call: ast.Call, root: pathlib.Path) -> Target:
    values = {word.arg: word.value for word in call.keywords}

    def strings(name: str) -> tuple[str, ...]:
        return tuple(_strings(values[name], root)) if name in values else ()

    main = strings("main")
    return Target(
        name=strings("name")[0],
        rule=ast.unparse(call.func),
        line=call.lineno,
        srcs=strings("srcs"),
        deps=strings("deps"),
        data=strings("data"),
        main=main[0] if main else None,
    )


def _strings(node: ast.expr, root: pathlib.Path) -> list[str]:
    """Evaluates what BUILD may hold: strings, lists of them, their sums, and glob()."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.List):
        return [string for element in node.elts for string in _strings(element, root)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _strings(node.left, root) + _strings(node.right, root)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "glob":
        excluded = [w.value for w in node.keywords if w.arg == "exclude"]
        without = {path for value in excluded for path in _glob(_strings(value, root), root)}
        return [path for path in _glob(_strings(node.args[0], root), root) if path not in without]
    raise ValueError(
        f"BUILD:{node.lineno}: `{ast.unparse(node)}` is neither a string, a list, a sum nor "
        "glob([…], exclude = […]); write it as one of these."
    )


def _glob(patterns: list[str], root: pathlib.Path) -> list[str]:
    paths = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return sorted(path.relative_to(root).as_posix() for path in paths)


def _owners(targets: list[Target]) -> dict[str, list[Target]]:
    """The targets that hold each file; a main file may serve many and belongs to none."""
    owners: dict[str, list[Target]] = {}
    for target in targets:
        for path in target.srcs:
            if path != target.main:
                owners.setdefault(path, []).append(target)
    return owners


def _name_faults(targets: list[Target]) -> list[str]:
    lines: dict[str, int] = {}
    faults = []
    for target in targets:
        if target.name in lines:
            first = lines[target.name]
            faults.append(f"two targets are called :{target.name} (BUILD:{first}, {target.line}).")
        lines.setdefault(target.name, target.line)
    return faults


def _file_faults(
    targets: list[Target],
    owners: dict[str, list[Target]],
    modules: dict[str, sources.Module],
    root: pathlib.Path,
) -> list[str]:
    faults = []
    for target in targets:
        for path in target.srcs:
            if not (root / path).is_file():
                faults.append(f"target :{target.name} lists {path}, which is no file; remove it.")
        if not target.srcs:
            faults.append(f"target :{target.name} has no files; remove it, or mend its glob.")
        if target.main is not None and target.main not in target.srcs:
            faults.append(f"target :{target.name} does not list its main file {target.main}.")
    mains = {target.main for target in targets}
    for module in modules.values():
        holders = owners.get(module.path, [])
        if not holders and module.path not in mains:
            faults.append(
                f"{module.path} is in no target; add it to the srcs of one, or give it its own."
            )
        if len(holders) > 1:
            names = " and ".join(f":{target.name}" for target in holders)
            faults.append(f"{module.path} is in {names}; leave it in one.")
    return faults


def _dependency_faults(
    target: Target,
    targets: list[Target],
    owners: dict[str, list[Target]],
    modules: dict[str, sources.Module],
) -> list[str]:
    wanted = _wanted(target, owners, modules)
    known = {f":{other.name}" for other in targets}
    faults = []
    for label in sorted(set(wanted) - set(target.deps)):
        faults.append(
            f"target :{target.name} imports {wanted[label]} but does not list {label}; add it."
        )
    for label in sorted(set(target.deps) - set(wanted)):
        why = "but imports nothing of it" if label in known else "which is no target"
        faults.append(f"target :{target.name} lists {label}, {why}; remove it.")
    for label in target.data:
        if label.startswith(":") and label not in known:
            faults.append(f"target :{target.name} has the data {label}, which is no target.")
    for label in sorted({label for label in target.deps if target.deps.count(label) > 1}):
        faults.append(f"target :{target.name} lists {label} twice; remove one.")
    return faults


def _wanted(
    target: Target, owners: dict[str, list[Target]], modules: dict[str, sources.Module]
) -> dict[str, str]:
    """The labels that a target must depend on, each with the imports that ask for it."""
    by_path = {module.path: module for module in modules.values()}
    wanted: dict[str, set[str]] = {}
    for module in (by_path[path] for path in target.srcs if path in by_path):
        for imported in module.imports:
            if imported.type_checking:  # absent at run time, and free to close a circle
                continue
            needed = sources.resolve(imported.name, modules)
            for owner in owners.get(needed.path, []) if needed else []:
                if owner.name != target.name:
                    wanted.setdefault(f":{owner.name}", set()).add(needed.name)
    if target.rule == "py_test":
        for owner in owners.get(CONFTEST, []):
            wanted.setdefault(f":{owner.name}", set()).add("tests.conftest (as every test)")
    return {label: ", ".join(sorted(names)) for label, names in wanted.items()}
