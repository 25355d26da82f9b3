"""Flags that importers share. Importing this module does not import TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from absl import flags

if TYPE_CHECKING:
    from data.episodes import Episode

FLAGS = flags.FLAGS

# --help lists a flag with the command that calls the function, not with this module.
flags.disclaim_key_flags()


def define_import_flags() -> None:
    """Defines the flags of the form of a new dataset; `path_flags` defines its paths."""
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


def define_action_keys_flag() -> None:
    """Defines --action_keys."""
    flags.DEFINE_list(
        "action_keys", None, "Parts of the action to import, as those of the observation."
    )


def write_dataset(
    imported: Iterable[Episode | None],
    total: int,
    origin: dict[str, Any],
    action_spec: Any = None,
) -> None:
    """Writes the dataset folder that the flags of an importer describe.

    Args:
        imported: The episodes, all of one structure; None for one without an executed action.
        total: Number of episodes that the source says it has.
        origin: Origin of the episodes, for the manifest.
        action_spec: See `importing.write_imported`.

    Raises:
        DataError: If the folder cannot be written, an episode is not valid, or their number differs
            from `total`.
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
    if omitted := total - written.num_episodes:
        print(f"{omitted} episodes without an executed action are omitted")
