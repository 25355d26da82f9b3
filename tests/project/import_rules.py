"""Who may import whom (docs/architecture.md), as a table and the check of it.

Every fault is one line: where, what, and how to mend it.
"""

from __future__ import annotations

import ast
import dataclasses
import fnmatch
import pathlib
import re

from tests.project import sources

# The files that may define or parse flags and read gin files.
COMMANDS = (
    "ibc_agents/train.py",
    "ibc_agents/evaluate.py",
    "ibc_agents/collect.py",
    "ibc_agents/distributed/__main__.py",
    "ibc_agents/plot_energy.py",
    "ibc_agents/cli/command_line.py",
    "data/inspect.py",
    "data/import_*.py",
    "data/export_*.py",
    "data/download.py",
    "data/command_line.py",
)
FLAG_LIBRARIES = ("absl.flags", "absl.app", "argparse")
# Worker processes take over the configuration that a command has read.
GIN_HEIRS = ("ibc_agents/rollouts/workers.py",)
GIN_READERS = re.compile(r"parse_config\w*|bind_parameter|query_parameter")

# Libraries and the only files that may import them.
SIMULATORS_AND_ROBOTS = (
    *("pybullet", "pybullet_data", "pybullet_utils", "pymunk", "mujoco", "mujoco_py", "dm_control"),
    *("xarm", "pyrealsense2"),
)
LIBRARY_HOMES = {
    **{library: ("environments/*",) for library in SIMULATORS_AND_ROBOTS},
    "reverb": ("data/replay*.py", "ibc_agents/distributed/*"),
}

SIBLINGS = tuple(f"ibc_agents.{part}" for part in ("samplers", "proposals", "losses", "networks"))
METHOD = (
    *SIBLINGS,
    *("ibc_agents.agents", "ibc_agents.policies"),
    *(
        "ibc_agents.core.protocols",
        "ibc_agents.core.stateless_random",
        "ibc_agents.core.action_space",
        "ibc_agents.core.normalizer",
    ),
)


@dataclasses.dataclass(frozen=True)
class Rule:
    """Modules in `importers` may not import modules in `forbidden`."""

    importers: tuple[str, ...]
    forbidden: tuple[str, ...]
    mend: str


STAND_ALONE = (
    "environments and data stand alone; let ibc_agents/runs/experiment.py bring them together"
)
RULES = (
    Rule(("environments",), ("data", "ibc_agents"), STAND_ALONE),
    Rule(("data",), ("environments", "ibc_agents"), STAND_ALONE),
    *(
        Rule(
            (sibling,),
            (*(s for s in SIBLINGS if s != sibling), "ibc_agents.agents", "ibc_agents.policies"),
            "siblings meet in agents and policies; take it as an argument, by a protocol of "
            "ibc_agents/core/protocols.py",
        )
        for sibling in SIBLINGS
    ),
    Rule(("ibc_agents.policies",), ("ibc_agents.agents",), "agents make policies; pass it in"),
    Rule(
        METHOD,
        ("ibc_agents.runs.experiment", "ibc_agents.rollouts.evaluation"),
        "the experiment uses the method, not the other way round; pass what is needed in",
    ),
    # The normaliser is the one part that knows what statistics a dataset has.
    Rule(
        tuple(part for part in METHOD if part != "ibc_agents.core.normalizer"),
        ("data", "environments"),
        "the method knows no task and no file format; take a spec or an array as an argument",
    ),
)


def import_faults(root: pathlib.Path) -> list[str]:
    """Returns every breach of the rules in the packages under `root`."""
    modules = sources.read_modules(root, sources.PACKAGES)
    modules = {n: m for n, m in modules.items() if n.split(".")[0] in sources.PACKAGES}
    faults = _cycle_faults(modules)
    for module in modules.values():
        faults += _direction_faults(module)
        faults += _command_faults(module, modules)
        faults += _library_faults(module)
    return faults


def is_command(path: str) -> bool:
    """Whether a file may parse flags and read gin files."""
    return any(fnmatch.fnmatch(path, pattern) for pattern in COMMANDS)


def _direction_faults(module: sources.Module) -> list[str]:
    return [
        f"{module.path}:{imported.line}: imports {imported.name}; {rule.mend}."
        for rule in RULES
        if any(sources.within(module.name, importer) for importer in rule.importers)
        for imported in module.imports
        if any(sources.within(imported.name, forbidden) for forbidden in rule.forbidden)
    ]


def _command_faults(module: sources.Module, modules: dict[str, sources.Module]) -> list[str]:
    """Flags, gin readers and commands outside the commands."""
    if is_command(module.path):
        return []
    faults = []
    for imported in module.imports:
        where = f"{module.path}:{imported.line}"
        target = sources.resolve(imported.name, modules)
        if any(sources.within(imported.name, library) for library in FLAG_LIBRARIES):
            faults.append(f"{where}: imports {imported.name}; only commands parse flags.")
        if target is not None and is_command(target.path):
            faults.append(
                f"{where}: imports the command {target.name}; move what both need into a module "
                "that is no command."
            )
    for name, line in _gin_readers(module) if module.path not in GIN_HEIRS else ():
        faults.append(f"{module.path}:{line}: uses {name}; only commands read or set gin configs.")
    return faults


def _gin_readers(module: sources.Module) -> list[tuple[str, int]]:
    found = [
        (imported.name, imported.line)
        for imported in module.imports
        if sources.within(imported.name, "gin")
        and GIN_READERS.fullmatch(imported.name.rpartition(".")[2])
    ]
    names = _names_of_gin(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and GIN_READERS.fullmatch(node.attr):
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
        if not any(fnmatch.fnmatch(module.path, home) for home in homes):
            where = f"{module.path}:{imported.line}"
            faults.append(f"{where}: imports {library}, which only {' and '.join(homes)} may.")
    return faults


def _cycle_faults(modules: dict[str, sources.Module]) -> list[str]:
    """Import cycles between modules, each once; imports for type checkers alone do not count."""
    graph = {name: _runtime_imports(module, modules) for name, module in modules.items()}
    return [
        f"import cycle {' → '.join(cycle)}; move what both need into a module of its own."
        for cycle in sources.find_cycles(graph)
    ]


def _runtime_imports(module: sources.Module, modules: dict[str, sources.Module]) -> list[str]:
    targets = (
        sources.resolve(imported.name, modules)
        for imported in module.imports
        if not imported.type_checking
    )
    return sorted({target.name for target in targets if target is not None})
