import json
import pathlib

import numpy as np
import pytest

from tests.fuzz import misbehaving, mutations, outcomes, runner


def test_each_kind_of_outcome_is_recognized():
    target = misbehaving.MisbehavingTarget()
    found = list(runner.run(target, 5, target.mutants, seconds_per_mutant=1.0))
    assert [outcome.number for outcome in found] == list(range(5, 5 + target.mutants))
    assert [outcome.kind for outcome in found] == [outcome.damage for outcome in found]
    assert {outcome.kind for outcome in found} >= set(outcomes.FAULTS)


def test_a_target_must_accept_its_undamaged_input():
    with pytest.raises(RuntimeError, match="the input is damaged"):
        list(runner.run(misbehaving.RefusedTarget(), 0, 1))


def test_the_table_counts_each_kind():
    found = [
        outcomes.Outcome("shards", 0, outcomes.SENTENCE, "cut"),
        outcomes.Outcome("shards", 1, outcomes.CRASH, "cut"),
    ]
    table = outcomes.format_table(found).splitlines()
    assert table[2] == "| shards | 2 | 0 | 1 | 0 | 0 | 1 | 0 | 0 |"
    assert table[3].startswith("| total | 2 |")


@pytest.mark.parametrize("name", ["value.json", "text.gin", "data.bin"])
def test_damage_depends_on_the_generator_alone(tmp_path: pathlib.Path, name: str):
    contents = {
        "value.json": json.dumps({"a": [1, {"b": 2.5}], "c": "d"}).encode(),
        "text.gin": b"A.b = 1\nC.d = @E()\n",
        "data.bin": bytes(range(256)) * 4,
    }
    results = []
    for copy in ("first", "second"):
        damaged = []
        for seed in range(200):
            folder = tmp_path / copy / str(seed)
            folder.mkdir(parents=True)
            path = folder / name
            path.write_bytes(contents[name])
            description = mutations.damage_file(path, np.random.default_rng(seed))
            damaged.append((description, path.read_bytes() if _is_plain(path) else None))
        results.append(damaged)
    assert results[0] == results[1]
    changed = sum(content != contents[name] for _, content in results[0])
    assert changed > 150


def _is_plain(path: pathlib.Path) -> bool:
    return not path.is_symlink() and path.is_file()
