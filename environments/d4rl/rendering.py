"""Pictures of MuJoCo simulations, drawn without a window."""

from __future__ import annotations

import ctypes.util
import dataclasses
import importlib
import os
import weakref
from typing import Any

import mujoco
import numpy as np

from environments.errors import RenderingError

# MuJoCo's names of what can draw, and the library that each needs.
_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}
_MOST_GEOMS = 1000


@dataclasses.dataclass(frozen=True)
class Camera:
    """A camera that looks at a point.

    Attributes:
        looks_at: metres.
        distance: from there, metres.
        azimuth: degrees; at 90 it looks along y.
        elevation: degrees; below 0 it looks down.
    """

    looks_at: tuple[float, float, float]
    distance: float
    azimuth: float
    elevation: float


class Renderer:
    """Draws a model in any of its states.

    It draws with EGL, or with OSMesa where there is no EGL; the environment variable MUJOCO_GL
    chooses, as everywhere in MuJoCo. Both are software where there is no graphics card.

    Args:
        model: what is drawn.
        camera: that sees it.
        height: of the pictures, pixels.
        width: of the pictures, pixels.

    Raises:
        RenderingError: If nothing that draws without a window works here.
    """

    def __init__(self, model: mujoco.MjModel, camera: Camera, height: int, width: int) -> None:
        self._model = model
        # Drawing reckons where things are; the simulation's own data must not notice.
        self._data = mujoco.MjData(model)
        self._camera = mujoco.MjvCamera()
        self._camera.lookat[:] = camera.looks_at
        self._camera.distance = camera.distance
        self._camera.azimuth = camera.azimuth
        self._camera.elevation = camera.elevation
        self._options = mujoco.MjvOption()
        self._scene = mujoco.MjvScene(model, _MOST_GEOMS)
        # Without a graphics card shadows and mirrors cost several times what all the rest does.
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._gl = _context(width, height)
        self._gl.make_current()
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        model.vis.quality.offsamples = 0  # smooth edges cost more than all the rest
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        # Also at the interpreter's end, while OpenGL still answers.
        self.close = weakref.finalize(self, _free, self._gl, self._context)

    def picture(self, data: mujoco.MjData) -> np.ndarray:
        """Draws a state: uint8 [height, width, 3]."""
        self._data.qpos[:] = data.qpos
        self._data.mocap_pos[:] = data.mocap_pos
        self._data.mocap_quat[:] = data.mocap_quat
        mujoco.mj_fwdPosition(self._model, self._data)
        mujoco.mjv_updateScene(
            self._model,
            self._data,
            self._options,
            None,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        pixels = np.empty([self._viewport.height, self._viewport.width, 3], np.uint8)
        self._gl.make_current()
        mujoco.mjr_render(self._viewport, self._scene, self._context)
        mujoco.mjr_readPixels(pixels, None, self._viewport, self._context)
        return pixels[::-1].copy()  # OpenGL counts rows from below


def _context(width: int, height: int) -> Any:
    name = os.environ.get("MUJOCO_GL", "").lower() or _installed()
    try:
        return importlib.import_module(f"mujoco.{name}").GLContext(width, height)
    except Exception as error:  # of many kinds: of imports, of OpenGL, None that has no attribute
        raise RenderingError(
            f"MuJoCo cannot draw with MUJOCO_GL={name} here ({error}). Install libegl1 and "
            "libgl1-mesa-dri, or libosmesa6 with MUJOCO_GL=osmesa; or make no pictures or videos."
        ) from error


def _installed() -> str:
    for name, library in _LIBRARIES.items():
        if ctypes.util.find_library(library):
            return name
    raise RenderingError(
        "MuJoCo draws with EGL or OSMesa, and neither is installed. Install libegl1 and "
        "libgl1-mesa-dri, or libosmesa6; or make no pictures or videos."
    )


def _free(gl: Any, context: mujoco.MjrContext) -> None:
    gl.make_current()
    context.free()
    gl.free()
