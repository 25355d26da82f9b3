"""A supervised job on this machine: stopped, resumed, and killed in parts."""

import os
import re
import signal
import time

from tests.ibc_agents.distributed import roles


def test_a_supervised_job_is_stopped_restarted_and_finished(job):
    """With two replay servers, of which each holds every other demonstration."""
    addresses = f"{job.address},localhost:{roles.free_port()}"
    supervisor = job.start_all("--num_evaluators=2", f"--replay_address={addresses}")
    job.wait_for_checkpoint(supervisor, after=0)
    assert len(pids(supervisor)) == 5
    stop(supervisor)
    stopped_at = stopping_step(job, "learner-0")

    supervisor = job.start_all(
        "--num_evaluators=2", "--num_actors=1", f"--replay_address={addresses}"
    )
    supervisor.wait_for(f"training from step {stopped_at} to {roles.STEPS}")
    for name in ("learner-0", "replay-1", "evaluator-1"):
        os.kill(pids(supervisor)[name], signal.SIGKILL)
        supervisor.wait_for(f"{name:<12} (process {pids(supervisor)[name]})  was ended by SIGKILL")
    assert supervisor.wait() == 0
    assert f"everything is in {job.root_dir}" in supervisor.text
    assert job.rows() == roles.ALL_ROWS
    # On a busy machine the supervisor does not wait for the actor's own farewell.
    assert "actor-0" in pids(supervisor)
    assert not any(map(is_alive, pids(supervisor).values()))


def stop(supervisor):
    """Asks the job to end; all its processes do."""
    running = pids(supervisor).values()
    supervisor.terminate()
    asked = time.monotonic()
    assert supervisor.wait(20) == 128 + signal.SIGTERM
    assert time.monotonic() - asked < 12
    assert not any(map(is_alive, running))
    assert "stopped; the same command goes on from the last checkpoint" in supervisor.text


def stopping_step(job, learner):
    """Where a learner says that it was stopped, once."""
    log = (job.root_dir / "logs" / f"{learner}.log").read_text()
    (step,) = re.findall(r"stopped at step (\d+); the same command goes on", log)
    return int(step)


def pids(supervisor):
    """Of the newest process of each role."""
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
