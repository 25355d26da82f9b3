"""Links, paths, settings and flags in the documents exist."""

import inspect
import pathlib
import re

import gin
import pytest

from environments import block_pushing, d4rl, particle, push_t
from ibc_agents.cli.gin_config import configurables
from tests.project import sources

DOCUMENTS = sorted([*sources.ROOT.glob("*.md"), *sources.ROOT.glob("docs/*.md")])
# Placeholders, and names of examples in CONTRIBUTING.md.
EXAMPLES = re.compile(
    r"rail|mae|margin_loss|random_search|csv_parser|import_csv|MarginLoss|TASK|METHOD"
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)")
FOLDERS = "|".join((*sources.FOLDERS, r"\.ci"))
FILE = re.compile(rf"(?<![\w/.])(?:{FOLDERS})/[\w/.-]*\.(?:py|gin|md|json|sh|png|gif)\b")
SETTING = re.compile(r"(?<![\w.@/])([A-Z]+[a-z]\w*)\.([a-z]\w*)(?=\s*=|`)")
COMMAND = re.compile(r"python (?:-m ([\w.]+)|([\w/]+\.py))((?:\\\s*\n|[^`\n|])*)")
# Commands define their flags from these strings.
FLAG_NAME = re.compile(r"\"(?:--)?(\w+)\"")
# Classes of TF-Agents.
OTHER_CLASSES = {"LossInfo"}
# Modules that define flags for several commands.
SHARED_FLAGS = (
    "ibc_agents/cli/common_flags.py",
    "ibc_agents/cli/path_flags.py",
    "data/formats/command_flags.py",
    "benchmarks/result_studies.py",
    "benchmarks/equal_work.py",
)
assert block_pushing and d4rl and particle and push_t  # the imports register their classes


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request) -> tuple[pathlib.Path, str]:
    return request.param, request.param.read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """Returns the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_resolve(document):
    path, text = document
    for target, anchor in LINK.findall(text):
        linked = (path.parent / target).resolve() if target else path
        assert linked.exists(), f"{path.name}: the link {target} leads to no file"
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), f"{path.name}: #{anchor}"


def test_files_exist(document):
    path, text = document
    names = {name for name in FILE.findall(text) if not EXAMPLES.search(name)}
    missing = sorted(name for name in names if not (sources.ROOT / name).exists())
    assert not missing, f"{path.name} names files that do not exist: {missing}"


def test_settings_exist(document):
    path, text = document
    configurables.register()
    for name, setting in SETTING.findall(text):
        if EXAMPLES.search(name):
            continue
        try:
            configurable = gin.get_configurable(name)
        except ValueError:
            assert name in OTHER_CLASSES, f"{path.name}: there is no class {name}"
            continue
        parameters = inspect.signature(configurable).parameters
        assert setting in parameters or hasattr(configurable, setting), (
            f"{path.name}: {name} has no setting {setting}; it has {', '.join(parameters)}"
        )


def test_flags_exist(document):
    path, text = document
    shared = "".join((sources.ROOT / name).read_text(encoding="utf-8") for name in SHARED_FLAGS)
    for module, script, arguments in COMMAND.findall(text):
        file = sources.ROOT / (script or module.replace(".", "/") + ".py")
        if file.with_suffix("").is_dir():
            file = file.with_suffix("") / "__main__.py"
        if not file.exists():
            continue  # a module of another project
        known = set(FLAG_NAME.findall(file.read_text(encoding="utf-8") + shared))
        unknown = set(re.findall(r"--(\w+)", arguments)) - known - {"help"}
        assert not unknown, f"{path.name}: {module or script} has no flag {sorted(unknown)}"


def test_patterns_find_what_they_should():
    assert SETTING.findall("`Noise.min_stddev = 0.1` and `Task.environment`") == [
        ("Noise", "min_stddev"),
        ("Task", "environment"),
    ]
    text = (
        "`python -m ibc_agents.train --seed=1 \\\n  --root_dir=a` and `python benchmarks/a.py -x`"
    )
    assert [found[:2] for found in COMMAND.findall(text)] == [
        ("ibc_agents.train", ""),
        ("", "benchmarks/a.py"),
    ]
    assert "--root_dir" in COMMAND.findall(text)[0][2]
    assert FILE.findall("see gin_configs/tasks/particle.gin.") == ["gin_configs/tasks/particle.gin"]
