"""`python -m ibc_agents.plot_energy`: images and videos of a run's energy."""

import shutil

import imageio.v2 as imageio
import numpy as np
import pytest

from ibc_agents.visualization import landscape_plots
from tests.system import helpers

SIZE = 168, 174  # rows and columns of a landscape at 30 dots per inch
MSE = helpers.bindings(
    "Experiment.agent=@MseAgent",
    "MseAgent.encoder=@MlpEncoder()",
    "MseAgent.optimizer=@tf.keras.optimizers.Adam()",
)


@pytest.fixture(autouse=True)
def small_images(monkeypatch):
    monkeypatch.setattr(landscape_plots, "_DPI", 30)


def plot(finished, *flags):
    """Runs the command on the finished run at low resolution; later flags override earlier ones."""
    return helpers.call(
        "ibc_agents.plot_energy",
        f"--policy={finished.root_dir}",
        f"--data_dir={finished.data_dir}",
        "--resolution=15",
        *flags,
    )


def colorful(image):
    return np.ptp(image[..., :3].reshape(-1, 3), axis=0).min() > 100


def test_image_of_one_observation(finished, tmp_path):
    images = []
    for name, *flags in (("map",), ("line", "--dimensions=1"), ("policy", "--rollout")):
        out = tmp_path / f"{name}.png"
        done = plot(finished, "--frame=7", "--samples=5", f"--out={out}", *flags)
        assert done.returncode == 0, done
        shown = "rollout 0" if "--rollout" in flags else "held-out demonstration 0"
        assert done.stdout == f"the energy at frame 7 of {shown} is in {out}\n"
        assert done.stderr == ""
        images.append(imageio.imread(out))
    of_map, line, rollout = images
    assert of_map.shape[:2] == line.shape[:2] == SIZE
    assert rollout.shape[1] > 1.5 * SIZE[1]  # with the image of the environment
    assert all(map(colorful, images))
    assert len(list(tmp_path.iterdir())) == 3


def test_gif_has_a_frame_for_every_action(finished, tmp_path):
    out = tmp_path / "energy.gif"
    done = plot(finished, "--samples=5", "--paths=0", "--resolution=5", f"--out={out}")
    assert done.returncode == 0, done
    assert done.stdout == f"the energy along held-out demonstration 0 is in {out}\n"
    frames = imageio.mimread(out, memtest=False)
    assert len(frames) == 50
    assert all(frame.shape[:2] == SIZE for frame in frames)
    assert colorful(frames[0]) and (frames[0] != frames[-1]).any()


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--policy={empty}"], "{empty} is not the root_dir of a run: it has no operative_"),
        (["--policy={begun}"], "{begun} has no checkpoint yet"),
        (["--frame=50"], "held-out demonstration 0 has no frame 50; --frame must be 0 to 49"),
        (["--episode=20"], "there is no held-out demonstration 20; --episode must be 0 to "),
        (["--dimensions=0,2"], "in --dimensions: The dimensions of actions are 0 to 1, got [0, 2]"),
        (["--dimensions=x"], "--dimensions must be one or two numbers, such as 0,2; got x"),
        (["--out={empty}/energy.gif"], "energy.gif must end in .png for an image of one frame"),
        (["--data_dir={empty}"], "{empty}/particle_2d_20 are missing; name their folder"),
        (MSE, "is a run of MseAgent, which has no energy to draw"),
        (
            ["--rollout", *helpers.bindings("Task.environment=None", "{dataset}")],
            "the run has no environment for --rollout",
        ),
        (["--gin_bindings=MlpEnergyNetwork.width=17"], "belongs to another agent"),
        (["--out={begun}/dataset.json/energy.png"], "cannot write {begun}/dataset.json/energy.png"),
    ],
)
def test_wrong_flags_are_one_line_messages(finished, tmp_path, flags, problem):
    names = {name: tmp_path / name for name in ("empty", "begun")}
    names["empty"].mkdir()
    names["begun"].mkdir()
    for name in ("operative_config.gin", "dataset.json"):
        shutil.copy(finished.root_dir / name, names["begun"] / name)
    names["dataset"] = f"DemonstrationSettings.dataset='{finished.dataset}'"
    flags = [flag.format(**names) for flag in flags]
    before = helpers.files(finished.root_dir)
    error = helpers.error_message(
        plot(finished, "--frame=3", f"--out={tmp_path / 'empty' / 'energy.png'}", *flags)
    )
    assert problem.format(**names) in error, error
    assert helpers.files(names["empty"]) == []
    assert helpers.files(finished.root_dir) == before


@pytest.mark.parametrize(
    ("out", "problem"),
    [
        ("energy.png", "is an image of one observation; choose it with --frame"),
        ("energy.avi", "is not a video file. Use a name that ends in .mp4 or .gif"),
    ],
)
def test_suffix_must_fit(finished, tmp_path, out, problem):
    assert problem in helpers.error_message(plot(finished, f"--out={tmp_path / out}"))
