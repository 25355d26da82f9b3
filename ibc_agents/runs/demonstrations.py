"""Opens the demonstrations of a run, and collects them first if they are missing."""

from __future__ import annotations

import pathlib

from data.reading import demonstrations as demonstrations_lib
from ibc_agents.core import errors, files
from ibc_agents.rollouts import collection, environment_info
from ibc_agents.runs import settings
from ibc_agents.runs import task as task_lib
from ibc_agents.runs.records import file_lock


def open_demonstrations(
    config: settings.DemonstrationSettings,
    task: task_lib.Task,
    environment: environment_info.EnvironmentInfo | None,
    data_dir: pathlib.Path,
    collect: bool = True,
) -> demonstrations_lib.Demonstrations:
    """Opens the dataset that `config` names, or the environment's own demonstrations.

    Args:
        config: Choice of the demonstrations.
        task: Environment and demonstrator.
        environment: Description of the environment; None without one.
        data_dir: Folder of collected demonstrations.
        collect: Whether to collect the environment's own demonstrations if they are missing. False
            also accepts demonstrations that were collected with another seed or demonstrator.

    Raises:
        RunError: If there is neither a dataset nor a way to collect one, or the demonstrations in
            the folder differ from those that this run would collect.
        data.DataError: If the dataset is damaged.
    """
    if config.dataset is not None:
        dataset = demonstrations_lib.Demonstrations.open(
            config.dataset, config.validation_fraction, config.top_return_fraction
        )
        if dataset.fragments:
            print(
                f"{len(dataset.fragments)} shards of {dataset.name} begin within an episode; "
                f"{sum(dataset.fragments.values())} frames before the next one are not used"
            )
        return dataset
    if task.environment is None or environment is None:
        raise errors.RunError(
            "there are no demonstrations: set DemonstrationSettings.dataset to demonstrations on "
            "disk, or Task.environment and Task.demonstrator to collect some."
        )
    folder = data_dir / f"{environment.name}_{config.num_episodes}"
    if not folder.exists():
        if not collect:
            raise errors.RunError(
                f"the demonstrations {folder} are missing; name their folder with --data_dir."
            )
        if task.demonstrator is None:
            raise errors.RunError(
                f"the demonstrations {folder} are missing; set Task.demonstrator to collect them."
            )
        _collect(folder, task, environment, config)
    dataset = demonstrations_lib.Demonstrations.open(
        folder, config.validation_fraction, config.top_return_fraction
    )
    if collect:
        collection.check_origin(dataset, folder, task.demonstrator, config.seed)
    return dataset


def _collect(
    folder: pathlib.Path,
    task: task_lib.Task,
    environment: environment_info.EnvironmentInfo,
    config: settings.DemonstrationSettings,
) -> None:
    """Collects the demonstrations, or waits until another run has collected them."""
    assert task.environment is not None and task.demonstrator is not None
    with files.report_disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f".{folder.name}.lock")

    def on_wait(holder: str) -> None:
        print(f"waiting for {holder}, which collects {folder}", flush=True)

    with file_lock.hold(lock, on_wait):
        if not folder.exists():
            collection.collect(
                folder,
                task.environment,
                task.demonstrator,
                config.num_episodes,
                config.seed,
                num_processes=config.num_processes,
                environment_info=environment,
            )
