"""The learner: it trains, publishes policies and keeps what the job leaves behind."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import time
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy

from ibc_agents.distributed.evaluation import referee
from ibc_agents.distributed.processes import placement, role_process, run_files
from ibc_agents.distributed.roles import checkpoints, joining, joint_training, team
from ibc_agents.runs import evaluator, experiment, run_directory


def run(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    place: placement.Placement,
) -> None:
    """Trains to the last step; the chief ends when every policy has been evaluated.

    Args:
        configured: what the job is.
        process: this one.
        place: of this process in the job.

    Raises:
        RunError, data.DataError: if something is wrong that the user can mend.
        Stopped: this process is to stop; a checkpoint is written.
    """
    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        root_dir = configured.root_dir
        if place.index:
            # What the others would leave is what the chief leaves.
            root_dir = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        directory = run_directory.RunDirectory(root_dir)
        checkpoints.set_aside_damaged(directory, process.say)
        learners = _assemble(configured, process, place, directory)
        stack.enter_context(joint_training.none_missing(learners, process))
        tf.keras.utils.set_random_seed(configured.seed)
        member = stack.enter_context(
            contextlib.closing(joining.join(configured, process, place, learners.strategy))
        )
        joint = joint_training.JointTraining(configured, process, member, directory, learners)
        if not learners.is_chief:
            joint.run()
            process.say("training is finished")
            return
        results = _lead(configured, process, place, member, directory, joint)
        results["wall_time_s"]["total"] = round(time.perf_counter() - started, 1)
        directory.write_json(run_directory.RESULTS, results)
        for server in member.servers:
            referee.announce_end(server)
    process.say(f"finished: everything is in {directory.path}")


def _assemble(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    place: placement.Placement,
    directory: run_directory.RunDirectory,
) -> team.Team:
    """Waits for the other learners; after the last step there is nothing to do together."""
    addresses = place.learner_addresses
    if checkpoints.newest_step(directory) == configured.training.num_steps:
        addresses = []
    if len(addresses) > 1:
        process.say(f"waiting until all {len(addresses)} learners are there")
    learners = team.Team(addresses, place.index, place.public)
    # TensorFlow takes SIGTERM for itself when processes train together.
    process.stop.take_over()
    return learners


def _lead(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    place: placement.Placement,
    member: joining.Membership,
    directory: run_directory.RunDirectory,
    joint: joint_training.JointTraining,
) -> dict[str, Any]:
    """Trains, exports, and waits for the evaluations; returns what `results.json` says."""
    started = time.perf_counter()
    agent = member.agent
    directory.write_operative_config()
    first_step, num_steps = joint.step, configured.training.num_steps
    results = {}
    with contextlib.ExitStack() as stack:
        judge = _make_referee(configured, process, member, directory)
        if judge is not None:
            stack.enter_context(contextlib.closing(judge))

        def submit() -> None:
            is_time = joint.step % configured.evaluation.interval == 0
            if judge is not None and is_time and 0 < joint.step < num_steps:
                judge.watch(joint.step, _values(agent.policy))

        joint.run(submit)
        trained = time.perf_counter()
        directory.export_policy(agent.policy, agent.train_step_counter)
        if judge is not None:
            process.say("training is finished; waiting for the evaluators")
            outcome = judge.finish(joint.step, _values(agent.policy), place.patience_seconds)
            results = outcome.summary()
    results |= configured.describe_training(agent, member.job.card, first_step)
    results["wall_time_s"] = {"data_and_training": round(trained - started, 1)}
    return results


def _make_referee(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    member: joining.Membership,
    directory: run_directory.RunDirectory,
) -> referee.Referee | None:
    """Starts the referee; None where there is no environment to evaluate in."""
    make_environment = configured.task.evaluation_environment
    if make_environment is None:
        return None
    started = referee.Referee(
        run_files.RunFiles(directory.path),
        evaluator.Evaluator(directory, make_environment, configured.evaluation),
        configured.evaluation,
        member.hub,
        process,
    )
    started.start()
    return started


def _values(policy: tf_policy.TFPolicy) -> list[np.ndarray]:
    return [variable.numpy() for variable in policy.variables()]
