"""The contracts of docs/architecture.md have tests; its tree and layers match the code."""

import re

from tests.project import import_rules, sources

TEXT = (sources.ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return text


def test_every_contract_has_a_test_that_carries_its_name():
    contracts = re.findall(r"^### (.+)$", section("Contracts"), re.MULTILINE)
    assert len(contracts) > 10
    tests = "\n".join(
        line
        for path in sorted((sources.ROOT / "tests").rglob("test_*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("def test_contract_")
    )
    names = [f"test_contract_{contract.lower().replace(' ', '_')}_" for contract in contracts]
    missing = [name for name in names if name not in tests]
    assert not missing, f"no test is named {missing}"


def named_folders() -> set[str]:
    """The folders of the tree in "Packages", by their indentation."""
    (tree,) = re.findall(r"```\n(.*?)```", section("Packages"), re.DOTALL)
    folders, path = set(), []
    for spaces, name in re.findall(r"^( *)([\w]+)/ ", tree, re.MULTILINE):
        path[len(spaces) // 2 :] = [name]
        folders.add("/".join(path))
    return folders


def test_every_package_is_in_the_tree_and_every_folder_of_the_tree_exists():
    """Environments need no entry: each is found by its task file."""
    packages = {
        path.parent.relative_to(sources.ROOT).as_posix()
        for package in ("ibc_agents", "data")
        for path in (sources.ROOT / package).rglob("__init__.py")
    }
    missing = sorted(packages - named_folders())
    assert not missing, f"docs/architecture.md, Packages, does not state what {missing} is for"
    gone = [folder for folder in sorted(named_folders()) if not (sources.ROOT / folder).is_dir()]
    assert not gone, f"docs/architecture.md, Packages, names {gone}, which does not exist"


def test_layers_are_those_of_the_import_rules():
    (line,) = re.findall(r"```\n(core <.*?)```", section("Import rules"), re.DOTALL)
    rows = [re.findall(r"\w+", row) for row in line.split("<")]
    assert [tuple(row) for row in rows[:-1]] == [row for row in import_rules.LAYERS if row != ("",)]


def test_tests_mirror_the_packages():
    tests = sources.ROOT / "tests"
    folders = {
        path.parent.relative_to(tests).as_posix()
        for package in sources.PACKAGES
        for path in (tests / package).rglob("test_*.py")
    }
    lost = [name for name in sorted(folders) if not (sources.ROOT / name).is_dir()]
    assert not lost, f"tests/ has {lost} where the project has no such package; move the tests"
    packages = {path.parent.name for path in sources.ROOT.glob("ibc_agents/*/__init__.py")}
    untested = sorted(name for name in packages if not (tests / "ibc_agents" / name).is_dir())
    assert not untested, f"tests/ibc_agents has no folder for {untested}"
