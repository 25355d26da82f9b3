"""The public names of ibc_agents and data: they exist, are documented, and are imported lazily."""

import importlib
import inspect
import subprocess
import sys
import types

import pytest

import data
import ibc_agents
from ibc_agents.core import lazy_names

PACKAGES = (ibc_agents, data)
NAMES = [(package, name) for package in PACKAGES for name in package.__all__]
METHOD = ("agents", "losses", "networks", "policies", "proposals", "samplers")


@pytest.mark.parametrize("package", PACKAGES)
def test_names_are_sorted_and_unique(package):
    assert package.__all__ == sorted(set(package.__all__))
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize(
    ("package", "name"), NAMES, ids=lambda value: getattr(value, "__name__", value)
)
def test_name_exists_and_has_a_docstring(package, name):
    value = getattr(package, name)
    assert vars(package)[name] is value
    if inspect.isclass(value) or isinstance(value, types.FunctionType):
        assert value.__module__.split(".")[0] == package.__name__
        own = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
        assert own and own.strip(), f"{value.__module__}.{name} has no docstring"


@pytest.mark.parametrize("name", METHOD)
def test_a_package_of_the_method_exports_documented_names(name):
    package = importlib.import_module(f"ibc_agents.{name}")
    undocumented = [each for each in package.__all__ if not inspect.getdoc(getattr(package, each))]
    assert not undocumented, f"ibc_agents.{name}: {undocumented} have no docstring"


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'ibc_agents' has no attribute 'Lossy'"):
        ibc_agents.Lossy  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Lossy'"):
        from ibc_agents import Lossy  # noqa: F401


def test_importing_the_packages_imports_no_tensorflow():
    code = (
        "import sys, ibc_agents, data, environments\n"
        "from ibc_agents.core import errors, files, lazy_names, version\n"
        "print(*sorted({'tensorflow', 'tf_agents', 'gin'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == ""


def test_lazy_names_are_imported_at_their_first_use(tmp_path, monkeypatch):
    package = tmp_path / "some_names"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "from ibc_agents.core import lazy_names\n"
        "if TYPE_CHECKING:\n"
        "    from some_names.module import first, second\n"
        "__getattr__, __dir__, __all__ = lazy_names.attach(__name__, __file__)\n"
    )
    (package / "module.py").write_text("first, second = object(), object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    some_names = importlib.import_module("some_names")
    assert some_names.__all__ == ["first", "second"]
    assert {"first", "second", "__all__"} <= set(dir(some_names))
    assert "some_names.module" not in sys.modules
    second = some_names.second
    assert second is sys.modules["some_names.module"].second
    assert vars(some_names)["second"] is second
    assert "first" not in vars(some_names)


def test_lazy_names_need_imports_for_type_checkers(tmp_path):
    path = tmp_path / "__init__.py"
    path.write_text("from os import path\n")
    get_name, _, names = lazy_names.attach("os", str(path))
    assert names == []
    with pytest.raises(AttributeError, match="module 'os' has no attribute 'path'"):
        get_name("path")
