"""Demonstrations from a scripted demonstrator, into a dataset folder."""

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

# What a kill can cost each process, and the least work for which a second one is started. More
# shards would take longer to open: some hundredths of a second each.
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
    """Writes demonstrations 0 … `num_episodes` − 1 of a seed into a new dataset folder.

    The folder appears complete or not at all. After an interruption, a kill included, the same call
    goes on from the shards that were finished. Number of processes and interruptions do not change
    a byte of it.

    Args:
        folder: of the dataset; must not exist yet, or be empty.
        make_environment: makes one environment.
        make_demonstrator: makes the demonstrator of a (vector) environment. For several processes
            both are classes or functions of a module; what gin configures, it configures there too.
        num_episodes: at least 1.
        seed: episode k depends on (seed, k) alone.
        num_processes: that share the shards. By default one where the environment has a fast vector
            form, for which the start of others takes longer than they save, and as many as there
            are cores otherwise. There are never more than shards, and one shard is collected in
            this process.
        shard_episodes: episodes a file.
        image_format: how images are stored; "png" and "raw" lose nothing.
        environment_info: Description of the environment and its demonstrator. By default an
            environment is made for it.

    Returns:
        The demonstrator's success rate.

    Raises:
        data.DataError: if the folder cannot be written, or is half finished with other settings.
        RunError: if a worker process fails.
        ValueError: if a number is out of range.
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
        "settings of the demonstrator": _bound(make_demonstrator),
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
        tasks = _missing(parts, num_episodes, shard_episodes)
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
        work = _in_this_process if min(num_processes, len(tasks)) <= 1 else workers.run
        there = num_episodes - sum(task.end - task.first for task in tasks)
        with (
            tqdm.tqdm(
                total=num_episodes, initial=there, desc="demonstrations", unit="episode"
            ) as bar,
            contextlib.closing(work(collector, tasks, num_processes, bar.update)) as collected,
        ):
            for shard in collected:
                parts.add(shard)
        successes = sum(shard.extra["successes"] for shard in parts.finished.values())
        parts.publish({**identity, "successes": successes})
    return successes / num_episodes


def check_origin(
    opened: demonstrations.Demonstrations,
    folder: os.PathLike,
    make_demonstrator: MakeDemonstrator | None,
    seed: int,
) -> None:
    """Holds a dataset that is already there against how it would be collected.

    Raises:
        RunError: if it was collected from another seed, or with other settings of the demonstrator.
    """
    extra = opened.manifest.extra if opened.manifest else {}
    wanted: dict[str, Any] = {"seed": seed}
    if make_demonstrator is not None:
        wanted["settings of the demonstrator"] = _bound(make_demonstrator)
    for name, value in wanted.items():
        known = extra.get(name)
        if known != value:
            raise errors.RunError(
                f"{folder} holds demonstrations with {name} {known}, not {value}. Use another "
                "--data_dir, or remove that folder to collect them anew."
            )


def _bound(factory: Callable[..., Any]) -> dict[str, str]:
    """What gin sets of a class or function, in words."""
    try:
        bindings = gin.get_bindings(factory, resolve_references=False)
    except ValueError:  # gin does not know it
        return {}
    return {name: str(value) for name, value in bindings.items()}


def _missing(
    parts: resumable_dataset.ResumableDataset, num_episodes: int, shard_episodes: int
) -> list[shard_collector.ShardTask]:
    """The shards that are still to be collected, in order."""
    tasks = []
    for number, first in enumerate(range(0, num_episodes, shard_episodes)):
        name = shard_paths.shard_file_name(number)
        if name not in parts.finished:
            end = min(first + shard_episodes, num_episodes)
            tasks.append(shard_collector.ShardTask(os.fspath(parts.work / name), first, end))
    return tasks


def _in_this_process(
    collector: shard_collector.ShardCollector,
    tasks: Sequence[shard_collector.ShardTask],
    num_processes: int,
    report: Callable[[], Any],
) -> Generator[shard_summary.ShardSummary, None, None]:
    """As `worker_pool.run`, without its start-up of some seconds."""
    del num_processes
    with contextlib.closing(collector):
        for task in tasks:
            yield collector(task, report)
