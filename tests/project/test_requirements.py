"""requirements.txt (the lock), pyproject.toml, the installed packages and the imports agree."""

import importlib.metadata
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project import sources

LOCK_LINE = re.compile(r"[A-Za-z0-9._-]+(\[[a-z0-9,]+\])?==[0-9][A-Za-z0-9.]*")


def lock() -> dict[str, Requirement]:
    lines = (sources.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def pinned(name: str) -> str:
    return next(iter(lock()[name].specifier)).version


def project() -> dict:
    text = (sources.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def declared() -> dict[str, list[Requirement]]:
    """pyproject.toml's requirements: `core`, and each extra."""
    table = project()["project"]
    groups = {"core": table["dependencies"], **table["optional-dependencies"]}
    return {group: [Requirement(line) for line in lines] for group, lines in groups.items()}


def test_every_line_of_the_lock_is_one_exact_version():
    lines = (sources.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    loose = [line for line in lines if not LOCK_LINE.fullmatch(line)]
    assert not loose, f"write these lines of requirements.txt as name==version: {loose}"
    assert len(lines) == len(lock()), "requirements.txt names a package twice"


def test_the_lock_satisfies_pyproject():
    faults = []
    for group, requirements in declared().items():
        for requirement in requirements:
            locked = lock().get(canonicalize_name(requirement.name))
            if locked is None:
                faults.append(f"{requirement} ({group}) is not in requirements.txt; pin it there")
                continue
            if not requirement.specifier.contains(pinned(canonicalize_name(requirement.name))):
                faults.append(f"{group} asks for {requirement}, requirements.txt pins {locked}")
            if not requirement.extras <= locked.extras:
                faults.append(f"{group} asks for {requirement}, requirements.txt has {locked}")
    assert not faults, "\n".join(faults)


def test_the_lock_is_what_is_installed():
    faults = []
    for name in lock():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"
        if version != pinned(name):
            faults.append(f"{name}: the lock says {pinned(name)}, here it is {version}")
    assert not faults, "run `make venv` and use .venv/bin/python:\n" + "\n".join(faults)


def test_the_lock_holds_all_that_its_packages_need():
    missing = []
    for name, locked in lock().items():
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            extras = locked.extras or {""}
            wanted = needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in {"", *extras}
            )
            if wanted and canonicalize_name(needed.name) not in lock():
                missing.append(f"{name} needs {needed}")
    assert not missing, "pin these in requirements.txt too:\n" + "\n".join(missing)


def test_typing_extensions_stays_where_keras_works():
    """A later version breaks training in Keras 2.15."""
    assert pinned("typing-extensions") == "4.5.0"
    assert "typing-extensions==4.5.0" in [str(r) for r in declared()["core"]]


@pytest.mark.parametrize("package", sources.PACKAGES)
def test_every_imported_library_is_declared(package):
    """The core declares what `ibc_agents` and `data` need; formats and tasks may use extras."""
    distributions = importlib.metadata.packages_distributions()
    core = {canonicalize_name(requirement.name) for requirement in declared()["core"]}
    extras = {canonicalize_name(r.name) for group in declared().values() for r in group}
    faults = []
    for module in sources.read_modules(sources.ROOT, (package,)).values():
        of_format = module.path.startswith(("data/export_", "data/formats/parsers/"))
        optional = package == "environments" or of_format
        for library, line in _third_party(module):
            names = {canonicalize_name(name) for name in distributions.get(library, [])}
            if not names & (extras if optional else core):
                faults.append(f"{module.path}:{line}: imports {library}")
    assert not faults, "declare these libraries in pyproject.toml:\n" + "\n".join(faults)


def _third_party(module: sources.Module) -> list[tuple[str, int]]:
    imported = [(item.name.split(".")[0], item.line) for item in module.imports]
    own = set(sources.FOLDERS) | set(sys.stdlib_module_names)
    return [(library, line) for library, line in imported if library not in own]
