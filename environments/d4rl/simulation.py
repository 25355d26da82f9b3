"""A MuJoCo simulation whose state can be saved and restored exactly."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

# The parts of the state that determine the next step, apart from the model.
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


class Snapshot(NamedTuple):
    """The complete state of a simulation, as arrays that nothing else shares.

    Tasks write the initial poses of an episode to the model, so the snapshot includes them.

    Attributes:
        state: Positions, velocities and the warm start of the solver.
        body_pos: Body positions of the model, in meters.
        body_quat: Body orientations of the model.
        site_pos: Site positions of the model, in meters.
    """

    state: np.ndarray
    body_pos: np.ndarray
    body_quat: np.ndarray
    site_pos: np.ndarray


class Simulation:
    """A model and its state.

    After `advance`, the positions of bodies and sites are those at the start of the last substep.

    Args:
        model: The model. It must not be shared if it changes between episodes.

    Attributes:
        model: The model, whose body and site poses are part of the saved state.
        data: MuJoCo's state and derived quantities.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self.model = model
        self.data = mujoco.MjData(model)

    def reset(self) -> None:
        """Resets the state. The model does not change."""
        mujoco.mj_resetData(self.model, self.data)

    def forward(self) -> None:
        """Computes the quantities derived from positions and velocities, without a step."""
        mujoco.mj_forward(self.model, self.data)

    def advance(self, control: np.ndarray, substeps: int) -> None:
        """Simulates some substeps under constant actuator controls."""
        self.data.ctrl[:] = control
        mujoco.mj_step(self.model, self.data, substeps)

    def save(self) -> Snapshot:
        """Returns a copy of the complete state."""
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        model = self.model
        return Snapshot(state, model.body_pos.copy(), model.body_quat.copy(), model.site_pos.copy())

    def restore(self, snapshot: Snapshot) -> None:
        """Restores a value that `save` returned."""
        self.model.body_pos[:] = snapshot.body_pos
        self.model.body_quat[:] = snapshot.body_quat
        self.model.site_pos[:] = snapshot.site_pos
        mujoco.mj_setState(self.model, self.data, snapshot.state, _STATE)
