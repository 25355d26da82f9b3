"""The learner: it trains, publishes policies and keeps what the job leaves behind."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy

from data import replay
from ibc_agents import errors, evaluator, experiment, run_directory, training
from ibc_agents.distributed import (
    checkpoints,
    held_out_batches,
    joining,
    messages,
    placement,
    referee,
    role_process,
    run_files,
    stopping,
    tables,
)

_SECONDS_BETWEEN_LINES = 10.0


def run(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    place: placement.Placement,
) -> None:
    """Trains to the last step, and ends when every policy has been evaluated.

    Args:
        configured: what the job is.
        process: this one.
        place: of this process in the job.

    Raises:
        RunError, data.DataError: if something is wrong that the user can mend.
        Stopped: this process is to stop; a checkpoint is written.
    """
    started = time.perf_counter()
    source = _source(configured)
    directory = run_directory.RunDirectory(configured.root_dir)
    checkpoints.set_aside_damaged(directory, process.say)
    tf.keras.utils.set_random_seed(configured.seed)
    with contextlib.closing(joining.join(configured, process, place)) as member:
        trainer = _make_trainer(configured, source, member, directory)
        results = _learn(configured, process, member, directory, trainer, place.patience_seconds)
        results["wall_time_s"]["total"] = round(time.perf_counter() - started, 1)
        directory.write_json(run_directory.RESULTS, results)
        for server in member.servers:
            referee.announce_end(server)
    process.say(f"finished: everything is in {directory.path}")


def _learn(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    member: joining.Membership,
    directory: run_directory.RunDirectory,
    trainer: training.Trainer,
    patience_seconds: float,
) -> dict[str, Any]:
    """Trains, exports, and waits for the evaluations; returns what `results.json` says."""
    started = time.perf_counter()
    agent = member.agent
    directory.write_operative_config()
    first_step = trainer.step
    results = {}
    with contextlib.ExitStack() as stack:
        judge = _make_referee(configured, process, member, directory)
        if judge is not None:
            stack.enter_context(contextlib.closing(judge))
        _train(trainer, agent.policy, judge, configured, process)
        trained = time.perf_counter()
        directory.export_policy(agent.policy, agent.train_step_counter)
        if judge is not None:
            process.say("training is finished; waiting for the evaluators")
            outcome = judge.finish(trainer.step, _values(agent.policy), patience_seconds)
            results = outcome.summary()
    results |= configured.describe_training(agent, member.job.card, first_step)
    results["wall_time_s"] = {"data_and_training": round(trained - started, 1)}
    return results


def _source(configured: experiment.Experiment) -> replay.ReverbSource:
    source = configured.source
    if not isinstance(source, replay.ReverbSource):
        raise errors.RunError(
            "A distributed job takes its batches from the replay server: set Experiment.source = "
            f"@ReverbSource() in place of {type(source).__name__}."
        )
    return source


def _make_trainer(
    configured: experiment.Experiment,
    source: replay.ReverbSource,
    member: joining.Membership,
    directory: run_directory.RunDirectory,
) -> training.Trainer:
    card = member.job.card
    directory.check_dataset(card.dataset_hash, card.name)
    addresses = [server.address for server in member.servers]
    member.hub.call(lambda: source.connect(addresses, card.spec))
    window, batch_size = member.job.window, configured.training.batch_size
    return training.Trainer(
        directory,
        member.agent,
        lambda step: source.dataset(window, batch_size, configured.seed, step),
        _held_out(member),
        configured.training,
    )


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


def _train(
    trainer: training.Trainer,
    policy: tf_policy.TFPolicy,
    judge: referee.Referee | None,
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
) -> None:
    num_steps, interval = configured.training.num_steps, configured.evaluation.interval

    def submit() -> None:
        if judge is not None and trainer.step % interval == 0 and 0 < trainer.step < num_steps:
            judge.watch(trainer.step, _values(policy))

    process.health.ready = True
    process.health.step = trainer.step
    process.say(f"training from step {trainer.step} to {num_steps}")
    submit()  # A kill may have come between the checkpoint and this.
    said, said_step = time.monotonic(), trainer.step
    for loss in trainer.losses(interval):
        process.health.step = trainer.step
        submit()
        now = time.monotonic()
        if now - said > _SECONDS_BETWEEN_LINES or trainer.step == num_steps:
            rate = (trainer.step - said_step) / (now - said)
            process.say(f"step {trainer.step} of {num_steps}, {rate:.0f} steps/s, loss {loss:.4g}")
            said, said_step = now, trainer.step
        try:
            process.stop.check()
        except stopping.Stopped:
            trainer.checkpoint()
            process.say(f"stopped at step {trainer.step}; the same command goes on from there")
            raise


def _held_out(member: joining.Membership) -> Sequence:
    if not member.job.card.validation_episodes:
        return []
    member.hub.wait_for(lambda sizes: sizes[tables.HELD_OUT] > 0)
    board = messages.Board(member.hub.address, tables.HELD_OUT)
    message = member.hub.call(board.get)
    return held_out_batches.from_message(message, member.job.card.spec)


def _values(policy: tf_policy.TFPolicy) -> list[np.ndarray]:
    return [variable.numpy() for variable in policy.variables()]
