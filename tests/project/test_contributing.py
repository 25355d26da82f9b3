"""The lists of CONTRIBUTING.md are complete: each addition works in a copy of the project.

`additions/THING` holds the files that CONTRIBUTING.md lists for a thing, and no other file changes.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from tests.project import import_rules, sources, write_build

ADDITIONS = pathlib.Path(__file__).parent / "additions"
THINGS = sorted(path.name for path in ADDITIONS.iterdir() if path.is_dir())
COPIED = (*sources.PACKAGES, "gin_configs", "tests", "pyproject.toml", "run_module.py")
TEXT = (sources.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def files_of(thing):
    paths = (ADDITIONS / thing).rglob("*")
    return sorted(
        path.relative_to(ADDITIONS / thing).as_posix()
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project with all additions."""
    root = tmp_path_factory.mktemp("project")
    ignored = shutil.ignore_patterns("__pycache__", "additions")
    for name in COPIED:
        path = sources.ROOT / name
        if path.is_dir():
            shutil.copytree(path, root / name, ignore=ignored)
        else:
            shutil.copy(path, root / name)
    for thing in THINGS:
        for path in files_of(thing):
            assert not (root / path).exists(), f"{path} exists; choose another name"
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ADDITIONS / thing / path, root / path)
    return root


def run(copy, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("thing", THINGS)
def test_the_list_names_the_files(thing):
    section = re.search(rf"^### Add an? {thing}\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert section is not None, f"CONTRIBUTING.md has no section 'Add a {thing}'"
    listed = re.findall(r"^\d\. `([^`]+)`", section[1], re.MULTILINE)
    files = files_of(thing)
    unlisted = [path for path in files if not any(path.startswith(entry) for entry in listed)]
    assert not unlisted, f"CONTRIBUTING.md does not list {unlisted}"
    missing = [entry for entry in listed if not any(path.startswith(entry) for path in files)]
    assert not missing, f"CONTRIBUTING.md lists {missing}, which {thing} works without"


def test_additions_break_no_rule(copy):
    assert import_rules.import_faults(copy) == []
    assert import_rules.name_faults(copy) == []
    assert import_rules.size_faults(copy) == []
    assert "rail" in {target.name for target in write_build.read_targets(copy)}


def test_unit_tests_of_additions_pass(copy):
    paths = [path for thing in THINGS for path in files_of(thing) if "/test_" in path]
    assert len(paths) == 3
    result = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *paths)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_conformance_finds_the_environment_and_the_method(copy):
    result = run(
        copy, "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/conformance"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    tests = result.stdout.splitlines()
    methods = {path.stem for path in (copy / "gin_configs/methods").glob("*.gin")}
    cells = [line for line in tests if "[tasks/rail+methods/" in line]
    assert {re.findall(r"methods/(\w+)", line)[0] for line in cells} == methods
    tasks = [path for path in (copy / "gin_configs/tasks").rglob("*.gin")]
    assert sum("+methods/mae]" in line for line in tests) >= len(tasks)
    assert any("test_environments.py" in line and "[rail" in line for line in tests)
    assert any("test_demonstrators.py" in line and "rail" in line for line in tests)


@pytest.mark.slow
def test_conformance_of_the_environment_and_the_method(copy):
    chosen = "rail or (mae and (particle or pushing_pixels))"
    result = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, "tests/conformance")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_a_run_uses_the_environment_loss_and_sampler(copy, tmp_path):
    bindings = (
        "TrainingSettings.batch_size = 4",
        "EvaluationSettings.num_episodes = 2",
        "num_steps = 2",
        "ImplicitBCAgent.loss = @MarginLoss()",
        "PolicySearch.sampler = @RandomSearch()",
        "RandomSearch.stddev = 0.3",
    )
    result = run(
        copy,
        "ibc_agents.train",
        "--gin_file=gin_configs/tasks/rail.gin",
        "--gin_file=gin_configs/methods/ibc_langevin.gin",
        *(f"--gin_bindings={binding}" for binding in bindings),
        f"--root_dir={tmp_path / 'run'}",
        f"--data_dir={tmp_path / 'data'}",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    results = json.loads((tmp_path / "run/results.json").read_text())
    assert results["success"]["episodes"] == 2
    config = (tmp_path / "run/operative_config.gin").read_text()
    assert "RandomSearch.stddev = 0.3" in config
    assert "MarginLoss.margin" in config


def test_the_command_of_the_format_explains_itself(copy):
    result = run(copy, "data.import_csv", "--help")
    assert result.returncode == 0, result.stderr
    assert "CSV file, one line per frame." in result.stdout
