"""Writes BUILD from the folders and the imports: `python -m tests.project.write_build`."""

from __future__ import annotations

import ast
import dataclasses
import pathlib
import sys
import textwrap

from tests.project import import_rules, sources

# Each sub-folder of these is a target. Any other folder is one target, with all that is below it.
SPLIT_FOLDERS = ("ibc_agents", "environments", "tests/ibc_agents", "tests/environments")
# The modules of ibc_agents.core that data and environments import, which core in turn depends on.
FOUNDATION = "foundation"
COMMAND_FOLDERS = ("ibc_agents", "data", "deploy")
COMMAND_NAMES = {"ibc_agents/distributed/__main__.py": "train_distributed"}
GIN_CONFIGS = "gin_configs"
COMMAND_LINE = "cli"  # reads the gin files
LIBRARY_DATA = {
    "conftest": '["pyproject.toml"]',
    GIN_CONFIGS: 'glob(["gin_configs/**/*.gin"])',
}
# Tests that read more of the checkout than Python files, and what they read.
TEST_DATA = {
    "deploy_test": 'glob(["deploy/*"])',
    "project_test": 'glob(["**"], exclude = [".*/**", "datasets/**", "runs/**"])',
}
HEADER = """\
# Written by `python -m tests.project.write_build` from the folders and the imports: do not edit.
#
# One py_library a package, one py_binary a command, one py_test a test folder, for Bazel 4 to 6
# (its own Python rules, nothing fetched). `deps` are the imports inside the project, without those
# for type checkers. run_module.py states why it is the main file of every command and test.
#
# Third-party packages come from the virtual environment that `make venv` makes, because TensorFlow
# and TF-Agents are published as wheels only. Activate it, then for example
# `bazel run //:train -- --gin_file=...` or `bazel test //:data_test`.

package(default_visibility = ["//visibility:public"])
"""
# List comprehensions of BUILD, over the (name, source or folder, deps) of each command and test.
BINARIES = """
[
    py_binary(
        name = name,
        srcs = ["run_module.py", path],
        args = [path[:-3].replace("/__main__", "").replace("/", ".")],
        main = "run_module.py",
        deps = deps,
    )
    for name, path, deps in [
{rows}
    ]
]
"""
TESTS = """
[
    py_test(
        name = name,
        size = "large",
        srcs = ["run_module.py"] + glob(patterns),
        args = ["pytest", patterns[0].rpartition("/")[0].replace("/**", "")],
        data = data,
        main = "run_module.py",
        tags = ["local"] if data else [],
        deps = deps,
    )
    for name, patterns, deps, data in [
{rows}
    ]
]
"""


@dataclasses.dataclass
class Target:
    """One rule of BUILD: a package, a command or a test folder."""

    name: str
    folder: str
    paths: list[str] = dataclasses.field(default_factory=list)
    excluded: list[str] = dataclasses.field(default_factory=list)
    deps: set[str] = dataclasses.field(default_factory=set)
    is_test: bool = False

    @property
    def patterns(self) -> list[str]:
        """The globs that give `paths`."""
        return [f"{self.folder}/*.py" if self.folder in SPLIT_FOLDERS else f"{self.folder}/**/*.py"]


def read_targets(root: pathlib.Path) -> list[Target]:
    """Derives the targets of the Python files under `root` and their dependencies.

    Raises:
        ValueError: If two targets have one name or depend on each other in a circle.
    """
    modules = sources.read_modules(root)
    targets: dict[str, Target] = {}
    owners: dict[str, Target] = {}
    for module in modules.values():
        target = _target_of(module)
        if target is None:
            continue
        existing = targets.setdefault(target.name, target)
        if existing.folder != target.folder:
            raise ValueError(
                f"BUILD: {existing.folder} and {target.folder} would both be :{target.name}; "
                "rename one of them."
            )
        existing.paths.append(module.path)
        owners[module.path] = existing
    for target in targets.values():
        target.excluded = sorted(
            path
            for path, owner in owners.items()
            if owner is not target and any(_matches(path, pattern) for pattern in target.patterns)
        )
        target.is_test = any(
            pathlib.PurePath(path).name.startswith("test_") for path in target.paths
        )
    for module in modules.values():
        if module.path in owners:
            owner = owners[module.path]
            owner.deps |= _dependencies(module, modules, owners) - {owner.name}
    if COMMAND_LINE in targets and GIN_CONFIGS in targets:
        targets[COMMAND_LINE].deps.add(GIN_CONFIGS)
    for target in targets.values():
        if target.is_test and "conftest" in targets:
            target.deps.add("conftest")  # pytest loads it for every test
    for cycle in sources.find_cycles({name: sorted(t.deps) for name, t in targets.items()}):
        raise ValueError(
            f"BUILD: dependency cycle {' → '.join(cycle)}, which Bazel refuses; move what both "
            "need into a package below them."
        )
    return sorted(targets.values(), key=lambda target: target.folder)


def build_text(root: pathlib.Path) -> str:
    """Returns the text of BUILD."""
    targets = read_targets(root)
    binaries = [target for target in targets if target.folder.endswith(".py")]
    tests = [target for target in targets if target.is_test]
    libraries = [target for target in targets if target not in binaries and target not in tests]
    parts = [HEADER, *map(_library, libraries)]
    if binaries:
        rows = (_row(target, f'"{target.folder}"') for target in binaries)
        parts.append(BINARIES.format(rows="\n".join(rows)))
    if tests:
        rows = (_row(t, _strings(t.patterns), TEST_DATA.get(t.name, "[]")) for t in tests)
        parts.append(TESTS.format(rows="\n".join(rows)))
    return "".join(parts)


def _matches(path: str, pattern: str) -> bool:
    folder = pattern.removesuffix("/*.py").removesuffix("/**")
    if "**" in pattern:
        return path.startswith(folder + "/")
    return path.rpartition("/")[0] == folder


def _target_of(module: sources.Module) -> Target | None:
    """The target that a file belongs to, without its files; None for run_module.py."""
    path = pathlib.PurePosixPath(module.path)
    if len(path.parts) == 1:
        return None
    if path.parts[0] in COMMAND_FOLDERS and _is_command(module):
        return Target(COMMAND_NAMES.get(module.path, path.stem), module.path)
    if module.name in import_rules.FOUNDATION:
        return Target(FOUNDATION, "ibc_agents/core")
    if module.path == "tests/conftest.py":
        return Target("conftest", "tests")
    depth = 2 if path.parts[0] == "tests" else 1
    folder = "/".join(path.parts[:depth])
    if folder in SPLIT_FOLDERS and len(path.parts) > depth + 1:
        folder = "/".join(path.parts[: depth + 1])
    name = folder.rpartition("/")[2]
    return Target(f"{name}_test" if path.parts[0] == "tests" else name, folder)


def _is_command(module: sources.Module) -> bool:
    return any(
        isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        for node in module.tree.body
    )


def _dependencies(
    module: sources.Module, modules: dict[str, sources.Module], owners: dict[str, Target]
) -> set[str]:
    """The names of the targets whose files a module imports when it runs."""
    imported = (
        sources.resolve(name.name, modules) for name in module.imports if not name.type_checking
    )
    return {owners[found.path].name for found in imported if found and found.path in owners}


def _library(target: Target) -> str:
    if target.name in ("conftest", FOUNDATION):
        lines = [f"srcs = {_strings(target.paths)}"]
    else:
        exclude = f", exclude = {_strings(target.excluded)}" if target.excluded else ""
        lines = [f"srcs = glob({_strings(target.patterns)}{exclude})"]
    if target.name in LIBRARY_DATA:
        lines.append(f"data = {LIBRARY_DATA[target.name]}")
    if target.deps:
        lines.append(f"deps = {_labels(target)}")
    lines = [f'name = "{target.name}"', *lines]
    body = "\n".join(_wrapped(f"{line},", "    ") for line in lines)
    return f"\npy_library(\n{body}\n)\n"


def _row(target: Target, *values: str) -> str:
    first, *rest = values
    return _wrapped(
        f'("{", ".join([target.name + chr(34), first, _labels(target), *rest])}),', " " * 8
    )


def _labels(target: Target) -> str:
    return _strings(f":{name}" for name in sorted(target.deps))


def _strings(values) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _wrapped(text: str, indent: str) -> str:
    """Breaks a value at its spaces, to 100 columns."""
    return textwrap.fill(
        text,
        100,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


if __name__ == "__main__":
    path = sources.ROOT / "BUILD"
    path.write_text(build_text(sources.ROOT), encoding="utf-8")
    sys.stdout.write(f"wrote {path.name}\n")
