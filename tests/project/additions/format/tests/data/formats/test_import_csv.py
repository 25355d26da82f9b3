import subprocess
import sys

import numpy as np

import data


def test_a_csv_file_becomes_a_dataset(tmp_path):
    source, out = tmp_path / "episodes.csv", tmp_path / "out"
    source.write_text(
        "episode,observation_0,observation_1,action_0,reward\n"
        "0,1,2,0.5,0\n0,3,4,0.25,1\n1,5,6,0.125,1\n"
    )
    command = [sys.executable, "-m", "data.import_csv", f"--source={source}", f"--out={out}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 episodes of 3 frames" in done.stdout
    first, second = data.read_episodes(out)
    np.testing.assert_array_equal(first.frames.observation, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(second.frames.action, [[0.125]])
