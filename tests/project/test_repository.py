"""Tracked files are small and independent of a machine, and .gitignore hides no package."""

import os
import pathlib
import re
import subprocess
import tomllib

import pytest

from tests.project import sources

MAX_BYTES = 2_000_000
# Folders and package registries of one machine.
MACHINE_PATH = re.compile(r"(?<![\w.:/~-])/(?:root|home|Users|work|opt/(?:pypi|wheels))/[\w.-]+")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|--(?:(?:extra-)?index-url|find-links)")


def git(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess:
    command = ["git", "-c", "core.quotePath=false", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=sources.ROOT, input=stdin, capture_output=True, text=True)


@pytest.fixture(scope="module")
def tracked() -> list[pathlib.Path]:
    """The files that git tracks."""
    result = git("ls-files")
    if result.returncode != 0:
        pytest.skip(f"this is not a git checkout: {result.stderr.strip()}")
    paths = [sources.ROOT / line for line in result.stdout.splitlines()]
    return [path for path in paths if path.is_file()]


def test_tracked_files_are_small(tracked):
    large = [f"{path} ({path.stat().st_size:,} bytes)" for path in tracked if _large(path)]
    assert not large, f"files over {MAX_BYTES:,} bytes do not belong in git: {large}"


def _large(path: pathlib.Path) -> bool:
    return path.stat().st_size > MAX_BYTES


def machine_traces(text: str) -> list[str]:
    return [match[0] for pattern in (MACHINE_PATH, REGISTRY) for match in pattern.finditer(text)]


def test_tracked_files_name_no_machine(tracked):
    faults = []
    for path in tracked:
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for number, line in enumerate(text.splitlines(), 1):
            for trace in machine_traces(line):
                faults.append(f"{path.relative_to(sources.ROOT)}:{number}: {trace}")
    assert not faults, "these paths exist only on one machine; use relative paths:\n" + "\n".join(
        faults
    )


def test_machine_traces_are_seen():
    # Concatenated here, so that the test above does not find them in this file.
    folder, option = "/" + "home/ada", "--" + "index-url"
    assert machine_traces(f"cd {folder}/runs") == [folder]
    assert machine_traces(f"pip install {option} x") == [option]
    assert machine_traces("https://example.org/home/page, ~/work/x, runs/root/x") == []


def test_gitignore_hides_no_source(tracked):
    kinds = ("new_module.py", "assets/model.urdf", "run.gin")
    folders = (*sources.PACKAGES, "gin_configs", "tests/data", "docs", "benchmarks")
    paths = [f"{folder}/{kind}" for folder in folders for kind in kinds]
    hidden = git("check-ignore", "--no-index", "--stdin", stdin="\n".join(paths)).stdout.split()
    assert not hidden, f".gitignore hides {hidden}; begin its folder names with a slash"


def test_gitignore_hides_what_runs_leave_behind(tracked):
    paths = ["runs/a/b", "datasets/a", ".venv/bin/python", "dist/a.whl", "build/a", "bazel-bin/a"]
    hidden = git("check-ignore", "--no-index", "--stdin", stdin="\n".join(paths)).stdout.split()
    assert hidden == paths


def test_ci_script_can_be_executed():
    assert os.access(sources.ROOT / ".ci" / "run", os.X_OK), "run: chmod +x .ci/run"


def test_one_version_everywhere():
    def first(path: str, pattern: str) -> str:
        text = (sources.ROOT / path).read_text(encoding="utf-8")
        found = re.search(pattern, text, re.MULTILINE)
        assert found, f"{path} states no version"
        return found[1]

    pyproject = tomllib.loads((sources.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {
        "pyproject.toml": pyproject["project"]["version"],
        "ibc_agents/core/version.py": first("ibc_agents/core/version.py", r'^__version__ = "(.+)"'),
        "CITATION.cff": first("CITATION.cff", r"^version: (\S+)"),
        "CHANGELOG.md": first("CHANGELOG.md", r"^## \[(\d[^\]]*)\]"),
    } == dict.fromkeys(
        ("pyproject.toml", "ibc_agents/core/version.py", "CITATION.cff", "CHANGELOG.md"),
        pyproject["project"]["version"],
    )
