"""Offscreen rendering of MuJoCo simulations."""

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

# MuJoCo's names of the rendering backends, and the library that each requires.
_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}
_MOST_GEOMS = 1000


@dataclasses.dataclass(frozen=True)
class Camera:
    """A camera that points at a target.

    Attributes:
        looks_at: Position of the target, in meters.
        distance: Distance from the target, in meters.
        azimuth: Angle in degrees. At 90 the view direction is y.
        elevation: Angle in degrees. Negative values view from above.
    """

    looks_at: tuple[float, float, float]
    distance: float
    azimuth: float
    elevation: float


class Renderer:
    """Renders states of a model.

    The backend is EGL, or OSMesa if EGL is not installed. The environment variable MUJOCO_GL
    overrides this choice, as in MuJoCo. Without a GPU both backends render in software.

    Args:
        model: The model to render.
        camera: The camera.
        height: Height of the images, in pixels.
        width: Width of the images, in pixels.

    Raises:
        RenderingError: If no offscreen backend works on this machine.
    """

    def __init__(self, model: mujoco.MjModel, camera: Camera, height: int, width: int) -> None:
        self._model = model
        # Rendering computes derived positions and must not change the simulation's data.
        self._data = mujoco.MjData(model)
        self._camera = mujoco.MjvCamera()
        self._camera.lookat[:] = camera.looks_at
        self._camera.distance = camera.distance
        self._camera.azimuth = camera.azimuth
        self._camera.elevation = camera.elevation
        self._options = mujoco.MjvOption()
        self._scene = mujoco.MjvScene(model, _MOST_GEOMS)
        # In software, shadows and reflections take several times as long as everything else.
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._gl = _context(width, height)
        self._gl.make_current()
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        model.vis.quality.offsamples = 0  # antialiasing more than doubles the time
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        # The finalizer also runs at interpreter exit, before OpenGL is unloaded.
        self.close = weakref.finalize(self, _free, self._gl, self._context)

    def render(self, data: mujoco.MjData) -> np.ndarray:
        """Renders a state.

        Args:
            data: The state to render.

        Returns:
            Uint8 [height, width, 3], RGB.
        """
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
        return pixels[::-1].copy()  # OpenGL orders rows from bottom to top


def _context(width: int, height: int) -> Any:
    name = os.environ.get("MUJOCO_GL", "").lower() or _installed_backend()
    try:
        return importlib.import_module(f"mujoco.{name}").GLContext(width, height)
    except Exception as error:  # backends raise various types of errors
        raise RenderingError(
            f"MuJoCo cannot render with MUJOCO_GL={name} on this machine ({error}). Install "
            "libegl1 and libgl1-mesa-dri, or libosmesa6 with MUJOCO_GL=osmesa, or disable images "
            "and videos."
        ) from error


def _installed_backend() -> str:
    for name, library in _LIBRARIES.items():
        if ctypes.util.find_library(library):
            return name
    raise RenderingError(
        "MuJoCo renders with EGL or OSMesa, and neither is installed. Install libegl1 and "
        "libgl1-mesa-dri, or libosmesa6, or disable images and videos."
    )


def _free(gl: Any, context: mujoco.MjrContext) -> None:
    gl.make_current()
    context.free()
    gl.free()
