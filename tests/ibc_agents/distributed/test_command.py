"""Errors of the command before it starts a process."""

import pytest

from tests.system import helpers


def test_names_a_root_dir_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    arguments = [
        "--local",
        "--gin_file=gin_configs/particle.gin",
        f"--root_dir={tmp_path}/file/run",
    ]
    error = helpers.error_message(helpers.call("ibc_agents.distributed", *arguments))
    assert f"cannot write to {tmp_path}/file/run/logs (Not a directory)" in error


@pytest.mark.parametrize("arguments", [[], ["--local", "--role=replay"]])
def test_requires_either_local_or_a_role(arguments):
    arguments = [*arguments, "--gin_file=gin_configs/particle.gin"]
    error = helpers.error_message(helpers.call("ibc_agents.distributed", *arguments))
    assert error == "error: pass either --local or --role=replay, learner, evaluator or actor"
