"""Imports a dataset of RLDS, as TensorFlow Datasets has prepared it, into a dataset folder.

    python -m data.import_rlds --source=tensorflow_datasets/my_robot/1.0.0 --out=datasets/my_robot

It downloads nothing: --source is the folder with `dataset_info.json`. Inspect the dataset with
`python -m data.inspect`.

References:
    Ramos et al., "RLDS", 2021. https://arxiv.org/abs/2111.02767
"""

from __future__ import annotations

from absl import flags

from data.formats import command_flags
from ibc_agents.cli import command_line, path_flags

_SPLIT = flags.DEFINE_string("split", "train", "Split to import, as TensorFlow Datasets names it.")
path_flags.define_import_paths("Folder of a prepared dataset, with its `dataset_info.json`.")
command_flags.define_import_flags()
command_flags.define_observation_keys_flag()
command_flags.define_action_keys_flag()
FLAGS = flags.FLAGS

_KIND = "a prepared dataset of TensorFlow Datasets"


def main() -> None:
    """Imports the dataset."""
    from data.formats import recorded_episodes
    from data.formats.parsers import guarded_parsing

    selection = (_SPLIT.value, FLAGS.observation_keys, FLAGS.action_keys)
    parsed = guarded_parsing.parse(
        "data.formats.parsers.rlds_parser", FLAGS.source, _KIND, *selection
    )
    header = next(parsed)
    origin = {
        "source": header["name"],
        "source_format": "RLDS",
        "source_split": _SPLIT.value,
    }
    episodes = recorded_episodes.build_episodes(
        FLAGS.source, parsed, recorded_episodes.episode_from_frames
    )
    command_flags.write_dataset(episodes, header["total"], origin)


if __name__ == "__main__":
    command_line.run(main)
