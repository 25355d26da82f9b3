"""What the commands of this package share: a quiet start, flags, and errors as one sentence.

Commands import this module first: nothing here imports TensorFlow until a command runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from absl import app, flags, logging

from data import errors

if TYPE_CHECKING:
    from data.episodes import episodes

FLAGS = flags.FLAGS
_HELP = frozenset({"--help", "-help", "--helpshort", "--helpfull", "-?"})

# So that --help lists the flags defined below among those of the command that asks for them.
flags.disclaim_key_flags()


def run(main: Callable[[], None], after_interrupt: str = "nothing was written") -> None:
    """Runs a command; what the user can mend is printed without a traceback.

    Exits with 0, with 1 after an error the user can mend, and with 130 after Ctrl-C.

    Args:
        main: the command.
        after_interrupt: what to say of it after Ctrl-C.
    """
    quieten()

    def guarded(arguments: list[str]) -> None:
        if len(arguments) > 1:
            sys.exit(f"error: unexpected argument {arguments[1]!r}; see --help")
        try:
            main()
        except KeyboardInterrupt:
            print(f"\ninterrupted; {after_interrupt}", flush=True)
            sys.exit(130)
        except errors.DataError as error:
            sys.exit(f"error: {error}")

    app.run(guarded, flags_parser=_parse_flags)


def _parse_flags(arguments: list[str]) -> list[str]:
    """As absl does, except that help is no failure."""
    try:
        return app.parse_flags_with_usage(arguments)
    except SystemExit:
        if _HELP.isdisjoint(arguments):
            raise
        sys.exit(0)


def quieten() -> None:
    """Turns the libraries' start-up noise down; call it before TensorFlow is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.set_verbosity(logging.ERROR)
    from gym_notices import notices

    # TF-Agents imports gym, which prints a notice about its successor.
    notices.notices.clear()


def define_import_flags(source: str) -> None:
    """Defines --source, described by `source`, and what decides how a dataset folder is written."""
    flags.DEFINE_string("source", None, source, required=True)
    flags.DEFINE_string("out", None, "Folder of the dataset; must not exist yet.", required=True)
    flags.DEFINE_integer("num_shards", 1, "Files that the episodes are dealt to.", lower_bound=1)
    flags.DEFINE_enum(
        "image_format", "png", ["png", "raw", "jpeg"], "How images are stored; jpeg loses a little."
    )


def define_observation_keys_flag() -> None:
    """Defines --observation_keys."""
    flags.DEFINE_list(
        "observation_keys", None, "Parts of the observation to take, by name; by default all."
    )


def define_export_flags(out: str) -> None:
    """Defines --dataset, and --out, described by `out`."""
    flags.DEFINE_string(
        "dataset", None, "Dataset folder, .tfrecord shard, or quoted glob.", required=True
    )
    flags.DEFINE_string("out", None, out, required=True)


def write_dataset(
    imported: Iterable[episodes.Episode],
    total: int,
    origin: dict[str, Any],
    action_spec: Any = None,
) -> None:
    """Writes the dataset folder that the flags of `define_import_flags` ask for, and says so.

    Args:
        imported: the episodes, all of one structure.
        total: number of them.
        origin: what they come from, for the manifest.
        action_spec: as `foreign.write_dataset` takes it.

    Raises:
        DataError: the folder cannot be written, or an episode cannot be used.
    """
    from data.formats import foreign

    written = foreign.write_dataset(
        FLAGS.out,
        imported,
        total,
        origin,
        action_spec=action_spec,
        num_shards=FLAGS.num_shards,
        image_format=FLAGS.image_format,
    )
    print(f"{written.num_episodes} episodes of {written.num_frames} frames in {FLAGS.out}")
