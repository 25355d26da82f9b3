"""docs/architecture.md against the tree: its contracts have tests, its parts are all there is."""

import fnmatch
import re

from tests.project import sources

TEXT = (sources.ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
# In a document of its own.
DISTRIBUTED = sources.ROOT / "ibc_agents" / "distributed"


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


def test_every_module_is_named_and_every_named_one_is_there():
    named = set(re.findall(r"[\w*]+\.py", section("The parts")))
    there = {
        path.name
        for package in ("ibc_agents", "data")
        for path in (sources.ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and DISTRIBUTED not in path.parents
    }
    unnamed = [name for name in sorted(there) if not any(fnmatch.fnmatch(name, n) for n in named)]
    assert not unnamed, f"docs/architecture.md, The parts, does not say what {unnamed} is for"
    everywhere = [path.name for path in sources.ROOT.glob("*/**/*.py")]
    gone = [name for name in sorted(named) if not fnmatch.filter(everywhere, name)]
    assert not gone, f"docs/architecture.md, The parts, names {gone}, which is not there"
