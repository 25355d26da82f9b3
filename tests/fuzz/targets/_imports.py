"""What the targets of the importers share: HDF5 files that are damaged as a whole, or in a part."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from ibc_agents.core import errors
from tests.fuzz import mutations
from tests.fuzz import target as target_lib
from tests.system import helpers

_FORBIDDEN = "forbidden"  # file name
_UNUSED = "infos"  # what importers do not read


def import_dataset(folder: pathlib.Path, command: str, *arguments: str) -> None:
    """Runs an importer in this process.

    Raises:
        UserError: If it printed one sentence.
        Wrong: If it accepted a source that is marked as forbidden.
    """
    out = folder / "out"
    done = helpers.call(f"data.{command}", *arguments, f"--out={out}")
    shutil.rmtree(out, ignore_errors=True)
    if done.returncode:
        raise errors.UserError(helpers.error_message(done))
    if (folder / _FORBIDDEN).exists():
        raise target_lib.Wrong((folder / _FORBIDDEN).read_text(encoding="utf-8"))


def forbid(folder: pathlib.Path, reason: str) -> None:
    """Marks a source that an importer must not accept."""
    (folder / _FORBIDDEN).write_text(reason, encoding="utf-8")


def damage_hdf5(path: pathlib.Path, folder: pathlib.Path, generator: np.random.Generator) -> str:
    """Damages the bytes of an HDF5 file, or replaces or removes one of its objects.

    Args:
        path: An undamaged file.
        folder: The input of the target, which contains it.
        generator: Source of randomness.

    Returns:
        A description of the damage.
    """
    if generator.random() < 0.6:
        return mutations.damage_file(path, generator)
    with h5py.File(path, "a") as file:
        names: list[str] = []
        file.visit(names.append)
        name = mutations.choose(generator, sorted(names))
        kind = mutations.choose(generator, sorted(_REPLACEMENTS))
        old = file[name][()] if isinstance(file[name], h5py.Dataset) else np.zeros(3)
        if old.dtype.kind not in "biuf":
            old = np.arange(old.size).reshape(old.shape)
        del file[name]
        _REPLACEMENTS[kind](file, name, old)
        is_read = not name.startswith(_UNUSED)
        if kind.startswith("other file") or (kind == "unwritten" and old.size and is_read):
            forbid(folder, f"{name} is {kind}, and may have been read")
    return f"{name} replaced: {kind}"


def _dataset(**options: Any) -> Callable[[h5py.File, str, np.ndarray], None]:
    def replace(file: h5py.File, name: str, old: np.ndarray) -> None:
        file.create_dataset(name, **options)

    return replace


def _values(change: Callable[[np.ndarray], Any]) -> Callable[[h5py.File, str, np.ndarray], None]:
    def replace(file: h5py.File, name: str, old: np.ndarray) -> None:
        file.create_dataset(name, data=change(np.asarray(old)))

    return replace


def _external(file: h5py.File, name: str, old: np.ndarray) -> None:
    place = [(file.filename, 0, h5py.h5f.UNLIMITED)]
    file.create_dataset(name, old.shape or (3,), np.uint8, external=place)


def _virtual(file: h5py.File, name: str, old: np.ndarray) -> None:
    layout = h5py.VirtualLayout(old.shape or (3,), np.float32)
    layout[...] = h5py.VirtualSource("absent.hdf5", "values", old.shape or (3,))
    file.create_virtual_dataset(name, layout)


def _link(link: Any) -> Callable[[h5py.File, str, np.ndarray], None]:
    def replace(file: h5py.File, name: str, old: np.ndarray) -> None:
        file[name] = link

    return replace


_REPLACEMENTS: dict[str, Callable[[h5py.File, str, np.ndarray], None]] = {
    "nothing": lambda file, name, old: None,
    "a group": lambda file, name, old: file.create_group(name),
    "a claim of 2^40 rows": _dataset(shape=(2**40,), dtype="f4", chunks=(1024,)),
    "a claim of 2^62 bytes": _dataset(shape=(2**30, 2**30), dtype="f4", chunks=(1, 1024)),
    "unwritten": lambda file, name, old: file.create_dataset(name, old.shape or (9,), "f4"),
    "a scalar": _values(lambda old: 1.0),
    "null": _dataset(data=h5py.Empty("f4")),
    "empty": _values(lambda old: old[:0] if old.ndim else old),
    "shorter": _values(lambda old: old[:-1] if old.ndim else old),
    "a row of each": _values(lambda old: old[..., None]),
    "flat": _values(lambda old: old.reshape(-1)),
    "a table": _values(lambda old: np.zeros(5, [("a", "f4"), ("b", "i4")])),
    "complex": _values(lambda old: old.astype(np.complex64)),
    "extended": _values(lambda old: old.astype(np.longdouble)),
    "big-endian": _values(lambda old: old.astype(">f8")),
    "uint64": _values(lambda old: np.full(old.shape, 2**64 - 1, np.uint64)),
    "booleans": _values(lambda old: old.astype(bool)),
    "NaN": _values(lambda old: np.full(old.shape, np.nan)),
    "infinite": _values(lambda old: np.full(old.shape, 1e300)),
    "text": _values(lambda old: ["a", "bc", "\u00e9"]),
    "bytes": _values(lambda old: np.array([b"\xff\xfe", b""])),
    "lists": _dataset(shape=(3,), dtype=h5py.vlen_dtype(np.float32)),
    "an enum": _dataset(data=np.zeros(3, np.int8), dtype=h5py.enum_dtype({"A": 0}, basetype="i1")),
    "references": _dataset(shape=(3,), dtype=h5py.ref_dtype),
    "other file, external": _external,
    "other file, virtual": _virtual,
    "other file, link": _link(h5py.ExternalLink("absent.hdf5", "/actions")),
    "a soft link to nothing": _link(h5py.SoftLink("/absent")),
    "a soft link to itself": _link(h5py.SoftLink("/")),
}
