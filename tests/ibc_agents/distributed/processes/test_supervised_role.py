"""A role that dies is restarted, but not forever and not after an error of the user."""

import dataclasses

import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.processes import health_report, supervised_role


class FakeChild:
    """A child process that the test controls."""

    def __init__(self):
        self.pid = 1
        self.exit_code = None
        self.message = None
        self.report = health_report.HealthReport("learner", 1, False, None, None, "training")
        self.killed = False

    def health(self):
        return self.report

    def error_message(self):
        return self.message

    def kill_after(self, seconds):
        self.killed, self.exit_code = True, -9


class Clock:
    """The monotonic clock of the module under test."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(supervised_role.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def supervise(max_restarts=20):
    children = []

    def start():
        children.append(FakeChild())
        return children[-1]

    return supervised_role.SupervisedRole("learner-0", start, max_restarts), children


def test_shows_the_newest_message(clock):
    role, [child] = supervise()
    report, child.report = child.report, None
    assert role.poll() == "starting"
    child.report = report
    assert role.poll() == "training"
    child.report = None  # It is too busy to answer.
    assert role.poll() == "training"


def test_restarts_after_a_delay(clock):
    role, children = supervise()
    role.poll()
    children[0].exit_code = -9
    assert role.poll() == "killed by SIGKILL"
    clock.now += 0.5
    assert role.poll() == "killed by SIGKILL; restart in 0 s" and len(children) == 1
    clock.now += 0.5
    assert role.poll() == "training"
    assert len(children) == 2 and role.restarts == 1


def test_delays_double_until_the_role_is_ready(clock):
    role, children = supervise()
    delays = []
    for ready in (False, False, False, True, False):
        children[-1].report = dataclasses.replace(children[-1].report, ready=ready)
        role.poll()
        children[-1].exit_code = 139
        role.poll()
        start = clock.now
        while len(children) < len(delays) + 2:
            clock.now += 0.5
            role.poll()
        delays.append(clock.now - start)
    assert delays == [1.0, 2.0, 4.0, 1.0, 2.0]


def test_a_stopped_process_is_restarted_but_a_busy_one_is_not(clock):
    role, children = supervise()
    report = children[0].report
    for _ in range(3):
        children[0].report = None
        role.poll()
        clock.now += 59.0
        assert role.poll() in ("starting", "training")
        children[0].report = report
        assert role.poll() == "training"
    children[0].report = None
    role.poll()
    assert not children[0].killed
    clock.now += 60.0
    assert role.poll() == "did not answer for 60 s" and children[0].killed
    clock.now += 1.0
    assert role.poll() == "training" and len(children) == 2 and role.restarts == 1


def test_tells_readiness_and_step(clock):
    role, [child] = supervise()
    assert not role.is_ready and role.step is None
    role.poll()
    assert not role.is_ready
    child.report = dataclasses.replace(child.report, ready=True, step=30)
    role.poll()
    assert role.is_ready and role.step == 30
    child.exit_code = -9
    role.poll()
    assert not role.is_ready


def test_too_many_failures_are_an_error(clock):
    role, children = supervise(max_restarts=1)
    children[0].exit_code = 75
    children[0].message = "the replay server does not answer"
    assert role.poll() == "exited with code 75 (the replay server does not answer)"
    clock.now += 1.0
    role.poll()
    children[1].exit_code = -11
    with pytest.raises(errors.RunError, match="learner-0 killed by SIGSEGV after 1 restarts"):
        role.poll()


def test_an_error_of_the_user_ends_the_job(clock):
    role, [child] = supervise()
    child.exit_code, child.message = 1, "in the gin configuration: no such class"
    with pytest.raises(errors.RunError, match="learner-0: in the gin configuration: no such class"):
        role.poll()


def test_finishes_with_exit_code_0(clock):
    role, [child] = supervise()
    child.exit_code = 0
    assert not role.finished
    assert role.poll() == role.poll() == "finished"
    assert role.finished
