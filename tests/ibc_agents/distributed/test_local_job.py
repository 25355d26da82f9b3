"""A supervised job on this machine is stopped, resumed, and loses some of its processes."""

import contextlib
import json
import os
import re
import signal

import pytest

from tests.data.sources import listening
from tests.ibc_agents.distributed import job_processes
from tests.system import helpers


def test_a_job_finishes_after_its_learner_was_killed(job):
    values = helpers.bindings("num_steps=1200", "EvaluationSettings.interval=600")
    supervisor = job.start_all("--num_evaluators=1", *values)
    job.wait_for_checkpoint(supervisor, after=0)
    os.kill(pids(supervisor)["learner-0"], signal.SIGKILL)
    assert supervisor.wait() == 0, supervisor.text
    assert "killed by SIGKILL" in supervisor.text
    assert job.rows() == [(600, 5), (1200, 7)]
    results = json.loads((job.root_dir / "results.json").read_text())
    assert results["train_steps"] == 1200 and results["resumed_at_step"] > 0
    logs = "".join(path.read_text() for path in (job.root_dir / "logs").iterdir())
    assert "does not answer" not in logs
    # A killed process cannot remove its folder.
    assert [path.name.rpartition("-")[0] for path in job.temporary.iterdir()] == [
        "ibc_agents-learner"
    ]


@pytest.mark.slow
def test_contract_distributed_job_is_apart_from_others_on_its_machine(tmp_path):
    """Two jobs that are started together differ in their seed and their folder alone."""
    jobs = [job_processes.Job(tmp_path / name) for name in ("first", "second")]
    values = helpers.bindings("num_steps=600", "EvaluationSettings.interval=300")
    with contextlib.ExitStack() as stack:
        supervisors = []
        for seed, job in enumerate(jobs):
            stack.callback(job.kill_all)
            supervisors.append(job.start_all(f"--seed={seed}", *values))
        for supervisor in supervisors:
            assert supervisor.wait() == 0, supervisor.text
    identities = []
    for seed, job in enumerate(jobs):
        assert job.rows() == [(300, 5), (600, 7)]
        results = json.loads((job.root_dir / "results.json").read_text())
        assert results["seed"] == seed
        assert not list(job.temporary.iterdir())
        logs = [path.read_text() for path in (job.root_dir / "logs").iterdir()]
        (identity,) = {name for log in logs for name in re.findall(r", job (\w{12})\n", log)}
        identities.append(identity)
        # The evaluator has run the episodes of its own job, each once.
        evaluated = [
            (int(step), episode)
            for log in logs
            for step, first, last in re.findall(r"step (\d+), episodes (\d+) to (\d+):", log)
            for episode in range(int(first), int(last) + 1)
        ]
        assert sorted(evaluated) == [(step, k) for step, n in job.rows() for k in range(n)]
    assert identities[0] != identities[1]


@pytest.mark.slow
def test_a_supervised_job_stops_resumes_and_finishes(job):
    """Two replay servers hold every other demonstration each."""
    addresses = f"localhost:{listening.free_port()},localhost:{listening.free_port()}"
    supervisor = job.start_all("--num_evaluators=2", f"--replay_address={addresses}")
    job.wait_for_checkpoint(supervisor, after=0)
    assert len(pids(supervisor)) == 5
    stop(supervisor)
    stopped_at = stopping_step(job, "learner-0")

    supervisor = job.start_all(
        "--num_evaluators=2", "--num_actors=1", f"--replay_address={addresses}"
    )
    supervisor.wait_for(f"training from step {stopped_at} to {job_processes.STEPS}")
    for name in ("learner-0", "replay-1", "evaluator-1"):
        os.kill(pids(supervisor)[name], signal.SIGKILL)
        supervisor.wait_for(f"{name:<12} (process {pids(supervisor)[name]})  killed by SIGKILL")
    assert supervisor.wait() == 0, supervisor.text
    assert f"the results are in {job.root_dir}" in supervisor.text
    assert job.rows() == job_processes.ALL_ROWS
    # On a busy machine the supervisor terminates the actor before that reads of the finish.
    assert "actor-0" in pids(supervisor)
    assert not any(map(is_alive, pids(supervisor).values()))


def stop(supervisor):
    """Sends SIGTERM to a supervisor and checks that all processes exit."""
    running = pids(supervisor).values()
    supervisor.terminate()
    assert supervisor.wait() == 128 + signal.SIGTERM, supervisor.text
    assert not any(map(is_alive, running))
    assert "stopped; the same command continues from the last checkpoint" in supervisor.text


def stopping_step(job, learner):
    """Returns the step at which a learner was stopped, once."""
    log = (job.root_dir / "logs" / f"{learner}.log").read_text()
    (step,) = re.findall(r"stopped at step (\d+); the same command continues", log)
    return int(step)


def pids(supervisor):
    """Returns the identifier of the newest process of each role."""
    return {
        name: int(pid)
        for name, pid in re.findall(r"^(\S+) +\(process (\d+)", supervisor.text, re.MULTILINE)
    }


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
