"""Flags of paths: `~` is expanded, and what is no path of this machine is rejected."""

from __future__ import annotations

from absl import flags

from ibc_agents.core import errors, files

# --help lists a flag with the command that calls the function, not with this module.
flags.disclaim_key_flags()


class _PathParser(flags.ArgumentParser):
    """Parses the path of a file or a folder."""

    syntactic_help = "a path"

    def parse(self, argument: str) -> str:
        """Returns the path. Raises ValueError, as absl expects, if it is not on this machine."""
        try:
            return str(files.local_path(argument))
        except errors.RunError as error:
            raise ValueError(str(error)) from error


class _PathOrUrlParser(_PathParser):
    """Parses the path of something that TensorFlow can also read from an object store."""

    syntactic_help = "a path or a URL"

    def parse(self, argument: str) -> str:
        """Returns the URL or the path."""
        return argument if files.is_url(argument) else super().parse(argument)


def define_path(
    name: str,
    default: str | None,
    description: str,
    required: bool = False,
    accept_url: bool = False,
) -> flags.FlagHolder:
    """Defines a flag whose value is a path, str.

    Args:
        name: Name of the flag.
        default: Default value.
        description: Help text.
        required: Whether the command needs a value.
        accept_url: Whether the value can be a URL.
    """
    parser = _PathOrUrlParser() if accept_url else _PathParser()
    serializer: flags.ArgumentSerializer[str] = flags.ArgumentSerializer()
    return flags.DEFINE(
        parser, name, default, description, serializer=serializer, required=required
    )


def define_paths(name: str, description: str) -> flags.FlagHolder:
    """Defines a repeatable flag whose value is a list of paths.

    Args:
        name: Name of the flag.
        description: Help text.
    """
    return flags.DEFINE_multi(_PathParser(), flags.ArgumentSerializer(), name, [], description)


def define_import_paths(source: str) -> None:
    """Defines --source, with its help text, and --out of an importer."""
    # TensorFlow Datasets reads RLDS from object stores.
    define_path("source", None, source, required=True, accept_url=True)
    define_path("out", None, "Folder of the dataset; must not exist yet.", required=True)


def define_export_paths(out: str) -> None:
    """Defines --dataset, and --out, with its help text, of an exporter."""
    define_path("dataset", None, "Dataset folder, .tfrecord shard, or quoted glob.", required=True)
    define_path("out", None, out, required=True)
