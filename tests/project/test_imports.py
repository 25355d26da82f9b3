"""The packages keep to docs/architecture.md's "who may import whom", and the check can fail."""

import pathlib

import pytest

from tests.project import import_rules, sources


def write_tree(root: pathlib.Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def test_imports_keep_to_the_architecture():
    faults = import_rules.import_faults(sources.ROOT)
    assert not faults, "see docs/architecture.md, who may import whom:\n" + "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        (
            "environments/a.py",
            "import data.episodes.windows",
            "environments/a.py:1: imports data.episodes.windows",
        ),
        ("environments/a.py", "from ibc_agents import types", "imports ibc_agents.core.protocols"),
        ("data/a.py", "\nfrom environments import base", "data/a.py:2: imports environments.base"),
        ("data/a.py", "def f():\n  import ibc_agents", "data/a.py:2: imports ibc_agents"),
        ("ibc_agents/samplers/a.py", "from ..losses import info_nce", "siblings meet in agents"),
        ("ibc_agents/networks/a.py", "import ibc_agents.agents.mse", "siblings meet in agents"),
        ("ibc_agents/losses/a.py", "from ibc_agents import policies", "siblings meet in agents"),
        ("ibc_agents/policies/a.py", "from ibc_agents.agents import b", "agents make policies"),
        ("ibc_agents/agents/a.py", "from ibc_agents import experiment", "not the other way round"),
        ("ibc_agents/agents/a.py", "from data import windows", "no task and no file format"),
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
        (
            "data/episodes/windows.py",
            "import reverb",
            "only data/replay*.py and ibc_agents/distributed/*",
        ),
    ],
)
def test_a_forbidden_import_is_named(tmp_path, path, text, fault):
    write_tree(tmp_path, {path: text})
    faults = import_rules.import_faults(tmp_path)
    assert len(faults) == 1
    assert fault in faults[0]


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
            "ibc_agents/agents/a.py": "from ibc_agents.samplers import b\nfrom ibc_agents import c",
            "ibc_agents/samplers/b.py": "import gin\n@gin.configurable\nclass B: ...",
            "ibc_agents/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "  from ibc_agents.agents import a",
            "data/sources/reverb_source.py": "import reverb",
            "data/import_tables.py": "import argparse",
            "environments/pushing/environment.py": "import pybullet",
        },
    )
    assert import_rules.import_faults(tmp_path) == []
