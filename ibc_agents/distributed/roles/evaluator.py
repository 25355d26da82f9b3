"""An evaluator: it runs its share of the episodes of each policy, and reports."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from tf_agents.policies import tf_policy

from environments import base
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import (
    contact,
    messages,
    orders_board,
    protocol,
    tables,
    variables,
)
from ibc_agents.distributed.processes import placement, role_process
from ibc_agents.distributed.roles import joining
from ibc_agents.rollouts import evaluation
from ibc_agents.runs import experiment

_SECONDS_BETWEEN_REPORTS = 2.0


def run(
    configured: experiment.Experiment,
    process: role_process.RoleProcess,
    place: placement.Placement,
) -> None:
    """Evaluates until the job has ended.

    Args:
        configured: what the job is.
        process: this one.
        place: of this process in the job.

    Raises:
        RunError, data.DataError: if something is wrong that the user can mend.
        Stopped: this process is to stop.
    """
    make_environment = configured.task.evaluation_environment
    if make_environment is None:
        raise errors.RunError("There is nothing to evaluate in: set Task.environment.")
    with contextlib.closing(joining.join(configured, process, place)) as member:
        _evaluate(configured.evaluation.batch_size, make_environment, process, member)
    process.say("the job has ended")


def _evaluate(
    batch_size: int,
    make_environment: Callable[[], base.Environment],
    process: role_process.RoleProcess,
    member: joining.Membership,
) -> None:
    policy, server = member.agent.policy, member.hub
    reporter = _Reporter(server)
    runner = evaluation.EpisodeRunner(policy, make_environment, batch_size)
    puller = _Puller(policy, server)
    process.health.ready = True
    process.say(f"ready, by the name of {reporter.name}")
    done: tuple[str, int, int, tuple[int, int]] | None = None
    for orders in orders_board.follow(server, process):
        part = orders.parts.get(reporter.name)
        if part is None or (orders.learner, orders.step, orders.seed, part) == done:
            continue
        if not puller.has(orders):
            continue
        process.health.step = orders.step
        outcomes = tuple(runner.run(orders.seed, range(*part)))
        process.say(
            f"policy of step {orders.step}, episodes {part[0]} to {part[1] - 1}: "
            f"{sum(outcome.success for outcome in outcomes)} of {len(outcomes)} succeeded"
        )
        done = orders.learner, orders.step, orders.seed, part
        reporter.report(
            protocol.Report(reporter.name, orders.learner, orders.step, orders.seed, outcomes)
        )


class _Puller:
    """Keeps a policy at what was published."""

    def __init__(self, policy: tf_policy.TFPolicy, server: contact.Contact) -> None:
        self._policy = policy
        self._server = server
        self._pulled: tuple[str, int] | None = None

    def has(self, orders: protocol.Orders) -> bool:
        """Whether the policy is the one of these orders; pulls it if need be."""
        wanted = orders.learner, orders.step
        if self._pulled != wanted:
            self._server.wait_for(lambda sizes: sizes[variables.TABLE] > 0)
            with contextlib.suppress(messages.Unreachable):
                self._pulled = orders.learner, variables.pull(self._server.address, self._policy)
        return self._pulled == wanted


class _Reporter:
    """Repeats the newest report, so that none is lost and the learner knows who is there."""

    def __init__(self, server: contact.Contact) -> None:
        self.name = protocol.own_name()
        self._server = server
        self._mailbox = messages.Mailbox(server.address, tables.REPORTS)
        self._newest = protocol.Report(self.name)
        self._has_news = threading.Event()
        threading.Thread(target=self._repeat, daemon=True).start()

    def report(self, report: protocol.Report) -> None:
        self._newest = report
        self._has_news.set()

    def _repeat(self) -> None:
        while True:
            if self._server.sizes is not None:
                with contextlib.suppress(messages.Unreachable):
                    self._mailbox.put(self._newest.to_message())
            self._has_news.wait(_SECONDS_BETWEEN_REPORTS)
            self._has_news.clear()
