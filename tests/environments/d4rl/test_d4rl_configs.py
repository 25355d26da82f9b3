"""D4RL's gin files: runs of a task train on all demonstrations of that task."""

import pytest

from ibc_agents.cli import gin_files
from ibc_agents.runs import settings
from ibc_agents.runs import task as task_lib
from tests.environments.d4rl.test_d4rl_tasks import TASKS

METHODS = ("methods/ibc", "methods/mse", "recipes/kitchen", "paper/d4rl_langevin", "paper/d4rl_mse")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", TASKS)
def test_a_run_learns_from_all_demonstrations_of_its_task(task, method):
    files = [f"tasks/{task.name.replace('_', '/', 1)}", method]
    gin_files.parse_gin([f"gin_configs/{name}.gin" for name in files], [])
    environment = task_lib.Task().environment()
    assert environment.name == task.name
    wanted = settings.DemonstrationSettings()
    assert wanted.dataset == f"datasets/{task.dataset}"
    assert (wanted.validation_fraction, wanted.top_return_fraction) == (0.0, 1.0)
