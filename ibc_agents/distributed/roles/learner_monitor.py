"""The progress of a learner: its log, its health, submitted policies and its shutdown."""

from __future__ import annotations

import time

from tf_agents.policies import tf_policy

from ibc_agents.distributed.evaluation import evaluation_coordinator
from ibc_agents.distributed.messaging import policy_variables
from ibc_agents.distributed.roles import learner_group, role_context
from ibc_agents.runs.training import trainer as trainer_lib

_LOG_SECONDS = 10.0


class LearnerMonitor:
    """Follows the training of a learner.

    It corresponds to `TrainingMonitor` in a training of one process
    (`ibc_agents.runs.training.monitor`).
    """

    def __init__(
        self,
        context: role_context.RoleContext,
        group: learner_group.LearnerGroup,
        trainer: trainer_lib.Trainer,
        policy: tf_policy.TFPolicy,
        coordinator: evaluation_coordinator.EvaluationCoordinator | None,
    ) -> None:
        """Creates the monitor before the first step.

        Args:
            context: Experiment, process and cluster.
            group: All learners.
            trainer: Trainer of this learner.
            policy: Policy of the trained agent.
            coordinator: Evaluates policies; None for learners other than the chief and without an
                environment.
        """
        self._process = context.process
        self._evaluation_interval = context.experiment.evaluation.interval
        self._num_steps = context.experiment.training.num_steps
        self._group = group
        self._trainer = trainer
        self._policy = policy
        self._coordinator = coordinator
        self._last_log_time = time.monotonic()
        self._last_log_step = trainer.step

    def start(self) -> None:
        """Reports the first step, and submits the policy of a checkpoint if that is due."""
        step = self._trainer.step
        self._process.health.ready = True
        self._process.health.step = step
        self._process.log(f"training from step {step} to {self._num_steps}")
        # A kill between a checkpoint and `on_progress` must not skip the evaluation of the step.
        self._submit_policy(step)

    def on_progress(self, step: int, loss: float) -> None:
        """Reports a step, submits the policy if that is due, and stops if a signal has arrived.

        Args:
            step: Number of steps taken.
            loss: Loss of the last step.

        Raises:
            RunError: If the policy cannot be written to disk.
            ShutdownRequested: If this process has been asked to stop; a checkpoint is written.
        """
        self._process.health.step = step
        self._submit_policy(step)
        self._log(step, loss)
        # After the last step, this also waits until the chief has written its checkpoint.
        if self._group.any(self._process.shutdown.is_requested):
            self._stop(step)

    def _submit_policy(self, step: int) -> None:
        is_due = step % self._evaluation_interval == 0 and 0 < step < self._num_steps
        if self._coordinator is not None and is_due:
            self._coordinator.submit(step, policy_variables.read_values(self._policy))

    def _log(self, step: int, loss: float) -> None:
        now = time.monotonic()
        if now - self._last_log_time > _LOG_SECONDS or step == self._num_steps:
            rate = (step - self._last_log_step) / (now - self._last_log_time)
            self._process.log(
                f"step {step} of {self._num_steps}, {rate:.0f} steps/s, loss {loss:.4g}"
            )
            self._last_log_time, self._last_log_step = now, step

    def _stop(self, step: int) -> None:
        self._trainer.save_checkpoint()
        self._process.log(f"stopped at step {step}; the same command continues from there")
        self._process.shutdown.check()
        self._process.abort("another learner of the job was stopped")
