"""A video shows simultaneous episodes one after another."""

import imageio.v2 as imageio
import numpy as np
import pytest

from ibc_agents.core import errors
from ibc_agents.visualization import videos

# Two episodes recorded in turn, of 2 and of 3 frames, each frame of one brightness.
FRAMES = [(1, 100), (0, 20), (1, 140), (0, 60), (1, 180)]
PAUSE = 2
SHOWN = [20, 60, 60, 60, 100, 140, 180, 180, 180]


@pytest.fixture
def recorder():
    recorder = videos.RolloutRecorder()
    for episode, brightness in FRAMES:
        recorder(episode, np.full((48, 64, 3), brightness, np.uint8))
    return recorder


@pytest.mark.parametrize("name", ["rollouts.mp4", "rollouts.gif"])
def test_episodes_follow_each_other_and_pause_at_their_ends(tmp_path, recorder, name):
    recorder.write(tmp_path / name, frames_per_second=10, pause=PAUSE)
    reader = imageio.get_reader(tmp_path / name)
    if name.endswith(".gif"):
        # A GIF may keep a still frame as one that lasts longer.
        durations = [imageio.get_reader(tmp_path / name).get_meta_data(0)["duration"]]
        for index in range(1, reader.get_length()):
            durations.append(reader.get_meta_data(index)["duration"])
        assert sum(durations) == pytest.approx(100 * len(SHOWN))
        wanted = sorted(set(SHOWN))
    else:
        assert reader.get_meta_data()["fps"] == 10
        wanted = SHOWN
    found = [int(np.mean(frame[..., :3])) for frame in reader]
    np.testing.assert_allclose(found, wanted, atol=3)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failed_write_keeps_the_previous_video(tmp_path, recorder, monkeypatch):
    path = tmp_path / "rollouts.mp4"
    path.write_bytes(b"old")
    monkeypatch.setattr(videos.imageio_ffmpeg, "count_frames_and_secs", lambda _: (4, 0.4))
    with pytest.raises(errors.RunError, match=r"rollouts.mp4 \(ffmpeg wrote 4 of 25 frames\)"):
        recorder.write(path)
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["rollouts.mp4"]


@pytest.mark.parametrize("name", ["rollouts", "rollouts.avi", "rollouts.mp4.txt"])
def test_other_suffixes_are_rejected(name, tmp_path):
    with pytest.raises(errors.RunError, match=f"{name} is not a video file"):
        videos.prepare_output(tmp_path / "new" / name)
    assert not list(tmp_path.iterdir())
    videos.prepare_output(tmp_path / "new" / "b.gif")
    assert [path.name for path in tmp_path.rglob("*")] == ["new"]
