"""BUILD says what the imports say, and Bazel can read it."""

import re
import shutil
import subprocess

import pytest

from tests.project import build_file, sources

GOOD_BUILD = """
py_library(name = "random", srcs = ["ibc_agents/core/stateless_random.py"])
py_library(
    name = "policies",
    srcs = glob(["ibc_agents/policies/*.py"]),
    deps = [":random"],
)
py_library(name = "conftest", srcs = ["tests/conftest.py"])
py_test(
    name = "policies_test",
    srcs = ["run_module.py"] + glob(["tests/policies/*.py"]),
    main = "run_module.py",
    args = ["pytest", "tests/policies"],
    deps = [":conftest", ":policies"],
)
"""
GOOD_FILES = {
    "run_module.py": "import runpy",
    "ibc_agents/core/stateless_random.py": "import tensorflow as tf",
    "ibc_agents/policies/__init__.py": "from ibc_agents.policies.a import A",
    "ibc_agents/policies/a.py": "from ibc_agents import random\nclass A: ...",
    "tests/conftest.py": "",
    "tests/policies/test_a.py": "from ibc_agents import policies",
}


def write_project(root, build=GOOD_BUILD, **changes):
    for path, text in {**GOOD_FILES, "BUILD": build, **changes.pop("files", {})}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def test_build_file_agrees_with_the_imports():
    faults = build_file.build_faults(sources.ROOT)
    assert not faults, "BUILD differs from the imports:\n" + "\n".join(faults)


def test_a_build_file_that_agrees_has_no_faults(tmp_path):
    write_project(tmp_path)
    assert build_file.build_faults(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'deps = [":random"]',
            "deps = []",
            "target :policies imports ibc_agents.core.stateless_random but does not list :random; "
            "add it.",
        ),
        (
            'srcs = ["ibc_agents/core/stateless_random.py"]',
            'srcs = ["ibc_agents/core/stateless_random.py"], deps = [":policies"]',
            "target :random lists :policies, but imports nothing of it; remove it.",
        ),
        (
            'deps = [":random"]',
            'deps = [":random", ":samplers"]',
            "target :policies lists :samplers, which is no target; remove it.",
        ),
        (
            'deps = [":conftest", ',
            "deps = [",
            "target :policies_test imports tests.conftest (as every test) but does not list "
            ":conftest; add it.",
        ),
        (
            'srcs = ["tests/conftest.py"]',
            'srcs = ["tests/conftest.py", "tests/gone.py"]',
            "target :conftest lists tests/gone.py, which is no file; remove it.",
        ),
        (
            'srcs = ["tests/conftest.py"]',
            'srcs = ["tests/conftest.py", "ibc_agents/core/stateless_random.py"]',
            "ibc_agents/core/stateless_random.py is in :random and :conftest; leave it in one.",
        ),
        (
            'glob(["tests/policies/*.py"])',
            'glob(["tests/policies/*.py"], exclude = ["tests/policies/test_a.py"])',
            "tests/policies/test_a.py is in no target; add it to the srcs of one, or give it its "
            "own.",
        ),
        (
            'deps = [":random"]',
            'deps = [":random"], data = [":configs"]',
            "target :policies has the data :configs, which is no target.",
        ),
        ('name = "conftest"', 'name = "random"', "two targets are called :random (BUILD:2, 8)."),
    ],
)
def test_a_difference_is_named(tmp_path, old, new, fault):
    assert old in GOOD_BUILD
    write_project(tmp_path, GOOD_BUILD.replace(old, new))
    assert fault in build_file.build_faults(tmp_path)


def test_a_new_file_outside_every_glob_is_named(tmp_path):
    write_project(tmp_path, files={"data/episodes/windows.py": ""})
    [fault] = build_file.build_faults(tmp_path)
    assert fault.startswith("data/episodes/windows.py is in no target;")


def test_imports_in_gin_files_are_their_package_s(tmp_path):
    build = GOOD_BUILD + 'py_library(name = "gin", srcs = ["gin_configs/__init__.py"])'
    files = {
        "gin_configs/__init__.py": "",
        "gin_configs/a/b.gin": "import ibc_agents.core.stateless_random",
    }
    write_project(tmp_path, build, files=files)
    [fault] = build_file.build_faults(tmp_path)
    assert (
        fault
        == "target :gin imports ibc_agents.core.stateless_random but does not list :random; add it."
    )


def test_a_dependency_cycle_is_named(tmp_path):
    build = GOOD_BUILD.replace('random.py"]', 'random.py"], deps = [":policies"]')
    write_project(
        tmp_path, build, files={"ibc_agents/core/stateless_random.py": "import ibc_agents.policies"}
    )
    [fault] = build_file.build_faults(tmp_path)
    assert fault.startswith("dependency cycle :random → :policies → :random;")


def test_what_the_check_cannot_read_is_refused(tmp_path):
    write_project(tmp_path, GOOD_BUILD.replace('[":random"]', '[":" + n for n in NAMES]'))
    with pytest.raises(ValueError, match="BUILD:6: .* write it as one of these"):
        build_file.build_faults(tmp_path)


def test_bazel_reads_the_same_targets(tmp_path):
    """Bazel's own reading of BUILD; needs no network. From version 7 on Bazel wants other rules."""
    bazel = shutil.which("bazel")
    if bazel is None:
        pytest.skip("bazel is not on the PATH (Debian: apt-get install bazel-bootstrap)")
    version = subprocess.run([bazel, "--version"], capture_output=True, text=True).stdout
    major = re.search(r"bazel (\d+)\.", version)
    if major is not None and int(major[1]) >= 7:
        pytest.skip(f"BUILD is written for Bazel 4 to 6, and this is {version.strip()}")
    query = [bazel, "--batch", f"--output_user_root={tmp_path}", "query", "--noshow_progress"]
    result = subprocess.run(
        [*query, 'kind("py_.*", //...)'], cwd=sources.ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, f"bazel query //... failed:\n{result.stderr}"
    expected = {f"//:{target.name}" for target in build_file.read_targets(sources.ROOT)}
    assert set(result.stdout.split()) == expected
