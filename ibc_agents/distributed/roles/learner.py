"""The learner: trains, publishes policies and writes the results of the job."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import time
from typing import Any

import tensorflow as tf

from ibc_agents.distributed import job_directory
from ibc_agents.distributed.evaluation import evaluation_coordinator
from ibc_agents.distributed.messaging import assignment_channel, policy_variables
from ibc_agents.distributed.roles import (
    learner_group,
    learner_monitor,
    membership,
    role_context,
    synchronous_training,
)
from ibc_agents.runs import evaluator, run_directory
from ibc_agents.runs.records import acceleration_history
from ibc_agents.runs.training import trainer as trainer_lib


def run(context: role_context.RoleContext) -> None:
    """Trains to the last step; the chief then waits until all policies have been evaluated.

    Args:
        context: Experiment, process and cluster.

    Raises:
        UserError: If something is wrong that the user can fix.
        ShutdownRequested: If this process has been asked to stop; a checkpoint is written.
    """
    start = time.perf_counter()
    experiment, process = context.experiment, context.process
    with contextlib.ExitStack() as stack:
        root_dir = experiment.root_dir
        if context.cluster.index:
            # Only the files of the chief are kept.
            root_dir = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        directory = run_directory.RunDirectory(root_dir, log=process.log)
        stack.enter_context(directory.locked())
        group = _form_group(context, directory)
        stack.enter_context(synchronous_training.abort_without_others(group, process))
        tf.keras.utils.set_random_seed(experiment.seed)
        member = stack.enter_context(contextlib.closing(membership.join(context, group.strategy)))
        if group.is_chief:
            folder = job_directory.JobDirectory(directory.path)
            folder.check_job_id(member.job.job_id, member.primary.address)
        trainer = synchronous_training.make_trainer(context, member, directory, group)
        if not group.is_chief:
            _train(context, member, group, trainer, None)
            process.log("training has finished")
            return
        results = _lead(context, member, group, directory, trainer)
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
    newest = directory.checkpoints.newest()
    if newest is not None and newest.step == context.experiment.training.num_steps:
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
    group: learner_group.LearnerGroup,
    directory: run_directory.RunDirectory,
    trainer: trainer_lib.Trainer,
) -> dict[str, Any]:
    """Trains, exports the policy and waits for its evaluation; returns the results."""
    start = time.perf_counter()
    experiment, agent = context.experiment, member.agent
    first_step = trainer.step
    choices = acceleration_history.record(
        directory.path, first_step, experiment.training.num_steps, context.process.log
    )
    results = {}
    with contextlib.ExitStack() as stack:
        coordinator = _start_coordinator(context, member, directory)
        if coordinator is not None:
            stack.enter_context(contextlib.closing(coordinator))
        _train(context, member, group, trainer, coordinator)
        end = time.perf_counter()
        directory.export_policy(agent.policy, agent.train_step_counter)
        if coordinator is not None:
            context.process.log("training has finished; waiting for the evaluators")
            values = policy_variables.read_values(agent.policy)
            patience_seconds = context.cluster.patience_seconds
            results = coordinator.finish(trainer.step, values, patience_seconds).summary()
    results |= experiment.describe_training(agent, member.job.dataset_info, first_step, choices)
    results["wall_time_s"] = {"data_and_training": round(end - start, 1)}
    return results


def _train(
    context: role_context.RoleContext,
    member: membership.Membership,
    group: learner_group.LearnerGroup,
    trainer: trainer_lib.Trainer,
    coordinator: evaluation_coordinator.EvaluationCoordinator | None,
) -> None:
    monitor = learner_monitor.LearnerMonitor(
        context, group, trainer, member.agent.policy, coordinator
    )
    monitor.start()
    trainer.train(context.experiment.evaluation.interval, monitor.on_progress)


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
        evaluator.Evaluator(
            directory, member.agent.policy, make_environment, experiment.evaluation
        ),
        experiment.evaluation,
        member.primary,
        context.process,
    )
