"""Draws the energy of a trained run over its actions, and how the policy searches it.

    python -m ibc_agents.plot_energy --policy=runs/particle --frame=25 --out=energy.png
    python -m ibc_agents.plot_energy --policy=runs/particle --out=energy.gif
    python -m ibc_agents.plot_energy --policy=runs/particle --rollout --out=energy.mp4

At one observation of a held-out demonstration (of one to train on if none is held out), or along
all of it; with --rollout along an episode of the policy itself, with the environment's picture.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from absl import flags

from ibc_agents.cli import command_line, common_flags, gin_files

_POLICY = flags.DEFINE_string("policy", None, "The run's root_dir.", required=True)
_EPISODE = flags.DEFINE_integer(
    "episode",
    0,
    "Number of the held-out demonstration; with --rollout, of the evaluation's episode.",
    lower_bound=0,
)
_FRAME = flags.DEFINE_integer(
    "frame", None, "Number of the observation, for a picture; all for a video.", lower_bound=0
)
_OUT = flags.DEFINE_string(
    "out",
    None,
    "The picture, .png, or the video, .gif or .mp4. Default: energy.png with --frame, else"
    " energy.gif.",
)
_ROLLOUT = flags.DEFINE_bool(
    "rollout", False, "Along an episode of the policy, the one that evaluate shows."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "What the policy draws (and the rollout) depends on (seed, episode).", lower_bound=0
)
_DIMENSIONS = flags.DEFINE_list(
    "dimensions", None, "One or two action dimensions, as 0,2. Default: the first that vary."
)
_HOLD = flags.DEFINE_enum(
    "hold",
    "demonstrated",
    ["demonstrated", "chosen"],
    "Action that gives the other dimensions' values. A rollout has none that is demonstrated.",
)
_SAMPLES = flags.DEFINE_integer("samples", 64, "Samples of the policy to draw.", lower_bound=0)
_PATHS = flags.DEFINE_integer(
    "paths", 24, "Of these, those drawn with the way they came.", lower_bound=0
)
_RESOLUTION = flags.DEFINE_integer(
    "resolution", 101, "Grid points along a dimension.", lower_bound=2, upper_bound=1001
)
_DATA_DIR = flags.DEFINE_string("data_dir", "datasets", "Folder of collected demonstrations.")
common_flags.define_gin_flags()
FLAGS = flags.FLAGS

_FRAMES_PER_SECOND = 10


def main() -> None:
    """Draws the landscapes."""
    from ibc_agents.runs import experiment as experiment_lib
    from ibc_agents.runs import run_directory

    out = _output()
    # So that a misspelt folder is told from a wrong configuration.
    directory = run_directory.RunDirectory(_POLICY.value, writable=False)
    config = directory.path / run_directory.OPERATIVE_CONFIG
    gin_files.parse_gin([str(config), *FLAGS.gin_file], FLAGS.gin_bindings)
    experiment = experiment_lib.Experiment.from_gin(directory.path, _DATA_DIR.value)
    opened = experiment.open_demonstrations(collect=False)
    agent = experiment.make_agent(opened)
    landscapes = _landscapes(agent)
    experiment.restore(agent, opened)
    if _ROLLOUT.value:
        episode, moments = f"rollout {_EPISODE.value}", _rollout(experiment, agent)
    else:
        episode, moments = _demonstration(opened, agent)
    if _FRAME.value is None:
        _write_video(out, episode, moments, landscapes)
        print(f"the energy along {episode} is in {out}")
    else:
        _write_picture(out, episode, moments, landscapes)
        print(f"the energy at frame {_FRAME.value} of {episode} is in {out}")


def _output() -> pathlib.Path:
    """Returns the file to write, whose suffix must go with the other flags."""
    from ibc_agents.core import errors
    from ibc_agents.visualization import videos

    picture = _FRAME.value is not None
    out = pathlib.Path(_OUT.value or ("energy.png" if picture else "energy.gif"))
    if picture and out.suffix != ".png":
        raise errors.RunError(f"{out} is no name for a picture of one frame; end it in .png.")
    if not picture and out.suffix == ".png":
        raise errors.RunError(f"{out} shows one observation: say which with --frame.")
    if not picture:
        videos.check_suffix(out)
    return out


def _landscapes(agent: Any) -> Any:
    """Makes what computes landscapes of the agent."""
    from ibc_agents.core import errors
    from ibc_agents.visualization import energy_landscape

    if not isinstance(agent, energy_landscape.EnergyAgent):
        raise errors.RunError(
            f"{_POLICY.value} is a run of {type(agent).__name__}, which has no energy to draw; "
            "ImplicitBCAgent and AutoregressiveBCAgent have one."
        )
    given = _DIMENSIONS.value
    if given is not None and not all(text.isdecimal() for text in given):
        raise errors.RunError(f"--dimensions are one or two numbers, as 0,2; got {','.join(given)}")
    try:
        dimensions = None if given is None else [int(text) for text in given]
        return energy_landscape.Landscapes(agent, dimensions, _RESOLUTION.value)
    except ValueError as error:
        raise errors.RunError(f"in --dimensions: {error}") from error


def _demonstration(opened: Any, agent: Any) -> tuple[str, Iterator[Any]]:
    """Returns what to call the demonstration, and its moments."""
    from ibc_agents.core import errors
    from ibc_agents.rollouts import rollout_seeds
    from ibc_agents.visualization import landscape_moments

    kind, part = "held-out", opened.validation
    if not len(part):
        kind, part = "training", opened.train
    number = _EPISODE.value
    episode = next(itertools.islice(part, number, None), None)
    if episode is None:
        raise errors.RunError(
            f"there is no {kind} demonstration {number}: --episode is 0 to {len(part) - 1}"
        )
    policy_seed = rollout_seeds.for_evaluation(_SEED.value, number).actor
    moments = landscape_moments.recall_demonstration(agent.policy, episode, policy_seed)
    return f"{kind} demonstration {number}", moments


def _rollout(experiment: Any, agent: Any) -> Iterable[Any]:
    """Returns the moments of an episode of the policy."""
    from ibc_agents.core import errors
    from ibc_agents.visualization import landscape_moments

    make_environment = experiment.task.evaluation_environment
    if make_environment is None:
        raise errors.RunError(
            "the run has no environment for --rollout: name one with --gin_file, as "
            "--gin_file=gin_configs/tasks/particle.gin"
        )

    return landscape_moments.record_rollout(
        agent.policy, make_environment, _SEED.value, _EPISODE.value
    )


def _write_picture(
    out: pathlib.Path, episode: str, moments: Iterable[Any], landscapes: Any
) -> None:
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
                moment.picture,
            )
            return
    raise errors.RunError(f"{episode} has no frame {_FRAME.value}: --frame is 0 to {number}")


def _write_video(out: pathlib.Path, episode: str, moments: Iterable[Any], landscapes: Any) -> None:
    """Draws all moments, on one scale."""
    import tqdm

    from ibc_agents.visualization import landscape_plots, videos

    shown = [
        (landscapes.at(moment, _HOLD.value == "chosen"), moment.picture)
        for moment in tqdm.tqdm(moments, desc="energies", unit="frame")
    ]
    highest = max(of_moment.highest for of_moment, _ in shown)
    recorder = videos.RolloutRecorder()
    for number, (of_moment, picture) in enumerate(tqdm.tqdm(shown, desc="drawing", unit="frame")):
        drawing = landscape_plots.draw(
            of_moment,
            _SAMPLES.value,
            _PATHS.value,
            f"{episode}, frame {number}",
            picture,
            highest,
        )
        recorder(0, landscape_plots.rasterize(drawing))
    recorder.write(out, _FRAMES_PER_SECOND)


if __name__ == "__main__":
    command_line.run(main)
