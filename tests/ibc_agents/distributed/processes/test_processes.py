"""A job of real processes on the loopback interface, and what it survives."""

import json
import re

import reverb

from tests.ibc_agents.distributed import roles
from tests.ibc_agents.distributed.processes import test_listening
from tests.system import helpers


def test_contract_distributed_job_ends_as_planned_whatever_is_killed(job, tmp_path):
    replay = job.start("replay")
    replay.wait_for("ready:")
    port = int(job.address.rpartition(":")[2])
    others = test_listening.other_addresses()
    assert not any(test_listening.answers(address, port) for address in others)
    learner = job.start("learner")
    job.wait_for_checkpoint(learner, after=0)

    replay.kill()
    learner.wait_for("does not answer; waiting for it, at most 300 s", within_seconds=5)
    replay = job.start("replay")
    learner.wait_for("answers again")
    replay.wait_for("ready:")
    assert re.search(r"restored \d+ demonstrations from its own checkpoint", replay.text), (
        replay.text
    )
    before = helpers.checkpointed_step(job.root_dir)
    job.wait_for_checkpoint(learner, after=before)

    learner.kill()
    newest = helpers.checkpointed_step(job.root_dir)
    assert newest < roles.STEPS
    (damaged,) = (job.root_dir / helpers.CHECKPOINTS).glob(f"ckpt-{newest}.data*")
    damaged.write_bytes(damaged.read_bytes()[:100])
    refuses_strangers(job, tmp_path)
    with helpers.full_disk(14_000):
        learner = job.start("learner")
    learner.wait_for(f"ckpt-{newest} cannot be read; going on from the one before")
    assert learner.wait() == 1
    said = learner.sentence()
    assert f"cannot write the checkpoint of step {newest} to {job.root_dir} (File too" in said
    assert helpers.checkpointed_step(job.root_dir) == newest - 200
    learner = job.start("learner")
    learner.wait_for(f"training from step {newest - 200} to {roles.STEPS}")

    evaluator = job.start("evaluator")
    evaluator.wait_for("succeeded")
    assert evaluator.health()["ready"] and learner.health()["ready"]
    evaluator.kill()
    evaluator = job.start("evaluator")
    learner.wait_for("waiting for the evaluators")
    assert learner.health()["step"] == roles.STEPS
    tables = reverb.Client(job.address).server_info(timeout=5)
    assert learner.wait() == evaluator.wait() == replay.wait() == 0
    results = json.loads((job.root_dir / "results.json").read_text())
    assert tables["demonstrations"].current_size == results["dataset"]["train_episodes"]
    assert results["train_steps"] == roles.STEPS and results["resumed_at_step"] == newest - 200
    assert [outcome["episode"] for outcome in results["episodes"]] == list(range(7))
    assert job.rows() == roles.ALL_ROWS
    assert (job.root_dir / "policy" / "saved_model.pb").exists()
    assert helpers.files(job.root_dir / "waiting_policies") == []


def refuses_strangers(job, tmp_path):
    """While the server is up: another agent, and a run that has begun with other data."""
    stranger = job.start("evaluator", *helpers.bindings("MlpEncoder.width=8"))
    assert stranger.wait() == 1
    assert f"The job at {job.address} is another one: its policy has the variable" in (
        stranger.sentence()
    )
    other_run = tmp_path / "other_run"
    other_run.mkdir()
    known = json.loads((job.root_dir / "dataset.json").read_text())
    (other_run / "dataset.json").write_text(json.dumps({**known, "hash": "ab" * 32}))
    stranger = job.start("learner", f"--root_dir={other_run}")
    assert stranger.wait() == 1
    assert f"{other_run} was trained on the dataset" in stranger.sentence()
