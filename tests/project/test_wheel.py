"""The built wheel, installed apart from the checkout, is whole and works from any folder."""

import os
import pathlib
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest

from tests.project import import_rules, sources

SHIPPED = (*sources.PACKAGES, "gin_configs")
COMMANDS = sorted(
    ".".join(path.relative_to(sources.ROOT).with_suffix("").parts)
    for pattern in import_rules.COMMANDS
    for path in sources.ROOT.glob(pattern)
)


def run(*command: str, cwd: pathlib.Path, **environment: str) -> subprocess.CompletedProcess:
    """Runs a command without the checkout on Python's search path."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=cwd, env={**env, **environment}, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> pathlib.Path:
    """The wheel, built from a copy so that the checkout stays as it is."""
    root = tmp_path_factory.mktemp("source")
    for name in SHIPPED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(sources.ROOT / name, root / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(sources.ROOT / name, root)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    result = run(*build, cwd=root)
    assert result.returncode == 0, f"building the wheel failed:\n{result.stdout}{result.stderr}"
    [path] = (root / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> pathlib.Path:
    """A folder with the wheel installed in it."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
    options = ["--no-deps", "--no-index", "--no-compile", "--target", str(folder)]
    result = run(*pip, *options, str(wheel), cwd=folder)
    assert result.returncode == 0, f"installing the wheel failed:\n{result.stdout}{result.stderr}"
    return folder


def python(site: pathlib.Path, folder: pathlib.Path, *arguments: str):
    return run(sys.executable, *arguments, cwd=folder, PYTHONPATH=str(site))


def test_wheel_holds_every_file_of_the_packages(wheel):
    expected = {
        path.relative_to(sources.ROOT).as_posix()
        for name in SHIPPED
        for path in (sources.ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    missing, surplus = sorted(expected - found), sorted(found - expected)
    assert not missing, (
        f"not in the wheel: {missing}; give a folder of modules an __init__.py, and name other "
        "files in pyproject.toml's [tool.setuptools.package-data]"
    )
    assert not surplus, f"in the wheel but not in the packages: {surplus}"


def test_wheel_has_the_licence_and_the_version(site):
    pyproject = tomllib.loads((sources.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = pyproject["project"]["version"]
    [info] = site.glob("*.dist-info")
    assert info.name == f"ibc_agents-{version}.dist-info"
    assert (info / "LICENSE").read_bytes() == (sources.ROOT / "LICENSE").read_bytes()


def test_packages_come_from_the_wheel_and_find_their_configs(site, tmp_path):
    code = (
        "import importlib.resources, data, environments, ibc_agents\n"
        "print(data.__file__, environments.__file__, ibc_agents.__file__, sep='\\n')\n"
        "print(importlib.resources.files('gin_configs'))\n"
        "print(ibc_agents.__version__)\n"
    )
    result = python(site, tmp_path, "-c", code)
    assert result.returncode == 0, result.stderr
    *places, version = result.stdout.splitlines()
    assert [pathlib.Path(place).relative_to(site).parts[0] for place in places] == [
        *("data", "environments", "ibc_agents"),
        "gin_configs",
    ]
    [info] = site.glob("*.dist-info")
    assert info.name == f"ibc_agents-{version}.dist-info"


def test_gin_files_are_read_from_any_folder(site, tmp_path):
    """Every config with its includes and imports; values that only a user can give may be open."""
    paths = [
        path.relative_to(sources.ROOT).as_posix()
        for path in sorted((sources.ROOT / "gin_configs").rglob("*.gin"))
    ]
    code = (
        "import sys, gin\n"
        "from ibc_agents.cli import configurables\n"
        "configurables.register()\n"
        "for path in sys.argv[1:]:\n"
        "  gin.parse_config_file(path)\n"
        "  assert gin.config_str().strip(), path\n"
        "  gin.clear_config()\n"
    )
    assert paths, "there is no gin file in gin_configs"
    result = python(site, tmp_path, "-c", code, *paths)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_command_explains_itself(site, tmp_path, command):
    """`--help` prints the flags; absl's ends with status 1, argparse's with 0."""
    result = python(site, tmp_path, "-m", command, "--help")
    printed = result.stdout + result.stderr
    assert result.returncode in (0, 1), printed
    assert "Traceback" not in printed, printed
    assert "flags:" in result.stdout or "usage:" in result.stdout, printed
    assert str(sources.ROOT) not in printed, f"the checkout is on the search path:\n{printed}"
