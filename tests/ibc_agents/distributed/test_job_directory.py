"""A folder belongs to one job."""

import pytest

from ibc_agents.core import errors
from ibc_agents.distributed import job_directory

ADDRESS = "replay:1"


def test_contract_distributed_job_has_one_identifier_per_folder(tmp_path):
    replay = job_directory.JobDirectory(tmp_path / "replay")
    job_id = replay.make_job_id()
    assert replay.make_job_id() == job_id
    assert job_directory.JobDirectory(tmp_path / "other").make_job_id() != job_id
    learner = job_directory.JobDirectory(tmp_path / "learner")
    for _ in range(2):
        learner.check_job_id(job_id, ADDRESS)
    other = "ab" * 16
    message = (
        f"belongs to the job {job_id[:8]}, but the replay server {ADDRESS} serves the job abab"
    )
    with pytest.raises(errors.RunError, match=message):
        learner.check_job_id(other, ADDRESS)


@pytest.mark.parametrize("content", [b"", b"ab", b"\xff" * 32, b"g" * 32])
def test_a_damaged_identifier_is_an_error(tmp_path, content):
    (tmp_path / "job_id").write_bytes(content)
    with pytest.raises(errors.RunError, match="cannot read .*job_id .it is damaged.. Delete it"):
        job_directory.JobDirectory(tmp_path).make_job_id()
