"""The learner: trains, publishes policies and writes the results of the job."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import time
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy

from ibc_agents.distributed import job_directory
from ibc_agents.distributed.evaluation import evaluation_coordinator
from ibc_agents.distributed.messaging import assignment_channel
from ibc_agents.distributed.roles import (
    checkpoint_recovery,
    learner_group,
    membership,
    role_context,
    synchronous_training,
)
from ibc_agents.runs import evaluator, run_directory


def run(context: role_context.RoleContext) -> None:
    """Trains to the last step; the chief then waits until all policies have been evaluated.

    Args:
        context: Experiment, process and cluster.

    Raises:
        RunError, data.DataError: If the user must fix an error.
        ShutdownRequested: If this process has been asked to stop; a checkpoint is written.
    """
    start = time.perf_counter()
    experiment, process = context.experiment, context.process
    with contextlib.ExitStack() as stack:
        root_dir = experiment.root_dir
        if context.cluster.index:
            # Only the files of the chief count.
            root_dir = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        directory = run_directory.RunDirectory(root_dir)
        checkpoint_recovery.skip_damaged_checkpoints(directory, process.log)
        group = _form_group(context, directory)
        stack.enter_context(synchronous_training.abort_without_others(group, process))
        tf.keras.utils.set_random_seed(experiment.seed)
        member = stack.enter_context(contextlib.closing(membership.join(context, group.strategy)))
        training = synchronous_training.SynchronousTraining(context, member, directory, group)
        if not group.is_chief:
            training.run()
            process.log("training has finished")
            return
        results = _lead(context, member, directory, training)
        results["wall_time_s"]["total"] = round(time.perf_counter() - start, 1)
        directory.write_json(run_directory.RESULTS, results)
        for server in member.servers:
            assignment_channel.announce_finish(server)
    process.log(f"finished; the results are in {directory.path}")


def _form_group(
    context: role_context.RoleContext, directory: run_directory.RunDirectory
) -> learner_group.LearnerGroup:
    """Waits for the other learners, unless all steps have been taken."""
    process, cluster = context.process, context.cluster
    addresses = cluster.learner_addresses
    if checkpoint_recovery.latest_step(directory) == context.experiment.training.num_steps:
        addresses = []
    if len(addresses) > 1:
        process.log(f"waiting for all {len(addresses)} learners")
    group = learner_group.LearnerGroup(addresses, cluster.index, cluster.public)
    # TensorFlow installs its own handler of SIGTERM for groups of processes.
    process.shutdown.install()
    return group


def _lead(
    context: role_context.RoleContext,
    member: membership.Membership,
    directory: run_directory.RunDirectory,
    training: synchronous_training.SynchronousTraining,
) -> dict[str, Any]:
    """Trains, exports the policy and waits for its evaluation; returns the results."""
    start = time.perf_counter()
    experiment, policy = context.experiment, member.agent.policy
    directory.write_operative_config()
    first_step, num_steps = training.step, experiment.training.num_steps
    results = {}
    with contextlib.ExitStack() as stack:
        coordinator = _start_coordinator(context, member, directory)
        if coordinator is not None:
            stack.enter_context(contextlib.closing(coordinator))

        def submit_policy() -> None:
            is_due = training.step % experiment.evaluation.interval == 0
            if coordinator is not None and is_due and 0 < training.step < num_steps:
                coordinator.submit(training.step, _values(policy))

        training.run(submit_policy)
        end = time.perf_counter()
        directory.export_policy(policy, member.agent.train_step_counter)
        if coordinator is not None:
            context.process.log("training has finished; waiting for the evaluators")
            result = coordinator.finish(
                training.step, _values(policy), context.cluster.patience_seconds
            )
            results = result.summary()
    results |= experiment.describe_training(member.agent, member.job.dataset_info, first_step)
    results["wall_time_s"] = {"data_and_training": round(end - start, 1)}
    return results


def _start_coordinator(
    context: role_context.RoleContext,
    member: membership.Membership,
    directory: run_directory.RunDirectory,
) -> evaluation_coordinator.EvaluationCoordinator | None:
    """Starts the evaluation of policies; returns None without an environment."""
    experiment = context.experiment
    make_environment = experiment.task.evaluation_environment
    if make_environment is None:
        return None
    return evaluation_coordinator.EvaluationCoordinator(
        job_directory.JobDirectory(directory.path),
        evaluator.Evaluator(directory, make_environment, experiment.evaluation),
        experiment.evaluation,
        member.primary,
        context.process,
    )


def _values(policy: tf_policy.TFPolicy) -> list[np.ndarray]:
    return [variable.numpy() for variable in policy.variables()]
