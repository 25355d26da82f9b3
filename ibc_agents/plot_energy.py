"""Draws the energy of a trained run over the actions, and the samples of its policy.

    python -m ibc_agents.plot_energy --policy=runs/particle --frame=25 --out=energy.png
    python -m ibc_agents.plot_energy --policy=runs/particle --out=energy.gif
    python -m ibc_agents.plot_energy --policy=runs/particle --rollout --out=energy.mp4

With --frame it draws one observation of a held-out demonstration, without it all of them. If no
demonstration is held out, it takes a training demonstration. With --rollout it draws an episode of
the policy, beside images of the environment.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from absl import flags

from ibc_agents.cli import command_line, common_flags, path_flags

_POLICY = path_flags.define_path("policy", None, "The root_dir of the run.", required=True)
_EPISODE = flags.DEFINE_integer(
    "episode",
    0,
    "Number of the held-out demonstration, or with --rollout of the evaluation episode.",
    lower_bound=0,
)
_FRAME = flags.DEFINE_integer(
    "frame", None, "Number of the observation. Default: all, as a video.", lower_bound=0
)
_OUT = path_flags.define_path(
    "out",
    None,
    "File to write: an image, .png, or a video, .gif or .mp4. Default: energy.png with --frame,"
    " otherwise energy.gif.",
)
_ROLLOUT = flags.DEFINE_bool(
    "rollout", False, "Draw an episode of the policy, the same as in an evaluation."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "The policy's samples and the rollout depend on (seed, episode).", lower_bound=0
)
_DIMENSIONS = flags.DEFINE_list(
    "dimensions",
    None,
    "One or two action dimensions, such as 0,2. Default: the first two that vary.",
)
_HOLD = flags.DEFINE_enum(
    "hold",
    "demonstrated",
    ["demonstrated", "chosen"],
    "Action that gives the values of the other dimensions. A rollout has no demonstrated action.",
)
_SAMPLES = flags.DEFINE_integer(
    "samples", 64, "Number of the policy's samples to draw.", lower_bound=0
)
_PATHS = flags.DEFINE_integer(
    "paths", 24, "Number of samples to draw with the path of their search.", lower_bound=0
)
_RESOLUTION = flags.DEFINE_integer(
    "resolution", 101, "Number of grid points along a dimension.", lower_bound=2, upper_bound=1001
)
_DATA_DIR = path_flags.define_path("data_dir", "datasets", "Folder of collected demonstrations.")
common_flags.define_trust_flag()
common_flags.define_gin_flags()
FLAGS = flags.FLAGS

_FRAMES_PER_SECOND = 10


def main() -> None:
    """Draws the landscapes."""
    from ibc_agents.runs import experiment as experiment_lib
    from ibc_agents.runs import run_directory

    out = _output_path()
    # First, so that a misspelled folder is not reported as a wrong configuration.
    directory = run_directory.RunDirectory(_POLICY.value, writable=False)
    config = directory.path / run_directory.OPERATIVE_CONFIG
    common_flags.parse_gin_flags(run_config=config)
    experiment = experiment_lib.Experiment.from_gin(directory.path, _DATA_DIR.value)
    dataset = experiment.open_demonstrations(collect=False)
    agent = experiment.make_agent(dataset)
    landscapes = _make_landscapes(agent)
    _restore(agent, directory, dataset)
    if _ROLLOUT.value:
        episode, moments = f"rollout {_EPISODE.value}", _iterate_rollout(experiment, agent)
    else:
        episode, moments = _recall_demonstration(dataset, agent)
    if _FRAME.value is None:
        _write_video(out, episode, moments, landscapes)
        print(f"the energy along {episode} is in {out}")
    else:
        _write_image(out, episode, moments, landscapes)
        print(f"the energy at frame {_FRAME.value} of {episode} is in {out}")


def _output_path() -> pathlib.Path:
    """Returns the file to write, and checks that it can be written."""
    from ibc_agents.core import errors, files
    from ibc_agents.visualization import videos

    image = _FRAME.value is not None
    out = pathlib.Path(_OUT.value or ("energy.png" if image else "energy.gif"))
    if image and out.suffix != ".png":
        raise errors.RunError(f"--out={out} must end in .png for an image of one frame.")
    if not image and out.suffix == ".png":
        raise errors.RunError(
            f"--out={out} is an image of one observation; choose it with --frame."
        )
    if image:
        files.prepare_output(out)
    else:
        videos.prepare_output(out)
    return out


def _make_landscapes(agent: Any) -> Any:
    """Makes the object that computes energy landscapes of the agent."""
    from ibc_agents.agents import energy_based_agent
    from ibc_agents.core import errors
    from ibc_agents.visualization import energy_landscape

    if not isinstance(agent, energy_based_agent.EnergyBasedAgent):
        raise errors.RunError(
            f"{_POLICY.value} is a run of {type(agent).__name__}, which has no energy to draw; "
            "ImplicitBCAgent and AutoregressiveBCAgent have one."
        )
    words = _DIMENSIONS.value
    if words is not None and not all(word.isdecimal() for word in words):
        raise errors.RunError(
            f"--dimensions must be one or two numbers, such as 0,2; got {','.join(words)}."
        )
    try:
        dimensions = None if words is None else [int(word) for word in words]
        return energy_landscape.Landscapes(agent, dimensions, _RESOLUTION.value)
    except ValueError as error:
        raise errors.RunError(f"in --dimensions: {error}") from error


def _restore(agent: Any, directory: Any, dataset: Any) -> None:
    """Restores the agent from the newest checkpoint of the run."""
    from ibc_agents.core import errors

    directory.check_dataset(dataset.dataset_hash, dataset.name)
    if directory.checkpoints.newest() is None:
        raise errors.RunError(
            f"{directory.path} has no checkpoint yet; wait until the run has written one."
        )
    directory.restore_checkpoint(agent)


def _recall_demonstration(dataset: Any, agent: Any) -> tuple[str, Iterator[Any]]:
    """Returns the name of the demonstration and its moments."""
    from ibc_agents.core import errors
    from ibc_agents.rollouts import rollout_seeds
    from ibc_agents.visualization import landscape_moments

    kind, split = "held-out", dataset.validation
    if not len(split):
        kind, split = "training", dataset.train
    number = _EPISODE.value
    episode = next(itertools.islice(split, number, None), None)
    if episode is None:
        raise errors.RunError(
            f"there is no {kind} demonstration {number}; --episode must be 0 to {len(split) - 1}."
        )
    policy_seed = rollout_seeds.for_evaluation(_SEED.value, number).actor
    moments = landscape_moments.recall_demonstration(agent.policy, episode, policy_seed)
    return f"{kind} demonstration {number}", moments


def _iterate_rollout(experiment: Any, agent: Any) -> Iterator[Any]:
    """Returns the moments of an episode of the policy, which runs as far as they are asked for."""
    from ibc_agents.core import errors
    from ibc_agents.visualization import landscape_moments

    make_environment = experiment.task.evaluation_environment
    if make_environment is None:
        raise errors.RunError(
            "the run has no environment for --rollout; name one with --gin_file, such as "
            "--gin_file=gin_configs/tasks/particle.gin."
        )
    return landscape_moments.iterate_rollout(
        agent.policy, make_environment, _SEED.value, _EPISODE.value
    )


def _write_image(out: pathlib.Path, episode: str, moments: Iterable[Any], landscapes: Any) -> None:
    """Draws one moment."""
    from ibc_agents.core import errors
    from ibc_agents.visualization import landscape_plots

    number = -1
    for number, moment in enumerate(moments):
        if number == _FRAME.value:
            landscape_plots.save(
                landscapes.at(moment, _HOLD.value == "chosen"),
                out,
                _SAMPLES.value,
                _PATHS.value,
                f"{episode}, frame {number}",
                moment.image,
            )
            return
    raise errors.RunError(f"{episode} has no frame {_FRAME.value}; --frame must be 0 to {number}.")


def _write_video(out: pathlib.Path, episode: str, moments: Iterable[Any], landscapes: Any) -> None:
    """Draws all moments with one color scale."""
    import tqdm

    from ibc_agents.visualization import landscape_plots, videos

    frames = [
        (landscapes.at(moment, _HOLD.value == "chosen"), moment.image)
        for moment in tqdm.tqdm(moments, desc="energies", unit="frame")
    ]
    highest = max(landscape.highest for landscape, _ in frames)
    recorder = videos.RolloutRecorder()
    for number, (landscape, image) in enumerate(tqdm.tqdm(frames, desc="drawing", unit="frame")):
        drawing = landscape_plots.draw(
            landscape,
            _SAMPLES.value,
            _PATHS.value,
            f"{episode}, frame {number}",
            image,
            highest,
        )
        recorder(0, landscape_plots.rasterize(drawing))
    recorder.write(out, _FRAMES_PER_SECOND)


if __name__ == "__main__":
    command_line.run(main)
