"""`python -m ibc_agents.collect` and `python -m data.inspect`."""

import json
import os
import pathlib
import re
import signal
import time

import pytest

from data import inspect
from ibc_agents.rollouts import collection
from tests.system import helpers


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


# The gin settings must reach the workers.
THREE_DIMENSIONS = helpers.bindings("ParticleEnvironment.dimension=3")
ARGUMENTS = ["--environment=particle", "--episodes=500", *THREE_DIMENSIONS]


@pytest.mark.slow
def test_collection_of_processes_ends_as_an_uninterrupted_one(tmp_path):
    """Ctrl-C of two processes, then kill -9 of their parent, then the rest in one process."""
    out = tmp_path / "datasets" / "particle"
    kept = stop_collection(out, {}, signal.SIGINT, processes=2)
    kept = stop_collection(out, kept, signal.SIGKILL, processes=2)
    check_end_of_collection(out, kept)


def test_interrupted_collection_ends_as_an_uninterrupted_one(tmp_path):
    out = tmp_path / "datasets" / "particle"
    check_end_of_collection(out, stop_collection(out, {}, signal.SIGINT, processes=1))


def stop_collection(out, kept, signal_number, processes):
    """Starts a collection and stops it after two more shards; returns the finished shards."""
    arguments = [*ARGUMENTS, f"--out={out}", f"--processes={processes}"]
    process = helpers.start("ibc_agents.collect", *arguments, folder=out.parents[1])
    helpers.wait_until(lambda: len(finished_shards(out)) >= len(kept) + 2, process)
    workers = children(process.pid)
    assert processes == 1 or len(workers) >= processes
    if signal_number == signal.SIGINT:  # to all processes, as a terminal does
        for worker in workers:
            os.kill(worker, signal.SIGINT)
    process.send_signal(signal_number)
    stopped = helpers.finish(process)
    assert only_progress(stopped.stderr), stopped.stderr
    if signal_number == signal.SIGINT:
        assert stopped.returncode == 130
        message = "interrupted; the same command continues from the finished shards"
        assert stopped.stdout.strip() == message
    else:
        assert stopped.returncode == -signal_number
    wait_for_end(workers)
    assert not out.exists()
    now = finished_shards(out)
    assert kept.items() <= now.items()  # finished shards are not collected again
    return now


def check_end_of_collection(out, kept):
    """Collects the rest in this process and compares all with an uninterrupted collection."""
    done = helpers.call("ibc_agents.collect", *ARGUMENTS, f"--out={out}", "--processes=1")
    assert done.returncode == 0, done
    assert only_progress(done.stderr)
    first = next(piece for piece in re.split("[\r\n]", done.stderr) if piece.strip())
    assert f"| {collection.SHARD_EPISODES * len(kept)}/500 [" in first
    assert re.fullmatch(
        rf"500 demonstrations, \d+\.\d% successful, in {re.escape(str(out))}\n", done.stdout
    )
    assert kept.items() <= {path.name: path.stat().st_ino for path in out.iterdir()}.items()
    assert [path.name for path in out.parent.iterdir()] == ["particle"]

    whole = out.parents[1] / "whole"
    again = helpers.call("ibc_agents.collect", *ARGUMENTS, f"--out={whole}")
    assert again.returncode == 0, again
    assert contents(whole) == contents(out)
    assert manifest(out)["extra"]["environment"].startswith("particle_3d")


def finished_shards(out):
    """Returns the finished shards of a stopped collection of `out`: name → inode."""
    parts = out.parent / f".{out.name}.partial"
    records = parts.glob(".finished-shard-*.json")
    names = [record.name.removeprefix(".finished-").removesuffix(".json") for record in records]
    return {name: (parts / name).stat().st_ino for name in names}


def children(pid):
    """Returns the child processes of a process."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def wait_for_end(pids):
    """Waits until processes that are not our children have ended."""
    deadline = time.monotonic() + 300
    while any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def only_progress(stderr):
    pieces = [piece for piece in re.split("[\r\n]", stderr) if piece.strip()]
    return pieces and all(piece.startswith("demonstrations:") for piece in pieces)


def test_collects_the_same_demonstrations_as_train(finished, tmp_path):
    out = tmp_path / "dataset"
    arguments = ["--environment=particle", f"--out={out}", "--episodes=20"]
    done = helpers.call("ibc_agents.collect", *arguments)
    assert done.returncode == 0, done
    sentence = rf"20 demonstrations, (100|\d\d)\.\d% successful, in {re.escape(str(out))}\n"
    assert re.fullmatch(sentence, done.stdout)
    assert only_progress(done.stderr)
    assert contents(out) == contents(finished.dataset)
    extra = manifest(out)["extra"]
    assert 0.5 * 20 < extra.pop("successes") <= 20
    assert extra == {
        "demonstrator": "ParticleDemonstrator",
        "environment": "particle_2d",
        "seed": 0,
        "settings of the demonstrator": {},
    }


def test_an_existing_dataset_is_unchanged(finished):
    before = manifest(finished.dataset)
    arguments = ["--environment=particle", "--episodes=3", f"--out={finished.dataset}"]
    error = helpers.error_message(helpers.call("ibc_agents.collect", *arguments))
    assert f"{finished.dataset}: already exists" in error
    assert manifest(finished.dataset) == before


def test_missing_flags_are_named(tmp_path):
    out = f"--out={tmp_path / 'dataset'}"
    error = helpers.error_message(helpers.call("ibc_agents.collect", out))
    assert "no task is given; pass --environment=particle" in error
    no_demonstrator = helpers.bindings("Task.demonstrator=None")
    done = helpers.call("ibc_agents.collect", out, "--environment=particle", *no_demonstrator)
    assert "Task.demonstrator" in helpers.error_message(done)
    error = helpers.error_message(helpers.call("ibc_agents.collect", out, "--environment=prticle"))
    assert "there is no environment 'prticle'; choose from: " in error and "particle" in error
    assert helpers.files(tmp_path) == []


def test_inspect_describes_a_dataset(finished, tmp_path, capsys):
    shard = tmp_path / "broken.tfrecord"
    whole = finished.dataset / "shard-00000.tfrecord"
    shard.write_bytes(whole.read_bytes()[:1000])
    (tmp_path / "broken.tfrecord.spec").write_bytes(
        (whole.parent / f"{whole.name}.spec").read_bytes()
    )
    done = helpers.call("data.inspect", finished.dataset)
    assert done.returncode == 0 and done.stderr == "", done
    rows = {line[:14].strip(): line[14:] for line in done.stdout.splitlines()}
    assert rows["episodes"] == "20 (20 different)"
    assert rows["frames"] == str(20 * 51)
    assert rows["dataset hash"] == manifest(finished.dataset)["dataset_hash"]
    assert rows["manifest"].startswith("agrees")
    assert inspect.main([str(shard)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(rf"error: {shard}: record \d is cut off: .*\n", printed.err)
