"""The Python files of the project and what they import, read without running them."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import pathlib
import re
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ("ibc_agents", "environments", "data")
OWN_MODULE = re.compile(rf"({'|'.join(PACKAGES)})(\.\w+)*")
GIN_IMPORT = re.compile(r"^import\s+([\w.]+)")
FOLDERS = (*PACKAGES, "gin_configs", "tests", "benchmarks", "deploy", "docs")


@dataclasses.dataclass(frozen=True)
class Import:
    """One imported name, absolute and as written: `from a import b` is `a.b`."""

    name: str
    line: int
    type_checking: bool  # under `if TYPE_CHECKING:`, so absent at run time


@dataclasses.dataclass(frozen=True)
class Module:
    """One Python file."""

    name: str
    path: str  # relative to the root, with forward slashes
    tree: ast.Module
    imports: tuple[Import, ...]


def read_modules(root: pathlib.Path, folders: tuple[str, ...] = FOLDERS) -> dict[str, Module]:
    """Reads the Python files under `folders` and those beside them at the top, by module name."""
    paths = sorted(root.glob("*.py"))
    for folder in folders:
        paths += sorted((root / folder).rglob("*.py"))
    modules = (_read_module(path, root) for path in paths if "__pycache__" not in path.parts)
    return {module.name: module for module in modules}


def resolve(name: str, modules: dict[str, Module]) -> Module | None:
    """Returns the project's module that an imported name is or belongs to, else None."""
    while name:
        if name in modules:
            return modules[name]
        name = name.rpartition(".")[0]
    return None


def find_cycles(graph: dict[str, list[str]]) -> list[list[str]]:
    """Returns the cycles that a depth-first walk closes, each as the path from a node to itself."""
    cycles: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            cycles.append([*path[path.index(name) :], name])
        elif name not in done:
            for successor in graph.get(name, []):
                visit(successor, [*path, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return cycles


def within(name: str, package: str) -> bool:
    """Whether a dotted name is `package` or lies in it."""
    return name == package or name.startswith(package + ".")


def _read_module(path: pathlib.Path, root: pathlib.Path) -> Module:
    relative = path.relative_to(root)
    parts = relative.with_suffix("").parts
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    package = name if is_package else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(relative))
    imports = [*_imports(tree, package), *_gin_imports(path.parent if is_package else None)]
    return Module(name, relative.as_posix(), tree, tuple(imports))


def _gin_imports(folder: pathlib.Path | None) -> Iterator[Import]:
    """Yields the imports of the gin files of a package, which count as its own."""
    for path in sorted(folder.rglob("*.gin")) if folder else ():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if found := GIN_IMPORT.match(line):
                yield Import(found[1], number, type_checking=False)


def _imports(tree: ast.Module, package: str) -> Iterator[Import]:
    """The imports of a file, and those of modules that it names to importlib by strings."""
    if "importlib.import_module" in {ast.unparse(n) for n in ast.walk(tree) if _is_dotted(n)}:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and OWN_MODULE.fullmatch(str(node.value)):
                yield Import(str(node.value), node.lineno, type_checking=False)
    # The type-checking imports of a package with lazy names exist at run time.
    is_lazy = any(_is_dotted(n) and ast.unparse(n) == "lazy_names.attach" for n in ast.walk(tree))
    guarded = set() if is_lazy else set(_nodes_under_type_checking(tree))
    for node in ast.walk(tree):
        for name in _imported_names(node, package):
            yield Import(name, node.lineno, node in guarded)


def _is_dotted(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)


def _imported_names(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            base = importlib.util.resolve_name("." * node.level + base, package)
        return [base if alias.name == "*" else f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args:
        function = ast.unparse(node.func).rpartition(".")[2]
        argument = node.args[0]
        if function in ("import_module", "__import__") and isinstance(argument, ast.Constant):
            return [argument.value]
    return []


def _nodes_under_type_checking(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for statement in node.body:
                yield from ast.walk(statement)
