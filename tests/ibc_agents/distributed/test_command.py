"""What the command says where nothing can be started."""

import pytest

from tests.system import helpers


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    arguments = [
        "--local",
        "--gin_file=gin_configs/particle.gin",
        f"--root_dir={tmp_path}/file/run",
    ]
    said = helpers.sentence(helpers.call("ibc_agents.distributed", *arguments))
    assert f"Cannot write to {tmp_path}/file/run/logs: Not a directory" in said


@pytest.mark.parametrize("arguments", [[], ["--local", "--role=replay"]])
def test_what_to_do_must_be_said(arguments):
    arguments = [*arguments, "--gin_file=gin_configs/particle.gin"]
    said = helpers.sentence(helpers.call("ibc_agents.distributed", *arguments))
    assert said == "error: say either --local or --role=replay, learner, evaluator or actor"
