"""BUILD equals the output of write_build, and Bazel reads the same targets from it."""

import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

from tests.project import sources, write_build

FILES = {
    "run_module.py": "import runpy",
    "ibc_agents/__init__.py": "",
    "ibc_agents/core/__init__.py": "",
    "ibc_agents/core/errors.py": "",
    "ibc_agents/core/normalizer.py": "import data.statistics",
    "ibc_agents/cli/flags.py": "from ibc_agents.core import errors",
    "ibc_agents/train.py": "from ibc_agents.cli import flags\nif __name__ == '__main__':\n  ...",
    "ibc_agents/networks/energy/mlp.py": "from ibc_agents.core import normalizer",
    "data/statistics.py": "import ibc_agents.core.errors",
    "gin_configs/__init__.py": "",
    "gin_configs/tasks/a.gin": "import environments.particle",
    "environments/particle/__init__.py": "",
    "tests/conftest.py": "",
    "tests/ibc_agents/helpers.py": "",
    "tests/ibc_agents/networks/energy/test_mlp.py": "from tests.ibc_agents import helpers\n"
    "from ibc_agents.networks.energy import mlp",
}


def write_project(root, **changes):
    for path, text in {**FILES, **changes}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def targets_of(root):
    return {target.name: target for target in write_build.read_targets(root)}


def test_build_file_is_what_is_written():
    text = (sources.ROOT / "BUILD").read_text(encoding="utf-8")
    assert text == write_build.build_text(sources.ROOT), (
        "BUILD differs from the folders and imports; run: python -m tests.project.write_build"
    )


def test_every_python_file_is_in_one_target():
    paths = [path for target in write_build.read_targets(sources.ROOT) for path in target.paths]
    modules = sources.read_modules(sources.ROOT).values()
    assert sorted(paths) == sorted(m.path for m in modules if "/" in m.path)


def test_targets_follow_folders_and_imports(tmp_path):
    write_project(tmp_path)
    targets = targets_of(tmp_path)
    deps = {name: sorted(target.deps) for name, target in targets.items()}
    assert deps == {
        "cli": ["foundation", "gin_configs"],
        "conftest": [],
        "core": ["data"],
        "data": ["foundation"],
        "foundation": [],
        "gin_configs": ["particle"],
        "ibc_agents": [],
        "ibc_agents_test": [],
        "networks": ["core"],
        "networks_test": ["conftest", "ibc_agents_test", "networks"],
        "particle": [],
        "train": ["cli"],
    }
    assert targets["networks"].paths == ["ibc_agents/networks/energy/mlp.py"]
    assert targets["ibc_agents"].excluded == ["ibc_agents/train.py"]


def test_imports_for_type_checkers_are_left_out(tmp_path):
    guarded = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  from ibc_agents import networks"
    )
    write_project(tmp_path, **{"environments/particle/a.py": guarded})
    assert targets_of(tmp_path)["particle"].deps == set()


def test_a_dependency_cycle_is_named(tmp_path):
    write_project(tmp_path, **{"ibc_agents/core/errors.py": "import data.statistics"})
    with pytest.raises(ValueError, match="dependency cycle foundation → data → foundation"):
        write_build.read_targets(tmp_path)


def test_two_targets_of_one_name_are_named(tmp_path):
    write_project(tmp_path, **{"environments/core/__init__.py": ""})
    with pytest.raises(ValueError, match="would both be :core; rename one"):
        write_build.read_targets(tmp_path)


def test_bazel_reads_the_same_targets(tmp_path):
    """Bazel reads BUILD without a network. Bazel 7 has different rules."""
    bazel = shutil.which("bazel")
    if bazel is None:
        pytest.skip("bazel is not on the PATH (Debian: apt-get install bazel-bootstrap)")
    version = subprocess.run([bazel, "--version"], capture_output=True, text=True).stdout
    major = re.search(r"bazel (\d+)\.", version)
    if major is not None and int(major[1]) >= 7:
        pytest.skip(f"BUILD is written for Bazel 4 to 6, and this is {version.strip()}")
    query = [bazel, "--batch", f"--output_user_root={tmp_path}", "query", "--output=xml"]
    result = subprocess.run(
        [*query, 'kind("py_.*", //...)'], cwd=sources.ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, f"bazel query //... failed:\n{result.stderr}"
    rules = xml.etree.ElementTree.fromstring(result.stdout).findall("rule")
    read = {rule.get("name"): (_labels(rule, "srcs"), _labels(rule, "deps")) for rule in rules}
    expected = {
        f"//:{target.name}": (
            {f"//:{path}" for path in target.paths},
            {f"//:{name}" for name in target.deps},
        )
        for target in write_build.read_targets(sources.ROOT)
    }
    assert read == expected


def _labels(rule: xml.etree.ElementTree.Element, attribute: str) -> set[str]:
    labels = {label.get("value") for label in rule.findall(f"list[@name='{attribute}']/label")}
    return labels - {"//:run_module.py"}
