"""Evaluates a saved policy: success rate with an interval, video, and results as JSON.

    python -m ibc_agents.evaluate --policy=runs/particle --episodes=100 --seed=1 --video=out.mp4

The policy is the root_dir of a run, whose gin file names its environment, or a SavedModel of any
TF-Agents policy with --environment or --gin_file. With --environment, the gin file of the run is
not read, so that policies of other releases can be evaluated.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

from absl import flags

from ibc_agents.cli import command_line, common_flags, path_flags

if TYPE_CHECKING:
    import numpy as np

_POLICY = path_flags.define_path(
    "policy", None, "The root_dir of a run, or a SavedModel.", required=True
)
_EPISODES = flags.DEFINE_integer("episodes", 100, "Number of episodes.", lower_bound=1)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of the evaluation. Episode k depends on (seed, k) alone.", lower_bound=0
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    25,
    "Number of episodes that run at once. It does not change outcomes.",
    lower_bound=1,
)
_VIDEO = path_flags.define_path("video", None, "Video file to write, .mp4 or .gif.")
_VIDEO_EPISODES = flags.DEFINE_integer(
    "video_episodes", 4, "Number of episodes in the video.", lower_bound=1
)
_GUI = flags.DEFINE_bool("gui", False, "Show the episodes in a window, one after another.")
_RESULTS = path_flags.define_path(
    "results", None, "JSON file to write, with the outcome of each episode."
)
common_flags.define_environment_flag()
common_flags.define_trust_flag()
common_flags.define_gin_flags()
FLAGS = flags.FLAGS


def main() -> None:
    """Evaluates the policy."""
    from ibc_agents.core import errors, files
    from ibc_agents.visualization import videos

    if _VIDEO.value:
        videos.prepare_output(_VIDEO.value)
    if _RESULTS.value:
        files.prepare_output(_RESULTS.value)
    saved_model, run_config = _find_policy(pathlib.Path(_POLICY.value))
    if FLAGS.environment is not None:
        run_config = None
    try:
        common_flags.parse_environment_and_gin_flags(run_config)
    except errors.RunError as error:
        if run_config is None or str(run_config) not in str(error):
            raise
        raise errors.RunError(
            f"{str(error).rstrip('.')}. If another release of ibc_agents wrote {run_config}, name "
            "the environment of the policy with --environment."
        ) from error

    from ibc_agents.rollouts import environment_info, evaluation, saved_policy
    from ibc_agents.runs import provenance
    from ibc_agents.runs import task as task_lib

    make_environment = task_lib.Task().evaluation_environment
    if make_environment is None:
        raise errors.RunError(
            "no environment is given; pass --environment=particle, or a gin file that sets "
            "Task.environment."
        )
    environment = environment_info.EnvironmentInfo.from_factory(make_environment)
    policy = saved_policy.load(saved_model, environment)
    num_recorded = _VIDEO_EPISODES.value if _VIDEO.value else 0
    recorder = videos.RolloutRecorder()
    if _GUI.value:
        result = _evaluate_in_window(policy, make_environment, recorder, num_recorded)
    else:
        result = evaluation.evaluate(
            policy,
            make_environment,
            _EPISODES.value,
            _SEED.value,
            _BATCH_SIZE.value,
            recorder,
            num_recorded,
        )
    print(result.format_summary())
    if _RESULTS.value:
        content = {**result.summary(), "policy": str(saved_model), **provenance.describe()}
        with files.report_disk_errors(_RESULTS.value):
            files.write_json(_RESULTS.value, content)
        print(f"the outcomes are in {_RESULTS.value}")
    if _VIDEO.value:
        recorder.write(_VIDEO.value)
        print(f"the video is in {_VIDEO.value}")


def _evaluate_in_window(
    policy: Any, make_environment: Any, recorder: Any, num_recorded: int
) -> Any:
    """Evaluates one episode at a time; shows all of them and records the first ones."""
    from ibc_agents.rollouts import evaluation
    from ibc_agents.visualization import live_window

    with live_window.LiveWindow(_POLICY.value) as window:

        def on_frame(episode: int, frame: np.ndarray) -> None:
            window.show(frame)
            if episode < num_recorded:
                recorder(episode, frame)

        episodes = _EPISODES.value
        return evaluation.evaluate(
            policy, make_environment, episodes, _SEED.value, 1, on_frame, episodes
        )


def _find_policy(path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path | None]:
    """Returns the folder of the SavedModel, and the gin file of its run if there is one."""
    from ibc_agents.core import errors
    from ibc_agents.runs import run_directory

    for saved_model in (path, path / run_directory.POLICY):
        if (saved_model / "saved_model.pb").exists():
            config = saved_model.parent / run_directory.OPERATIVE_CONFIG
            return saved_model, config if config.exists() else None
    raise errors.RunError(
        f"{path} is neither a SavedModel nor the root_dir of a finished run: neither it nor its "
        f"folder {run_directory.POLICY} has a saved_model.pb. Finish the run, or correct --policy."
    )


if __name__ == "__main__":
    command_line.run(main)
