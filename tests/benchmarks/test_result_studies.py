"""The documents show what the result files say, and the studies name files that exist."""

import importlib
import sys

import pytest

from tests.project import sources

# Studies by the document that shows their tables.
STUDIES = {
    "particle_results": "docs/particle.md",
    "ablation": "docs/particle.md",
    "pushing_results": "docs/block_pushing.md",
    "d4rl_results": "docs/d4rl.md",
}


@pytest.fixture(autouse=True)
def benchmarks_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(sources.ROOT / "benchmarks"))
    yield
    for name in (*STUDIES, "result_studies", "checkout"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", STUDIES)
def test_the_document_shows_the_tables_of_the_result_files(name):
    module, shared = (importlib.import_module(each) for each in (name, "result_studies"))
    text = (sources.ROOT / STUDIES[name]).read_text(encoding="utf-8")
    for title, table in module.tables(shared.make_runner(module.STUDY)).items():
        assert shared.replace_table(text, title, table) == text, (
            f"{STUDIES[name]} differs from benchmarks/results in the table {title!r}; run "
            f"python benchmarks/{name}.py --only_print --write"
        )


@pytest.mark.parametrize("name", STUDIES)
def test_every_gin_file_of_a_study_exists(name):
    study = importlib.import_module(name).STUDY
    files = {path for cell in study.cells() for path in study.run(cell, 0).gin_files}
    assert files
    assert [path for path in files if not (sources.ROOT / path).is_file()] == []


@pytest.mark.parametrize("name", STUDIES)
def test_every_result_file_belongs_to_a_run(name):
    module, shared = (importlib.import_module(each) for each in (name, "result_studies"))
    runner = shared.make_runner(module.STUDY)
    shown = set()
    for cell in module.STUDY.cells():
        run = module.STUDY.run(cell, 0)
        shown |= {f"{cell.task}_{cell.method}_seed{seed}" for seed in runner.results(cell)}
        for evaluation in run.evaluations:
            seeds = runner.results(cell, evaluation)
            shown |= {f"{cell.task}_{cell.method}_seed{seed}_{evaluation}" for seed in seeds}
    folder = sources.ROOT / "benchmarks" / "results" / module.STUDY.name
    assert {path.stem for path in folder.glob("*.json")} == shown


def test_a_table_needs_exactly_one_place():
    shared = importlib.import_module("result_studies")
    text = "before\n<!-- one: command -->\n\nold\n\n<!-- end of one -->\nafter\n"
    assert "\n\nnew\n\n" in shared.replace_table(text, "one", "new")
    with pytest.raises(ValueError, match="marks 0 places for the table 'two'"):
        shared.replace_table(text, "two", "new")
