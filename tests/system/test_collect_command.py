"""`python -m ibc_agents.collect` and `python -m data.inspect`."""

import json
import re

from data import inspect
from tests.system import helpers


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


def test_killed_collection_leaves_no_dataset_and_the_next_one_cleans_up(finished, tmp_path):
    out = tmp_path / "datasets" / "particle"
    arguments = ["--environment=particle", f"--out={out}", "--shards=2"]
    process = helpers.start("ibc_agents.collect", *arguments, "--episodes=100000", folder=tmp_path)
    helpers.wait_until(lambda: list(out.parent.glob(".particle.partial-*/*.tfrecord")), process)
    process.kill()
    helpers.finish(process)
    assert not out.exists() and helpers.files(out.parent)

    done = helpers.run("ibc_agents.collect", *arguments, "--episodes=20", folder=tmp_path)
    assert done.returncode == 0, done
    sentence = rf"20 demonstrations, (100|\d\d)\.\d% successful, in {re.escape(str(out))}\n"
    assert re.fullmatch(sentence, done.stdout)
    pieces = [piece for piece in re.split("[\r\n]", done.stderr) if piece.strip()]
    assert all(piece.startswith("demonstrations:") for piece in pieces)
    assert "20/20" in pieces[-1]
    assert [path.name for path in out.parent.iterdir()] == ["particle"]
    # What `train` collects by itself, with the same seed and in other shards.
    assert manifest(out)["dataset_hash"] == manifest(finished.dataset)["dataset_hash"]
    assert len(manifest(out)["shards"]) == 2
    assert manifest(out)["extra"] == {
        "demonstrator": "ParticleDemonstrator",
        "environment": "particle_2d",
        "seed": 0,
    }


def test_dataset_that_is_there_is_not_touched(finished):
    before = manifest(finished.dataset)
    arguments = ["--environment=particle", "--episodes=3", f"--out={finished.dataset}"]
    said = helpers.sentence(helpers.call("ibc_agents.collect", *arguments))
    assert f"{finished.dataset}: exists already" in said
    assert manifest(finished.dataset) == before


def test_says_what_is_missing(tmp_path):
    out = f"--out={tmp_path / 'dataset'}"
    said = helpers.sentence(helpers.call("ibc_agents.collect", out))
    assert "say what to demonstrate: --environment=particle" in said
    no_demonstrator = helpers.bindings("Task.demonstrator=None")
    done = helpers.call("ibc_agents.collect", out, "--environment=particle", *no_demonstrator)
    assert "Task.demonstrator" in helpers.sentence(done)
    said = helpers.sentence(helpers.call("ibc_agents.collect", out, "--environment=prticle"))
    assert "there is no environment 'prticle'; choose from: " in said and "particle" in said
    assert helpers.files(tmp_path) == []


def test_inspect_tells_what_is_in_a_dataset(finished, tmp_path, capsys):
    shard = tmp_path / "broken.tfrecord"
    whole = finished.dataset / "shard-00000.tfrecord"
    shard.write_bytes(whole.read_bytes()[:1000])
    (tmp_path / "broken.tfrecord.spec").write_bytes(
        (whole.parent / f"{whole.name}.spec").read_bytes()
    )
    done = helpers.run("data.inspect", finished.dataset, folder=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done
    rows = {line[:14].strip(): line[14:] for line in done.stdout.splitlines()}
    assert rows["episodes"] == "20 (20 different)"
    assert rows["frames"] == str(20 * 51)
    assert rows["dataset hash"] == manifest(finished.dataset)["dataset_hash"]
    assert rows["manifest"].startswith("agrees")
    assert inspect.main([str(shard)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(rf"{shard}: record \d is cut off: .*\n", printed.err)
