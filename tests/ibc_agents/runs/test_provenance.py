"""Results record versions and commit."""

import importlib.metadata
import json
import os
import shutil
import subprocess

import pytest

import ibc_agents
from ibc_agents.runs import provenance


def git(folder, *arguments):
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository that contains our file, as a substitute for this checkout."""
    file = tmp_path / "provenance.py"
    shutil.copy(provenance.__file__, file)
    monkeypatch.setattr(provenance, "__file__", str(file))
    git(tmp_path, "init", "--quiet")
    return tmp_path


def test_versions_are_those_installed():
    described = json.loads(json.dumps(provenance.describe()))
    for package in ("tensorflow", "tf-agents", "dm-reverb", "numpy"):
        assert described["versions"][package] == importlib.metadata.version(package)
    assert described["versions"]["ibc-agents"] == ibc_agents.__version__
    assert described["machine"]["cores"] == len(os.sched_getaffinity(0))
    assert described["machine"]["processor"]


def test_revision_is_the_commit_and_says_if_files_differ(repository):
    git(repository, "add", "provenance.py")
    git(repository, "commit", "--quiet", "-m", "one")
    git(repository, "tag", "v1")
    commit = git(repository, "rev-parse", "HEAD")
    assert provenance.git_revision() == commit
    (repository / "provenance.py").write_text("changed")
    assert provenance.git_revision() == f"{commit}-dirty"


def test_the_revision_of_an_unrelated_repository_is_ignored(repository):
    """The package may be installed into a virtual environment inside another project."""
    (repository / "other.py").write_text("")
    git(repository, "add", "other.py")
    git(repository, "commit", "--quiet", "-m", "one")
    assert provenance.git_revision() is None


def test_no_revision_without_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository))
    assert provenance.git_revision() is None
    assert provenance.describe()["git_revision"] is None
