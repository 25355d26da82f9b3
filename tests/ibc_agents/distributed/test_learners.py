"""Several learners train synchronously, and stop and restart together."""

import json
import os
import signal

import pytest

from tests.ibc_agents.distributed import test_local_job
from tests.system import helpers

STEPS = 1200


@pytest.mark.slow
def test_learners_train_stop_and_restart_together(job):
    arguments = [
        "--num_learners=2",
        *helpers.bindings(f"num_steps={STEPS}", "EvaluationSettings.interval=600"),
    ]
    supervisor = job.start_all(*arguments)
    job.wait_for_checkpoint(supervisor, after=0)
    test_local_job.stop(supervisor)
    (stopped_at,) = {test_local_job.stopping_step(job, f"learner-{k}") for k in (0, 1)}
    assert helpers.checkpointed_step(job.root_dir) == stopped_at
    supervisor = job.start_all(*arguments)
    supervisor.wait_for(f"training from step {stopped_at} to {STEPS}")
    for victim in ("learner-1", "learner-0"):
        reached = helpers.checkpointed_step(job.root_dir)
        job.wait_for_checkpoint(supervisor, after=reached)
        os.kill(test_local_job.pids(supervisor)[victim], signal.SIGKILL)
        supervisor.wait_for(f"{victim:<12} (process {test_local_job.pids(supervisor)[victim]}")
        supervisor.wait_for("another learner is lost")
    assert supervisor.wait() == 0, supervisor.text
    assert job.rows() == [(600, 5), (STEPS, 7)]
    results = json.loads((job.root_dir / "results.json").read_text())
    assert results["train_steps"] == STEPS and results["resumed_at_step"] > 0
    assert (job.root_dir / "policy" / "saved_model.pb").exists()
    logs = [(job.root_dir / "logs" / f"learner-{k}.log").read_text() for k in (0, 1)]
    assert all(f"step {STEPS} of {STEPS}" in log for log in logs)
