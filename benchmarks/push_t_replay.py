"""Compares our Push-T with the published human demonstrations: motion, scores and images.

Usage: python benchmarks/push_t_replay.py [--demonstrations FOLDER] [--out FILE]

Executes the actions of each of the 206 demonstrations in our simulation, open loop from the first
recorded state, and draws the recorded states of the 15 demonstrations that have images. Prints
the differences and writes them to benchmarks/results/push_t_replay.json.
"""

from __future__ import annotations

import argparse
import json
import pathlib

import checkout
import h5py
import measuring  # sets the search path; must precede imports of the project
import numpy as np
import outputs
import zarr

from environments.push_t import PushTEnvironment, geometry, rendering

_OUT = checkout.ROOT / "benchmarks" / "results" / "push_t_replay.json"
_DEMONSTRATIONS = checkout.ROOT.parent / "shared" / "demonstrations"
_QUANTILES = {"median": 0.5, "0.99": 0.99, "maximum": 1.0}


def main() -> None:
    """Measures and writes the differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstrations", type=pathlib.Path, default=_DEMONSTRATIONS)
    parser.add_argument("--out", type=outputs.output_file, default=_OUT)
    arguments = parser.parse_args()
    folder = arguments.demonstrations / "pusht"
    result = {
        **_replay(folder / "pusht_lowdim_robomimic.hdf5"),
        **_draw(folder / "pusht_cchi_v7_replay_first_15.zarr"),
        **measuring.machine(),
    }
    print(json.dumps(result, indent=2))
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _replay(path: pathlib.Path) -> dict:
    """Returns the largest differences of each demonstration in an open-loop replay."""
    environment = PushTEnvironment()
    environment.seed(0)
    discs, blocks, scores, people = [], [], [], []
    with h5py.File(path) as file:
        for number in range(len(file["data"])):
            episode = file[f"data/demo_{number}"]
            disc, block = episode["obs/agent_pos"][()], episode["obs/block_pose"][()]
            recorded = episode["rewards"][()]
            steps = [environment.reset_to(disc[0], block[0])]
            for action in episode["actions"][:-1]:
                steps.append(environment.step(action))
                if steps[-1].is_last():
                    break
            length = len(steps)
            found = [step.observation for step in steps]
            discs.append(_distance([each["agent_pos"] for each in found], disc[:length]))
            blocks.append(_distance([each["block_pose"][:2] for each in found], block[:length, :2]))
            score = np.sum([step.reward for step in steps[1:]])
            scores.append(abs(score - recorded[: length - 1].max()))
            people.append(recorded.max())
    return {
        "demonstrations": len(blocks),
        "disc_pixels": _quantiles(discs),
        "block_pixels": _quantiles(blocks),
        "score": _quantiles(scores),
        "mean_score_of_people": round(float(np.mean(people)), 4),
    }


def _draw(path: pathlib.Path) -> dict:
    """Returns how many pixels of our images are equal to those of the published ones."""
    columns = zarr.open_group(str(path), mode="r")["data"]
    equal, difference = [], []
    for state, image in zip(columns["state"][::10], columns["img"][::10], strict=True):
        disc, pose = state[:2], geometry.Pose(*map(float, state[2:]))
        away = np.abs(rendering.draw(disc, pose, 96).astype(np.float64) - image)
        equal.append(np.mean(away.max(axis=-1) == 0))
        difference.append(away.mean())
    return {
        "images": len(equal),
        "equal_pixels": round(float(np.mean(equal)), 4),
        "mean_difference_of_255": round(float(np.mean(difference)), 4),
    }


def _distance(found, recorded) -> float:
    return float(np.max(np.linalg.norm(np.array(found) - recorded, axis=-1)))


def _quantiles(values: list[float]) -> dict[str, float]:
    return {name: float(f"{np.quantile(values, at):.3g}") for name, at in _QUANTILES.items()}


if __name__ == "__main__":
    main()
