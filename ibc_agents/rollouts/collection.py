"""Collects demonstrations of a scripted demonstrator into a dataset folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Sequence
from typing import Any

import gin
import tqdm

from data.reading import demonstrations
from data.shards import encoding, shard_paths, shard_summary
from data.writing import resumable_dataset
from environments import base
from ibc_agents.core import errors, version
from ibc_agents.rollouts import environment_info as environment_info_lib
from ibc_agents.rollouts import shard_collector, workers

MakeDemonstrator = shard_collector.MakeDemonstrator

# Episodes per shard. An interruption loses the unfinished shard of each process. Smaller shards
# would make a dataset slower to open, by some hundredths of a second per shard.
SHARD_EPISODES = 50


def collect(
    folder: str | os.PathLike,
    make_environment: Callable[[], base.Environment],
    make_demonstrator: MakeDemonstrator,
    num_episodes: int,
    seed: int,
    *,
    num_processes: int | None = None,
    shard_episodes: int = SHARD_EPISODES,
    image_format: encoding.ImageFormat = "png",
    environment_info: environment_info_lib.EnvironmentInfo | None = None,
) -> float:
    """Writes demonstrations 0 to `num_episodes` − 1 of a seed to a new dataset folder.

    The folder appears only when the dataset is complete. After an interruption, or if the process
    was killed, the same call continues from the finished shards. The number of processes and the
    interruptions do not change any byte of the dataset.

    Args:
        folder: Folder of the dataset. It must be empty or not exist.
        make_environment: Makes one environment.
        make_demonstrator: Makes the demonstrator of a (vector) environment. For several processes,
            both factories must be classes or functions of a module. The processes have the gin
            configuration of this one.
        num_episodes: Number of demonstrations, at least 1.
        seed: Seed of the dataset. Demonstration k depends on (seed, k) alone.
        num_processes: Largest number of processes. Default: 1 if the environment has a vector form,
            whose speed makes more processes useless, and otherwise the number of cores. A single
            shard is collected in this process.
        shard_episodes: Number of demonstrations per shard, at least 1.
        image_format: Encoding of images, one of `encoding.IMAGE_FORMATS`. "png" and "raw" are
            lossless.
        environment_info: Description of the environment and its demonstrator. Default: an
            environment is made for it.

    Returns:
        The success rate of the demonstrator, in [0, 1].

    Raises:
        data.DataError: If the folder cannot be written, or if an interrupted collection into it had
            other settings.
        RunError: If a worker process fails.
        ValueError: If a number is out of range.
    """
    if min(num_episodes, shard_episodes, 1 if num_processes is None else num_processes) < 1:
        raise ValueError(
            "collect needs num_episodes, shard_episodes and num_processes of at least 1, got "
            f"{num_episodes}, {shard_episodes}, {num_processes}."
        )
    info = environment_info or environment_info_lib.EnvironmentInfo.from_factory(
        make_environment, make_demonstrator
    )
    identity = {
        "environment": info.name,
        "demonstrator": info.demonstrator_name,
        "settings of the demonstrator": _gin_settings(make_demonstrator),
        "seed": seed,
    }
    settings = {
        **identity,
        "number of episodes": num_episodes,
        "episodes a shard": shard_episodes,
        "image format": image_format,
        "release": version.__version__,
    }
    with resumable_dataset.ResumableDataset(folder, settings) as parts:
        tasks = _missing_shards(parts, num_episodes, shard_episodes)
        collector = shard_collector.ShardCollector(
            make_environment,
            make_demonstrator,
            environment_name=info.name,
            rows=min(shard_episodes, num_episodes) if info.has_vector_form else 1,
            seed=seed,
            image_format=image_format,
            folder=parts.folder,
        )
        if num_processes is None:
            num_processes = 1 if info.has_vector_form else len(os.sched_getaffinity(0))
        finished = num_episodes - sum(task.end - task.first for task in tasks)
        with tqdm.tqdm(
            total=num_episodes, initial=finished, desc="demonstrations", unit="episode"
        ) as bar:
            if min(num_processes, len(tasks)) <= 1:
                shards = _collect_here(collector, tasks, bar.update)
            else:
                shards = workers.run(collector, tasks, num_processes, bar.update)
            with contextlib.closing(shards):
                for shard in shards:
                    parts.add(shard)
        successes = sum(shard.extra["successes"] for shard in parts.finished.values())
        parts.publish({**identity, "successes": successes})
    return successes / num_episodes


def check_origin(
    dataset: demonstrations.Demonstrations,
    folder: os.PathLike,
    make_demonstrator: MakeDemonstrator | None,
    seed: int,
) -> None:
    """Checks that an existing dataset was collected as it would be collected now.

    Args:
        dataset: The dataset.
        folder: Folder of the dataset.
        make_demonstrator: Makes the demonstrator; None if there is none.
        seed: Seed of the collection.

    Raises:
        RunError: If the dataset has another seed or other settings of the demonstrator.
    """
    extra = dataset.manifest.extra if dataset.manifest else {}
    expected: dict[str, Any] = {"seed": seed}
    if make_demonstrator is not None:
        expected["settings of the demonstrator"] = _gin_settings(make_demonstrator)
    for name, value in expected.items():
        found = extra.get(name)
        if found != value:
            raise errors.RunError(
                f"{folder} holds demonstrations with {name} {found}, not {value}. Use another "
                "--data_dir, or remove that folder to collect them again."
            )


def _gin_settings(factory: Callable[..., Any]) -> dict[str, str]:
    """Returns the gin bindings of a class or function as text."""
    try:
        bindings = gin.get_bindings(factory, resolve_references=False)
    except ValueError:  # The factory is not registered with gin.
        return {}
    return {name: str(value) for name, value in bindings.items()}


def _missing_shards(
    parts: resumable_dataset.ResumableDataset, num_episodes: int, shard_episodes: int
) -> list[shard_collector.ShardTask]:
    """Returns the shards that are not yet collected, in order."""
    tasks = []
    for number, first in enumerate(range(0, num_episodes, shard_episodes)):
        name = shard_paths.shard_file_name(number)
        if name not in parts.finished:
            end = min(first + shard_episodes, num_episodes)
            tasks.append(shard_collector.ShardTask(os.fspath(parts.work / name), first, end))
    return tasks


def _collect_here(
    collector: shard_collector.ShardCollector,
    tasks: Sequence[shard_collector.ShardTask],
    report: Callable[[], Any],
) -> Generator[shard_summary.ShardSummary, None, None]:
    """Collects shards in this process, which saves the seconds that a worker needs to start."""
    with contextlib.closing(collector):
        for task in tasks:
            yield collector(task, report)
