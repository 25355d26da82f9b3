"""A role that dies is started again; not for ever, and not after an error of the user's."""

import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.processes import supervised_role


class FakeChild:
    """A process that does as the test says."""

    def __init__(self):
        self.pid = 1
        self.exit_code = None
        self.said = None
        self.answer = {"ready": False, "says": "training"}

    def health(self):
        return self.answer

    def error(self):
        return self.said


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

    return supervised_role.SupervisedRole("learner", start, max_restarts), children


def test_shows_what_it_says_last(clock):
    role, [child] = supervise()
    answer, child.answer = child.answer, None
    assert role.look() == "starting"
    child.answer = answer
    assert role.look() == "training"
    child.answer = None  # it is too busy to answer
    assert role.look() == "training"


def test_is_started_again_after_a_pause(clock):
    role, children = supervise()
    role.look()
    children[0].exit_code = -9
    assert role.look() == "was ended by SIGKILL"
    clock.now += 0.5
    assert role.look() == "was ended by SIGKILL; next start in 0 s" and len(children) == 1
    clock.now += 0.5
    assert role.look() == "training"
    assert len(children) == 2 and role.restarts == 1


def test_pauses_grow_while_it_does_not_get_ready_and_only_then(clock):
    role, children = supervise()
    pauses = []
    for ready in (False, False, False, True, False):
        children[-1].answer["ready"] = ready
        role.look()
        children[-1].exit_code = 139
        role.look()
        begun = clock.now
        while len(children) < len(pauses) + 2:
            clock.now += 0.5
            role.look()
        pauses.append(clock.now - begun)
    assert pauses == [1.0, 2.0, 4.0, 1.0, 2.0]


def test_dies_once_too_often(clock):
    role, children = supervise(max_restarts=1)
    children[0].exit_code = 75
    children[0].said = "The replay server has gone."
    assert role.look() == "died (The replay server has gone.)"
    clock.now += 1.0
    role.look()
    children[1].exit_code = -11
    with pytest.raises(errors.RunError, match="learner was ended by SIGSEGV, after 1 restarts"):
        role.look()


def test_an_error_of_the_users_is_passed_on_at_once(clock):
    role, [child] = supervise()
    child.exit_code, child.said = 1, "in the gin configuration: no such class"
    with pytest.raises(errors.RunError, match="the learner says: in the gin configuration: no"):
        role.look()


def test_has_finished_when_it_ends_well(clock):
    role, [child] = supervise()
    child.exit_code = 0
    assert not role.finished
    assert role.look() == role.look() == "has ended"
    assert role.finished
