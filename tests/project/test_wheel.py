"""The wheel contains every file, and it coexists with other packages of the same names."""

import os
import pathlib
import shutil
import site
import subprocess
import sys
import tomllib
import venv
import zipfile

import pytest

from tests.project import import_rules, sources

TOP_LEVEL = ("ibc_agents",)
# The packages with names that other projects use, which the wheel installs in OWN_FOLDER.
CONTESTED = ("data", "environments", "gin_configs")
OWN_FOLDER = "ibc_agents_packages"
PATH_FILE = "zz_ibc_agents_packages.pth"
COMMANDS = sorted(
    ".".join(path.relative_to(sources.ROOT).with_suffix("").parts)
    for pattern in import_rules.COMMANDS
    for path in sources.ROOT.glob(pattern)
)
# Another distribution with packages of the same names.
OTHER = {
    "data/__init__.py": "OWNER = 'other'\n",
    "data/inspect.py": "print('other')\n",
    "environments/__init__.py": "OWNER = 'other'\n",
    "other-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n",
    "other-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "other-1.0.dist-info/RECORD": "",
}


class Installation:
    """A virtual environment that also finds the libraries of this one."""

    def __init__(self, folder: pathlib.Path, *wheels: pathlib.Path):
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        [self.site] = folder.glob("lib/python*/site-packages")
        (self.site / "libraries.pth").write_text("\n".join(site.getsitepackages()))
        for wheel in wheels:
            self.install(wheel)

    def install(self, wheel: pathlib.Path) -> None:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", self.python]
        options = ["--no-deps", "--no-index", "--no-compile", "--force-reinstall"]
        result = run(*pip, "install", *options, wheel, cwd=self.site)
        assert result.returncode == 0, f"installing failed:\n{result.stdout}{result.stderr}"

    def run(self, folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess:
        return run(self.python, *arguments, cwd=folder)

    def output(self, folder: pathlib.Path, *arguments: str) -> str:
        result = self.run(folder, *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()


def run(*command: object, cwd: pathlib.Path) -> subprocess.CompletedProcess:
    """Runs a command without the checkout on Python's search path."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(map(str, command), cwd=cwd, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> pathlib.Path:
    """The wheel, built from a copy so that the checkout does not change."""
    root = tmp_path_factory.mktemp("source")
    for name in (*TOP_LEVEL, *CONTESTED, "deploy"):
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
def other_wheel(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("other") / "other-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in OTHER.items():
            archive.writestr(name, text)
    return path


@pytest.fixture(scope="module")
def alone(wheel, tmp_path_factory) -> Installation:
    """An installation without a package of the same name."""
    return Installation(tmp_path_factory.mktemp("alone"), wheel)


@pytest.fixture(scope="module", params=["ours first", "other first"])
def shared(request, wheel, other_wheel, tmp_path_factory) -> Installation:
    """An installation with another distribution, in both orders."""
    wheels = [wheel, other_wheel] if request.param == "ours first" else [other_wheel, wheel]
    return Installation(tmp_path_factory.mktemp("shared"), *wheels)


@pytest.fixture
def project(tmp_path) -> pathlib.Path:
    """A folder of the user with a package `data`."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "__init__.py").write_text("OWNER = 'user'\n")
    return tmp_path


def files_in(folder: pathlib.Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_contains_every_file_of_the_packages(wheel):
    expected = {f"{name}/{path}" for name in TOP_LEVEL for path in files_in(sources.ROOT / name)}
    for name in CONTESTED:
        expected |= {f"{OWN_FOLDER}/{name}/{path}" for path in files_in(sources.ROOT / name)}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    missing, surplus = sorted(expected - found), sorted(found - expected)
    assert not missing, f"pyproject.toml leaves these files out of the wheel: {missing}"
    assert surplus == [PATH_FILE], f"in the wheel but not in the packages: {surplus}"
    assert {f"{OWN_FOLDER}/data/py.typed", "ibc_agents/py.typed"} <= found


def test_wheel_has_the_license_and_the_version(alone):
    pyproject = tomllib.loads((sources.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = pyproject["project"]["version"]
    [info] = alone.site.glob("ibc_agents-*.dist-info")
    assert info.name == f"ibc_agents-{version}.dist-info"
    license_text = (info / "licenses" / "LICENSE").read_bytes()
    assert license_text == (sources.ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("order", ["ibc_agents, data", "data, ibc_agents", "environments, data"])
def test_packages_come_from_the_wheel(alone, tmp_path, order):
    code = f"import {order}, environments, gin_configs, ibc_agents\n"
    code += "for package in (ibc_agents, data, environments, gin_configs): print(package.__file__)"
    own = alone.site / OWN_FOLDER
    expected = [alone.site / "ibc_agents", own / "data", own / "environments", own / "gin_configs"]
    files = alone.output(tmp_path, "-c", code).splitlines()
    assert files == [str(folder / "__init__.py") for folder in expected]


def test_gin_files_are_read_from_any_folder(alone, project):
    """Reads every gin file with its includes and imports."""
    paths = [
        path.relative_to(sources.ROOT).as_posix()
        for path in sorted((sources.ROOT / "gin_configs").rglob("*.gin"))
    ]
    code = (
        "import sys, gin\n"
        "from ibc_agents.cli.gin_config import configurables\n"
        "configurables.register()\n"
        "for path in sys.argv[1:]:\n"
        "  gin.parse_config_file(path)\n"
        "  assert gin.config_str().strip(), path\n"
        "  gin.clear_config()\n"
    )
    assert paths, "gin_configs contains no gin file"
    alone.output(project, "-c", code, *paths)


def assert_explains_itself(result: subprocess.CompletedProcess) -> None:
    """`--help` prints the flags and exits with 0."""
    printed = result.stdout + result.stderr
    assert result.returncode == 0, printed
    assert "Traceback" not in printed, printed
    assert "flags:" in result.stdout or "usage:" in result.stdout, printed
    assert str(sources.ROOT) not in printed, f"the checkout is on the search path:\n{printed}"


@pytest.mark.parametrize("command", COMMANDS)
def test_command_explains_itself(alone, tmp_path, command):
    assert_explains_itself(alone.run(tmp_path, "-m", command, "--help"))


def test_the_wheel_shares_no_file_with_the_other_distribution(shared):
    for name, text in OTHER.items():
        if not name.endswith("RECORD"):
            assert (shared.site / name).read_text() == text
    assert files_in(shared.site / "data") == {"__init__.py", "inspect.py"}


def test_the_other_distribution_works_without_ibc_agents(shared, tmp_path):
    code = "import data, environments; print(data.OWNER, environments.OWNER)"
    assert shared.output(tmp_path, "-c", code) == "other other"
    assert shared.output(tmp_path, "-m", "data.inspect") == "other"


def test_contract_installed_packages_work_beside_another_distribution(shared, tmp_path):
    assert_explains_itself(shared.run(tmp_path, "-m", "ibc_agents.train", "--help"))
    code = "import ibc_agents, data, environments; print(data.__file__)"
    own = shared.site / OWN_FOLDER
    assert shared.output(tmp_path, "-c", code) == str(own / "data" / "__init__.py")


def test_an_imported_package_of_the_other_distribution_is_reported(shared, tmp_path):
    result = shared.run(tmp_path, "-c", "import data, ibc_agents")
    assert result.returncode == 1
    message = result.stderr.splitlines()[-1]
    assert f"{shared.site / 'data' / '__init__.py'} has this name" in message
    assert "import ibc_agents first. Otherwise: install ibc_agents in a virtual env" in message


def test_ibc_agents_works_in_a_folder_with_a_package_of_the_same_name(alone, project):
    assert_explains_itself(alone.run(project, "-m", "ibc_agents.train", "--help"))
    assert alone.output(project, "-c", "import data; print(data.OWNER)") == "user"


def test_a_folder_without_modules_is_no_conflict(alone, tmp_path):
    (tmp_path / "data").mkdir()
    assert_explains_itself(alone.run(tmp_path, "-m", "data.inspect", "--help"))


def test_an_imported_package_of_the_user_is_reported(alone, project):
    result = alone.run(project, "-c", "import data, ibc_agents")
    assert result.returncode == 1
    message = result.stderr.splitlines()[-1]
    assert f"{project / 'data' / '__init__.py'} has this name" in message
    assert "Otherwise: rename it, or run Python in another folder." in message


def test_a_package_elsewhere_on_the_search_path_is_reported(alone, project, tmp_path_factory):
    code = f"import sys; sys.path.insert(0, {str(project)!r}); import data, ibc_agents"
    result = alone.run(tmp_path_factory.mktemp("elsewhere"), "-c", code)
    assert result.returncode == 1
    assert "Otherwise: rename it, or remove its folder from PYTHONPATH." in result.stderr


def test_a_package_of_an_import_hook_is_reported(alone, project, tmp_path_factory):
    """Some editable installations precede the whole search path."""
    script = tmp_path_factory.mktemp("hook") / "run.py"
    script.write_text(
        "import importlib.util, sys\n"
        "class Finder:\n"
        "  @staticmethod\n"
        "  def find_spec(name, path=None, target=None):\n"
        "    if name == 'data':\n"
        f"      file = {str(project / 'data' / '__init__.py')!r}\n"
        "      return importlib.util.spec_from_file_location(name, file)\n"
        "sys.meta_path.insert(0, Finder)\n"
        "import ibc_agents\n"
    )
    result = alone.run(script.parent, script.name)
    assert result.returncode == 1
    message = result.stderr.splitlines()[-1]
    assert "data/__init__.py has this name. Rename it, or remove its folder" in message
