"""Flags that importers and exporters share. Importing this module does not import TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from absl import flags

from ibc_agents.cli import path_flags

if TYPE_CHECKING:
    from data.episodes import Episode

FLAGS = flags.FLAGS

# --help lists a flag with the command that calls the function, not with this module.
flags.disclaim_key_flags()


def define_import_flags(source: str) -> None:
    """Defines --source, with the help text `source`, and the flags of a new dataset folder."""
    # TensorFlow Datasets reads RLDS from object stores.
    path_flags.define_path("source", None, source, required=True, accept_url=True)
    path_flags.define_path("out", None, "Folder of the dataset; must not exist yet.", required=True)
    flags.DEFINE_integer("num_shards", 1, "Number of shards of the dataset.", lower_bound=1)
    flags.DEFINE_enum(
        "image_format",
        "png",
        ["png", "raw", "jpeg"],
        "Format of stored images; jpeg is lossy.",
    )


def define_observation_keys_flag() -> None:
    """Defines --observation_keys."""
    flags.DEFINE_list(
        "observation_keys",
        None,
        "Parts of the observation to import, each KEY, NAME=KEY or NAME=KEY[A:B], which takes the "
        "elements A to B - 1 and names them NAME. Default: all.",
    )


def define_export_flags(out: str) -> None:
    """Defines --dataset, and --out with the help text `out`."""
    path_flags.define_path(
        "dataset", None, "Dataset folder, .tfrecord shard, or quoted glob.", required=True
    )
    path_flags.define_path("out", None, out, required=True)


def write_dataset(
    imported: Iterable[Episode],
    total: int,
    origin: dict[str, Any],
    action_spec: Any = None,
) -> None:
    """Writes the dataset folder that the flags of `define_import_flags` describe.

    Args:
        imported: The episodes, all of one structure.
        total: Number of episodes.
        origin: Origin of the episodes, for the manifest.
        action_spec: See `importing.write_imported`.

    Raises:
        DataError: If the folder cannot be written, or an episode is not valid.
    """
    from data.formats import importing

    written = importing.write_imported(
        FLAGS.out,
        imported,
        total,
        origin,
        action_spec=action_spec,
        num_shards=FLAGS.num_shards,
        image_format=FLAGS.image_format,
    )
    print(f"{written.num_episodes} episodes of {written.num_frames} frames in {FLAGS.out}")
