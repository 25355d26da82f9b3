"""The packages satisfy the import rules of docs/architecture.md, and the check detects faults."""

import pathlib

import pytest

from tests.project import import_rules, sources


def write_tree(root: pathlib.Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def test_imports_keep_to_the_architecture():
    faults = import_rules.import_faults(sources.ROOT)
    assert not faults, "see docs/architecture.md, import rules:\n" + "\n".join(faults)


def test_no_module_has_the_name_of_a_standard_library_module():
    faults = import_rules.name_faults(sources.ROOT)
    assert not faults, "\n".join(faults)


def test_packages_are_small():
    faults = import_rules.size_faults(sources.ROOT)
    assert not faults, "\n".join(faults)


def test_every_package_has_a_layer():
    packages = sorted(path.parent.name for path in sources.ROOT.glob("ibc_agents/*/__init__.py"))
    assert packages == sorted(name for row in import_rules.LAYERS for name in row if name)


def test_every_package_of_data_has_a_layer():
    packages = {path.parent.name for path in sources.ROOT.glob("data/*/__init__.py")}
    assert packages <= {name for row in import_rules.DATA_LAYERS for name in row}


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("data/shards/a.py", "import data.reading.b", "data.reading does not stand below data.sh"),
        ("data/reading/a.py", "from data.writing import b", "does not stand below data.reading"),
        ("data/episodes/a.py", "import data", "data.* does not stand below data.episodes"),
        (
            "environments/a.py",
            "import data.episodes.windows",
            "environments/a.py:1: imports data.episodes.windows; data and environments do not",
        ),
        ("data/a.py", "\nfrom environments import base", "data/a.py:2: imports environments.base"),
        ("data/a.py", "import ibc_agents.core.normalizer", "only ibc_agents.core.errors, "),
        ("environments/a.py", "import ibc_agents", "only ibc_agents.core.errors, "),
        ("data/a.py", "def f():\n  import ibc_agents.cli.x", "data/a.py:2: imports ibc_agents.cli"),
        ("ibc_agents/core/errors.py", "import data.x", "import only one another"),
        ("ibc_agents/samplers/a.py", "from ..losses import info_nce", "siblings meet in agents"),
        (
            "ibc_agents/networks/a.py",
            "import ibc_agents.agents.mse",
            "agents stands above networks",
        ),
        ("ibc_agents/policies/a.py", "from ibc_agents.agents import b", "agents stands above"),
        ("ibc_agents/core/a.py", "import ibc_agents.networks", "networks stands above core"),
        ("ibc_agents/rollouts/a.py", "import ibc_agents.runs.b", "runs stands above rollouts"),
        ("ibc_agents/runs/a.py", "import ibc_agents", "the top of ibc_agents stands above runs"),
        ("ibc_agents/agents/a.py", "from data import windows", "no task and no file format"),
        (
            "ibc_agents/core/a.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  import ibc_agents.agents.b",
            "agents stands above core",
        ),
        ("ibc_agents/core/a.py", "import environments.base", "no task and no file format"),
        ("ibc_agents/runs/experiment.py", "from absl import flags", "only commands parse flags"),
        ("environments/a.py", "import argparse", "only commands parse flags"),
        ("data/a.py", "import gin\ngin.parse_config('')", "data/a.py:2: uses gin.parse_config"),
        ("data/a.py", "import gin as g\ng.config.bind_parameter('a', 1)", "uses g.config.bind"),
        ("data/a.py", "from gin import query_parameter", "only commands read or set gin"),
        ("data/a.py", "import pybullet", "imports pybullet, which only environments/* may"),
        ("ibc_agents/a.py", "import importlib\nimportlib.import_module('xarm.x')", "imports xarm"),
        (
            "data/a.py",
            "import importlib\nPARTS = ['environments.base']\nuse = importlib.import_module",
            "data/a.py:2: imports environments.base",
        ),
        ("data/episodes/windows.py", "import reverb", "imports reverb, which only data/sources/"),
    ],
)
def test_a_forbidden_import_is_named(tmp_path, path, text, fault):
    write_tree(tmp_path, {path: text})
    faults = import_rules.import_faults(tmp_path)
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_standard_name_is_named(tmp_path):
    write_tree(
        tmp_path, {"data/statistics.py": "", "data/inspect.py": "", "data/io/__init__.py": ""}
    )
    assert import_rules.name_faults(tmp_path) == [
        "data/io has the name of a standard library module; rename it.",
        "data/statistics.py has the name of a standard library module; rename it.",
    ]


def test_a_large_package_is_named(tmp_path):
    write_tree(tmp_path, {f"environments/a/m{number}.py": "" for number in range(13)})
    [fault] = import_rules.size_faults(tmp_path)
    assert fault.startswith("environments/a has 13 modules and sub-packages; the limit is 12.")


def test_importing_a_command_is_named(tmp_path):
    files = {"ibc_agents/train.py": "", "ibc_agents/a.py": "from ibc_agents import train"}
    write_tree(tmp_path, files)
    [fault] = import_rules.import_faults(tmp_path)
    assert fault.startswith("ibc_agents/a.py:1: imports the command ibc_agents.train;")


def test_import_cycles_are_named(tmp_path):
    files = {"data/__init__.py": "", "data/a.py": "from . import b", "data/b.py": "import data.a"}
    write_tree(tmp_path, files)
    [fault] = import_rules.import_faults(tmp_path)
    assert fault.startswith("import cycle data.a → data.b → data.a;")


def test_what_is_allowed_is_not_named(tmp_path):
    write_tree(
        tmp_path,
        {
            "ibc_agents/train.py": "import gin\nfrom absl import flags\ngin.parse_config('')",
            "ibc_agents/agents/a.py": "from ibc_agents.samplers import b",
            "ibc_agents/samplers/b.py": "import gin\n@gin.configurable\nclass B: ...",
            "ibc_agents/agents/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "  from ibc_agents.agents import d",
            "ibc_agents/agents/d.py": "from ibc_agents.agents import c",
            "ibc_agents/core/normalizer.py": "import data.sources",
            "ibc_agents/core/errors.py": "",
            "data/sources/reverb_source.py": "import reverb",
            "data/import_tables.py": "import argparse\nfrom ibc_agents.cli import d",
            "data/errors.py": "from ibc_agents.core import errors",
            "environments/pushing/environment.py": "import pybullet\nimport ibc_agents.core.errors",
        },
    )
    assert import_rules.import_faults(tmp_path) == []
