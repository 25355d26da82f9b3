"""Pictures of the energy over actions at one observation."""

from __future__ import annotations

import os
from typing import Any

import matplotlib
import numpy as np
import tensorflow as tf
from matplotlib import figure

from ibc_agents import disk
from ibc_agents.agents import implicit_bc_agent

_CHUNK = 4096


def energies_over_plane(
    agent: implicit_bc_agent.ImplicitBCAgent,
    window: Any,
    action: np.ndarray,
    dimensions: tuple[int, ...],
    resolution: int = 101,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Computes E(o, a) on a grid over one or two action dimensions.

    Args:
        agent: a trained agent.
        window: raw observations of one window, a nest of ``[T, …]``.
        action: scaled action ``[A]`` that holds the other dimensions' values.
        dimensions: the one or two dimensions that vary.
        resolution: grid points along each.

    Returns:
        The grid's axes in scaled units, each ``[resolution]``, and the energies
        ``[resolution] * len(dimensions)``, the first axis first.
    """
    batched = tf.nest.map_structure(lambda leaf: tf.convert_to_tensor(leaf)[None], window)
    code = agent.energy_network.encode(agent.normalizer.normalize_observation(batched))
    bounds = agent.normalizer.bounds
    axes = [np.linspace(bounds.low[d], bounds.high[d], resolution) for d in dimensions]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(dimensions))
    actions = np.tile(np.asarray(action, np.float32), [len(grid), 1])
    actions[:, list(dimensions)] = grid
    energies = [
        agent.energy_network.energy(code, tf.constant(actions[None, start : start + _CHUNK]))[0]
        for start in range(0, len(actions), _CHUNK)
    ]
    return axes, np.concatenate(energies).reshape([resolution] * len(dimensions))


def save_landscape(
    agent: implicit_bc_agent.ImplicitBCAgent,
    window: Any,
    demonstrated_action: Any,
    path: str | os.PathLike,
) -> None:
    """Draws the energy over the first one or two action dimensions into a PNG.

    The other dimensions are held at the demonstrated action.

    Args:
        agent: a trained agent.
        window: raw observations of one window, a nest of ``[T, …]``.
        demonstrated_action: nest of actions in the environment's units; marked in the picture.
        path: of the PNG.
    """
    demonstrated = agent.normalizer.scale_action(demonstrated_action).numpy()
    dimensions = (0, 1) if agent.normalizer.action_space.size > 1 else (0,)
    axes, energies = energies_over_plane(agent, window, demonstrated, dimensions)
    with matplotlib.rc_context({"font.size": 9}):
        drawing = figure.Figure(figsize=(5.2, 4.2), dpi=150, layout="constrained")
        plot = drawing.add_subplot()
        if len(dimensions) == 1:
            _draw_line(plot, axes[0], energies, demonstrated)
        else:
            _draw_plane(drawing, plot, axes, energies, demonstrated)
        plot.legend(loc="upper right", facecolor="0.7", framealpha=0.9)
        with disk.replacing(path) as partial:
            drawing.savefig(partial)


def _draw_line(plot, axis, energies, demonstrated):
    plot.plot(axis, energies)
    plot.axvline(demonstrated[0], color="tab:red", label="demonstrated action")
    plot.axvline(axis[np.argmin(energies)], color="black", ls="--", label="lowest energy")
    plot.set(xlabel="action 0 (scaled)", ylabel="energy E(o, a)")


def _draw_plane(drawing, plot, axes, energies, demonstrated):
    # Energies span orders of magnitude: colours follow the height above the minimum, compressed.
    height = np.log1p(energies - energies.min())
    shown = plot.contourf(axes[0], axes[1], height.T, levels=40, cmap="viridis")
    drawing.colorbar(shown, ax=plot, label="log(1 + E − min E)")
    lowest = np.unravel_index(np.argmin(energies), energies.shape)
    plot.plot(*demonstrated[:2], "o", ms=11, mfc="none", mec="tab:red", mew=2, label="demonstrated")
    plot.plot(axes[0][lowest[0]], axes[1][lowest[1]], "wx", ms=8, mew=2, label="lowest energy")
    plot.set(
        xlabel="action 0 (scaled)", ylabel="action 1 (scaled)", title="Energy over the action plane"
    )
