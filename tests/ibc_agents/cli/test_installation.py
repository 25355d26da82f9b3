"""Checks of the installed packages."""

import importlib.metadata
import importlib.util
import types

import pytest

from ibc_agents.cli import installation
from ibc_agents.core import errors


def test_this_installation_is_sound():
    installation.check_installation()


def test_a_package_of_another_project_in_front_of_ours_is_named(monkeypatch):
    find_spec = importlib.util.find_spec

    def find(name):
        foreign = types.SimpleNamespace(origin="/elsewhere/data/__init__.py")
        return foreign if name == "data" else find_spec(name)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    message = r"'data' of another project \(/elsewhere/data/__init__.py\) stands in front of ours"
    with pytest.raises(errors.RunError, match=message):
        installation.check_installation()


def test_typing_extensions_that_break_keras_are_named(monkeypatch):
    version = importlib.metadata.version

    def later(name):
        return "4.12.2" if name == "typing_extensions" else version(name)

    monkeypatch.setattr(importlib.metadata, "version", later)
    with pytest.raises(errors.RunError, match="is 4.12.2, .*pip install typing_extensions==4.5.0"):
        installation.check_installation()
