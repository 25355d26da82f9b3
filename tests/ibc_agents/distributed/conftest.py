"""A job whose processes are killed at the end of the test."""

import pytest

from tests.ibc_agents.distributed import job_processes


@pytest.fixture
def job(tmp_path):
    started = job_processes.Job(tmp_path)
    yield started
    started.kill_all()
