"""A job of real processes on the loopback interface survives kills."""

import json
import re

import pytest
import reverb

from tests.data.sources import listening
from tests.ibc_agents.distributed import job_processes
from tests.system import helpers


@pytest.mark.slow
def test_contract_distributed_job_survives_kills_of_all_roles(job, tmp_path):
    replay = job.start("replay")
    replay.wait_for("ready:")
    port = int(job.address.rpartition(":")[2])
    assert port in listening.listening_ports(replay.pid)
    assert not listening.reachable_ports(replay.pid)
    learner = job.start("learner")
    job.wait_for_checkpoint(learner, after=0)

    replay.kill()
    learner.wait_for("does not answer; waiting for at most 300 s")
    replay = job.start("replay")
    learner.wait_for("answers again")
    replay.wait_for("ready:")
    assert re.search(r"restored \d+ demonstrations from a checkpoint", replay.text), replay.text
    before = helpers.checkpointed_step(job.root_dir)
    job.wait_for_checkpoint(learner, after=before)

    learner.kill()
    newest = helpers.checkpointed_step(job.root_dir)
    assert newest < job_processes.STEPS
    (damaged,) = (job.root_dir / helpers.CHECKPOINTS).glob(f"ckpt-{newest}.data*")
    damaged.write_bytes(damaged.read_bytes()[:100])
    check_refusals(job, tmp_path)
    with helpers.full_disk(14_000):
        learner = job.start("learner")
    learner.wait_for(f"continuing from the newest whole checkpoint, ckpt-{newest - 200}")
    assert learner.wait() == 1
    failure = f"cannot write the checkpoint of step {newest} to {job.root_dir} (File too"
    assert failure in learner.error()
    learner = job.start("learner")
    learner.wait_for(f"training from step {newest - 200} to {job_processes.STEPS}")

    evaluator = job.start("evaluator")
    evaluator.wait_for("succeeded")
    assert evaluator.health()["ready"] and learner.health()["ready"]
    evaluator.kill()
    evaluator = job.start("evaluator")
    learner.wait_for("waiting for the evaluators")
    assert learner.health()["step"] == job_processes.STEPS
    info = reverb.Client(job.address).server_info(timeout=5)
    assert learner.wait() == evaluator.wait() == replay.wait() == 0
    results = json.loads((job.root_dir / "results.json").read_text())
    assert info["demonstrations"].current_size == results["dataset"]["train_episodes"]
    assert (
        results["train_steps"] == job_processes.STEPS and results["resumed_at_step"] == newest - 200
    )
    assert [outcome["episode"] for outcome in results["episodes"]] == list(range(7))
    assert job.rows() == job_processes.ALL_ROWS
    assert (job.root_dir / "policy" / "saved_model.pb").exists()
    assert helpers.files(job.root_dir / "waiting_policies") == []


def check_refusals(job, tmp_path):
    """Starts an evaluator with another agent, and a learner of a run with another dataset."""
    other = job.start("evaluator", *helpers.bindings("MlpEncoder.width=8"))
    assert other.wait() == 1
    difference = f"the job at {job.address} has another configuration: its MlpEncoder.width is"
    assert difference in other.error()
    other_run = tmp_path / "other_run"
    other_run.mkdir()
    known = json.loads((job.root_dir / "dataset.json").read_text())
    (other_run / "dataset.json").write_text(json.dumps({**known, "hash": "ab" * 32}))
    other = job.start("learner", f"--root_dir={other_run}")
    assert other.wait() == 1
    assert f"{other_run} was trained on the dataset" in other.error()
