"""Checks of the installed packages."""

import importlib.metadata

import pytest

from ibc_agents.cli import installation
from ibc_agents.core import errors


def test_this_installation_is_sound():
    installation.check_installation()


def test_incompatible_typing_extensions_are_named(monkeypatch):
    version = importlib.metadata.version

    def later(name):
        return "4.12.2" if name == "typing_extensions" else version(name)

    monkeypatch.setattr(importlib.metadata, "version", later)
    with pytest.raises(errors.RunError, match="is 4.12.2, .*pip install typing_extensions==4.5.0"):
        installation.check_installation()
