"""A job whose processes end with the test."""

import pytest

from tests.ibc_agents.distributed import roles


@pytest.fixture
def job(tmp_path):
    started = roles.Job(tmp_path)
    yield started
    started.kill_all()
