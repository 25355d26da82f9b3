"""The import rules of docs/architecture.md as tables, and their check.

Every fault is one line: the file and line, what is wrong, and how to fix it.
"""

from __future__ import annotations

import ast
import fnmatch
import pathlib
import re
import sys

from tests.project import sources

# A package imports only packages of earlier rows; packages of one row are siblings, which
# never import each other. The last row is the top of ibc_agents: its public names and commands.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("core",),
    ("networks", "samplers", "proposals", "losses"),
    ("acceleration",),
    ("policies",),
    ("agents",),
    ("rollouts",),
    ("visualization",),
    ("runs",),
    ("studies",),
    ("cli",),
    ("distributed",),
    ("",),
)
# The same for data. Its last row is the public names and the commands.
DATA_LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "path_kinds"),
    ("episodes",),
    ("shards",),
    ("reading", "writing"),
    ("sources", "formats", "inspection"),
    ("",),
)
# The packages of the method, which know no task and no file format.
METHOD = ("acceleration", "networks", "samplers", "proposals", "losses", "policies", "agents")
# All that data and environments may import of ibc_agents.
FOUNDATION = (
    "ibc_agents.core.errors",
    "ibc_agents.core.files",
    "ibc_agents.core.lazy_names",
    "ibc_agents.core.setting_checks",
    "ibc_agents.core.windows",
)
# The one module of core that imports data: it computes a dataset's statistics.
KNOWS_STATISTICS = "ibc_agents.core.normalizer"

# The files that a user runs, and the helpers that define flags or read gin files for them.
COMMANDS = (
    "ibc_agents/train.py",
    "ibc_agents/evaluate.py",
    "ibc_agents/collect.py",
    "ibc_agents/plot_energy.py",
    "ibc_agents/distributed/__main__.py",
    "data/inspect.py",
    "data/import_*.py",
    "data/export_*.py",
    "data/download.py",
)
FLAG_PARSERS = (*COMMANDS, "ibc_agents/cli/*.py", "data/formats/command_flags.py")
FLAG_LIBRARIES = ("absl.flags", "absl.app", "argparse")
# Worker processes receive the gin configuration that a command has read.
GIN_READERS = (*FLAG_PARSERS, "ibc_agents/rollouts/workers.py")
GIN_READING = re.compile(r"parse_config\w*|bind_parameter|query_parameter")

# Libraries and the only files that may import them.
LIBRARY_HOMES = {
    **dict.fromkeys(
        (
            *(
                "pybullet",
                "pybullet_data",
                "pybullet_utils",
                "pymunk",
                "shapely",
                "mujoco",
                "mujoco_py",
            ),
            *("dm_control", "xarm", "pyrealsense2"),
        ),
        ("environments/*",),
    ),
    "reverb": (
        "data/sources/reverb_source.py",
        "data/sources/replay_server.py",
        "ibc_agents/distributed/*",
    ),
}

# `python -m data.inspect` keeps its name; run_module.py keeps it from hiding the library's module.
STANDARD_NAMES_ALLOWED = ("data/inspect.py",)
MAX_ENTRIES = 12
# Beside their sub-packages these hold the commands, data one for each foreign format.
MORE_ENTRIES = {"ibc_agents": 20, "data": 20}


def import_faults(root: pathlib.Path) -> list[str]:
    """Returns every breach of the import rules in the packages under `root`."""
    modules = sources.read_modules(root, sources.PACKAGES)
    modules = {n: m for n, m in modules.items() if n.split(".")[0] in sources.PACKAGES}
    faults = _cycle_faults(modules)
    for module in modules.values():
        faults += _direction_faults(module, modules)
        faults += _command_faults(module, modules)
        faults += _library_faults(module)
    return faults


def name_faults(root: pathlib.Path) -> list[str]:
    """Returns the modules and packages that have the name of a standard library module."""
    return [
        f"{path.relative_to(root).as_posix()} has the name of a standard library module; rename it."
        for path in _entries(root)
        if path.name.removesuffix(".py") in sys.stdlib_module_names
        and path.relative_to(root).as_posix() not in STANDARD_NAMES_ALLOWED
    ]


def size_faults(root: pathlib.Path) -> list[str]:
    """Returns the packages with more modules and sub-packages than the limit."""
    counts: dict[str, int] = {}
    for path in _entries(root):
        folder = path.parent.relative_to(root).as_posix()
        counts[folder] = counts.get(folder, 0) + 1
    return [
        f"{folder} has {count} modules and sub-packages; the limit is {limit}. Move what belongs "
        "together into a sub-package."
        for folder, count in counts.items()
        if count > (limit := MORE_ENTRIES.get(folder, MAX_ENTRIES)) and folder != "."
    ]


def is_command(path: str) -> bool:
    """Whether a user runs this file."""
    return _matches(path, COMMANDS)


def _entries(root: pathlib.Path) -> list[pathlib.Path]:
    """The modules and sub-packages of the packages, without their `__init__.py`."""
    return [
        path
        for package in sources.PACKAGES
        for path in sorted((root / package).rglob("*"))
        if "__pycache__" not in path.parts
        and path.name != "__init__.py"
        and (path.suffix == ".py" or (path / "__init__.py").is_file())
    ]


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def _direction_faults(module: sources.Module, modules: dict[str, sources.Module]) -> list[str]:
    faults = []
    for imported in module.imports:
        target = sources.resolve(imported.name, modules)
        name = target.name if target else imported.name
        if name.split(".")[0] not in sources.PACKAGES:
            continue
        if module.name.startswith("ibc_agents"):
            reason = _forbidden_in_ibc_agents(module.name, name)
        else:
            reason = _forbidden_outside(module, name)
        if reason:
            faults.append(f"{module.path}:{imported.line}: imports {name}; {reason}.")
    return faults


def _forbidden_outside(module: sources.Module, imported: str) -> str | None:
    """Why a module of data or environments may not import another, None if it may."""
    package = imported.split(".")[0]
    if package == module.name.split(".")[0] == "data":
        return _forbidden_in_data(module.name, imported)
    if package == module.name.split(".")[0] or imported in FOUNDATION:
        return None
    if package != "ibc_agents":
        return "data and environments do not import each other; ibc_agents/runs joins them"
    if _matches(module.path, FLAG_PARSERS) and sources.within(imported, "ibc_agents.cli"):
        return None
    return f"of ibc_agents, data and environments import only {', '.join(FOUNDATION)}"


def _forbidden_in_data(module: str, imported: str) -> str | None:
    """Why a module of data may not import another, None if it may."""
    package, other = _package(module, DATA_LAYERS), _package(imported, DATA_LAYERS)
    if package == other or _layer(other, DATA_LAYERS) < _layer(package, DATA_LAYERS):
        return None
    return f"data.{other or '*'} does not stand below data.{package}; see DATA_LAYERS"


def _forbidden_in_ibc_agents(module: str, imported: str) -> str | None:
    """Why a module of ibc_agents may not import another, None if it may."""
    if module in FOUNDATION:
        allowed = imported in FOUNDATION
        return None if allowed else "the modules that data imports import only one another"
    package = _package(module)
    if not imported.startswith("ibc_agents"):
        if package in METHOD or package == "core" and module != KNOWS_STATISTICS:
            return "the method knows no task and no file format; pass in a spec or an array"
        return None
    other = _package(imported)
    if package == other:
        return None
    if _layer(package) == _layer(other):
        return (
            "siblings meet in agents and policies; use a protocol of ibc_agents/core/protocols.py"
        )
    if _layer(package) < _layer(other):
        return f"{other or 'the top of ibc_agents'} stands above {package}; pass what is needed in"
    return None


def _package(module: str, layers: tuple[tuple[str, ...], ...] = LAYERS) -> str:
    """The sub-package that a module is in; "" for the public names and commands."""
    _, name, *_ = [*module.split("."), ""]
    return name if any(name in row for row in layers) else ""


def _layer(package: str, layers: tuple[tuple[str, ...], ...] = LAYERS) -> int:
    return next(number for number, row in enumerate(layers) if package in row)


def _command_faults(module: sources.Module, modules: dict[str, sources.Module]) -> list[str]:
    """Flags, gin readers and imports of commands outside the commands."""
    faults = []
    for imported in module.imports:
        where = f"{module.path}:{imported.line}"
        target = sources.resolve(imported.name, modules)
        if not _matches(module.path, FLAG_PARSERS) and any(
            sources.within(imported.name, library) for library in FLAG_LIBRARIES
        ):
            faults.append(f"{where}: imports {imported.name}; only commands parse flags.")
        if target is not None and is_command(target.path):
            faults.append(
                f"{where}: imports the command {target.name}; move what both need into a module "
                "that is no command."
            )
    if not _matches(module.path, GIN_READERS):
        faults += [
            f"{module.path}:{line}: uses {name}; only commands read or set gin configs."
            for name, line in _gin_readers(module)
        ]
    return faults


def _gin_readers(module: sources.Module) -> list[tuple[str, int]]:
    found = [
        (imported.name, imported.line)
        for imported in module.imports
        if sources.within(imported.name, "gin")
        and GIN_READING.fullmatch(imported.name.rpartition(".")[2])
    ]
    names = _names_of_gin(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and GIN_READING.fullmatch(node.attr):
            if ast.unparse(node).split(".")[0] in names:
                found.append((ast.unparse(node), node.lineno))
    return found


def _names_of_gin(tree: ast.Module) -> set[str]:
    """The names by which a module reaches gin: `gin`, or what it was imported as."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if sources.within(alias.name, "gin"):
                    names.add(alias.asname or "gin")
        elif isinstance(node, ast.ImportFrom) and sources.within(node.module or "", "gin"):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def _library_faults(module: sources.Module) -> list[str]:
    faults = []
    for imported in module.imports:
        library = imported.name.split(".")[0]
        homes = LIBRARY_HOMES.get(library, ("*",))
        if not _matches(module.path, homes):
            where = f"{module.path}:{imported.line}"
            faults.append(f"{where}: imports {library}, which only {' and '.join(homes)} may.")
    return faults


def _cycle_faults(modules: dict[str, sources.Module]) -> list[str]:
    """Import cycles between modules, each once; imports for type checkers alone do not count."""
    graph = {name: _runtime_imports(module, modules) for name, module in modules.items()}
    return [
        f"import cycle {' → '.join(cycle)}; move the shared parts to a separate module."
        for cycle in sources.find_cycles(graph)
    ]


def _runtime_imports(module: sources.Module, modules: dict[str, sources.Module]) -> list[str]:
    targets = (
        sources.resolve(imported.name, modules)
        for imported in module.imports
        if not imported.type_checking
    )
    return sorted({target.name for target in targets if target is not None})
