"""A MuJoCo model and its state, which can be saved and restored bit for bit."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

# Everything that the next step depends on, besides the model.
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


class Snapshot(NamedTuple):
    """All that a simulation is, as arrays of its own.

    Attributes:
        state: of positions, velocities, and what the solver starts from.
        body_pos: of the model, metres; here and below tasks put what an episode fixes.
        body_quat: of the model.
        site_pos: of the model, metres.
    """

    state: np.ndarray
    body_pos: np.ndarray
    body_quat: np.ndarray
    site_pos: np.ndarray


class Simulation:
    """Steps a model; positions of bodies and sites are those of the last substep's begin.

    Args:
        model: this simulation's own, if any of it is to be changed between episodes.

    Attributes:
        model: its positions of bodies and sites are part of what is saved and restored.
        data: MuJoCo's state and what it reckons from it.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self.model = model
        self.data = mujoco.MjData(model)

    def reset(self) -> None:
        """Forgets everything but the model."""
        mujoco.mj_resetData(self.model, self.data)

    def settle(self) -> None:
        """Reckons everything anew from positions and velocities; no time passes."""
        mujoco.mj_forward(self.model, self.data)

    def advance(self, control: np.ndarray, substeps: int) -> None:
        """Holds the actuators' controls for some substeps."""
        self.data.ctrl[:] = control
        mujoco.mj_step(self.model, self.data, substeps)

    def save(self) -> Snapshot:
        """The state as it is now; later steps leave it alone."""
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        model = self.model
        return Snapshot(state, model.body_pos.copy(), model.body_quat.copy(), model.site_pos.copy())

    def restore(self, snapshot: Snapshot) -> None:
        """Takes over what `save` returned."""
        self.model.body_pos[:] = snapshot.body_pos
        self.model.body_quat[:] = snapshot.body_quat
        self.model.site_pos[:] = snapshot.site_pos
        mujoco.mj_setState(self.model, self.data, snapshot.state, _STATE)
