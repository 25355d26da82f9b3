"""Compares our block pushing with episodes recorded in the reference implementation's simulation.

Usage: python benchmarks/pushing_replay.py --dataset=FOLDER [--out=FILE] [--image]

Executes the recorded actions in our scene, open loop from the first frame and one step ahead from
every frame. Prints the distances of effector and block from the recorded poses, and writes them to
benchmarks/results/pushing_replay.json. The control measures the part of the errors that does not
come from different physics: it replays our own demonstrations open loop in our own scene, with a
small offset of the effector. With --image the command draws the images of the two cameras instead.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from collections.abc import Iterable
from typing import Any

import checkout
import measuring  # sets the search path; must precede imports of the project
import numpy as np
import outputs

import data
from environments.block_pushing import (
    Appearance,
    BlockPushingEnvironment,
    Camera,
    SingleTarget,
    SingleTargetDemonstrator,
    replay,
    scene,
)

_OUT = checkout.ROOT / "benchmarks" / "results" / "pushing_replay.json"
_IMAGE = checkout.ROOT / "docs" / "images" / "pushing_appearance.png"
_STATES, _PIXELS = "push", "push_pixels"
_HORIZONS = (1, 5, 10, 25)
_UNITS = {"effector_mm": 1e3, "block_mm": 1e3, "block_degrees": 180 / np.pi}
_CONTROLS = 50  # episodes
_OFFSET = 0.0007  # meters; the mean error of the effector

# Observations [L, …] by name, and actions [L, 2].
Recording = tuple[dict[str, np.ndarray], np.ndarray]


def measure(recordings: list[Recording], controls: list[Recording]) -> dict[str, Any]:
    """Returns the rows of the table: kind of replay → quantity → statistics."""
    return _rows("", recordings) | _rows("control, ", controls)


def demonstrate(number: int, seed: int = 0) -> Iterable[Recording]:
    """Yields demonstrations of ours, with an offset of `_OFFSET` in the recorded effector."""
    environment = BlockPushingEnvironment()
    environment.seed(seed)
    demonstrator = SingleTargetDemonstrator(environment)
    directions = np.random.default_rng(seed).uniform(0, 2 * np.pi, number)
    for offset in _OFFSET * np.column_stack([np.cos(directions), np.sin(directions)]):
        time_step, state = environment.reset(), demonstrator.get_initial_state()
        frames = []
        while not time_step.is_last():
            action, state, _ = demonstrator.action(time_step, state)
            frames.append((time_step.observation, action))
            time_step = environment.step(action)
        frames.append((time_step.observation, action))
        observations = {name: np.array([o[name] for o, _ in frames]) for name in environment.states}
        for name in ("effector_translation", "effector_target_translation"):
            observations[name] = observations[name] + offset
        yield observations, np.array([action for _, action in frames])
    environment.close()


def print_table(rows: dict[str, Any]) -> None:
    """Prints a Markdown table: mean, median, 95th percentile and maximum in each cell."""
    print("| | n | effector, mm | block, mm | block, degrees |")
    print("|---|---|---|---|---|")
    for name, found in rows.items():
        cells = [" / ".join(f"{value:.2f}" for value in found[key].values()) for key in _UNITS]
        print(f"| {name} | {found['number']} | {' | '.join(cells)} |")


def draw(recording: Recording, path: pathlib.Path) -> None:
    """Draws the first and the last frame of an episode: the recorded image above ours."""
    import imageio.v2 as imageio

    simulated = _make_scene(Appearance(detailed=True))
    columns = []
    for row in (0, -1):
        frame = {name: values[row] for name, values in recording[0].items()}
        replay.place(simulated, frame)
        ours = simulated.render(Camera(), *frame["rgb"].shape[:2])
        columns.append(np.vstack([frame["rgb"], ours]))
    simulated.close()
    imageio.imwrite(path, np.hstack(columns))


def _make_scene(appearance: Appearance) -> scene.Scene:
    return scene.Scene(SingleTarget.blocks, SingleTarget.zones, appearance)


def _rows(prefix: str, recordings: list[Recording]) -> dict[str, Any]:
    simulated = _make_scene(Appearance())

    def errors(one_step: bool) -> list[np.ndarray]:
        """Returns the errors of each episode, [L - 1, 3]: effector, block, yaw."""
        return [np.column_stack(replay.follow(simulated, *each, one_step)) for each in recordings]

    one_step, open_loop = errors(one_step=True), errors(one_step=False)
    simulated.close()
    found = {
        "one step ahead, all steps": np.concatenate(one_step),
        "open loop, all steps": np.concatenate(open_loop),
        **{
            f"open loop, step {horizon}": [e[horizon - 1] for e in open_loop if len(e) >= horizon]
            for horizon in _HORIZONS
        },
        "open loop, last step": [each[-1] for each in open_loop],
    }
    return {prefix + name: _statistics(np.array(values)) for name, values in found.items()}


def _statistics(errors: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {"number": len(errors)}
    for (name, unit), values in zip(_UNITS.items(), errors.T, strict=True):
        found[name] = {
            "mean": unit * float(np.mean(values)),
            "median": unit * float(np.median(values)),
            "95th_percentile": unit * float(np.percentile(values, 95)),
            "max": unit * float(np.max(values)),
        }
    return found


def main() -> None:
    """Measures, or draws an image."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--dataset",
        type=pathlib.Path,
        required=True,
        help=f"folder of the datasets {_STATES} and {_PIXELS}",
    )
    parser.add_argument(
        "--out", type=outputs.output_file, default=_OUT, help="JSON file of the results"
    )
    parser.add_argument("--image", action="store_true", help=f"only draw {_IMAGE.name}")
    arguments = parser.parse_args()
    recordings = [
        (episode.frames.observation, episode.frames.action)
        for name in (_STATES, _PIXELS)
        for episode in data.read_episodes(arguments.dataset / name)
    ]
    if arguments.image:
        draw(recordings[-1], _IMAGE)
        return
    rows = measure(recordings, list(demonstrate(_CONTROLS)))
    print_table(rows)
    arguments.out.write_text(json.dumps({"errors": rows, **measuring.machine()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
