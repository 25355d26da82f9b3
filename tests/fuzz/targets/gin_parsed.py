"""Gin files and bindings of a command, read into gin's configuration."""

from __future__ import annotations

import pathlib

import gin
import numpy as np

from ibc_agents.cli import gin_files
from tests.fuzz import mutations
from tests.fuzz import target as target_lib
from tests.fuzz.targets import _gin

_MAIN = """\
# A task, a method and settings.
import environments.particle
include 'gin_configs/tasks/particle.gin'
include 'gin_configs/methods/ibc_langevin.gin'
include 'FOLDER/part.gin'

n = 8
width = %n
MlpEnergyNetwork.width = %width
train/Langevin.num_iterations = 3
Langevin.schedule = @Constant()
TrainingSettings:
    batch_size = 16
    summary_interval = 2
PixelEncoder.image_layers = [
    @ConvMaxPool(),
    @pooled/SpatialSoftArgmax(),
]
pooled/SpatialSoftArgmax.temperature = 1e-1
"""
_PART = """\
from ibc_agents.losses import info_nce
DemonstrationSettings.dataset = [
    'one', 'two'  # two folders
]
ImplicitBCAgent.loss = @InfoNCE()
PixelEncoder.size = (96, 128)
window = 2
"""
_BINDINGS = "num_steps = 20\nEvaluationSettings.seed = 5\nn = 4\n"
_STATEMENTS = (
    "include 'FOLDER/main.gin'",
    "include 'FOLDER/absent.gin'",
    "include 'FOLDER'",
    "include 'tests/fuzz/x.gin'",
    "include '/dev/null'",
    "include 3",
    "import no.such.module",
    "import tests.fuzz.misbehaving as x",
    "from __gin__ import dynamic_registration",
    "from __gin__ import no_such_feature",
    "n = %n",
    "n = %width",
    "n = @n/gin.macro()",
    "n = @gin.macro",
    "gin.macro.value = 3",
    "a/b/c = %a/b/c",
    "Langevin.schedule = @Langevin()",
    "Constant.step_size = @Langevin.schedule",
    "Constant.step_size = @train/Polynomial()\nPolynomial.first = @Constant()",
    "Langevin.schedule = @gin.singleton()\ngin.singleton.constructor = @Langevin",
    "Experiment.task = @Task()\nTask.environment = @Experiment()",
    "Langevin.num_iterations = " + "[" * 3_000,
    "Langevin.num_iterations = " + "[" * 60 + "]" * 60,
    "Langevin.num_iterations = " + "1" * 5_000,
    "Langevin.num_iterations = {[]: 1}",
    "Langevin.num_iterations = {1: }",
    "Langevin.num_iterations = 'a' \"b\" b'c'",
    "Langevin.num_iterations = 1e999",
    "Langevin.num_iterations = -'a'",
    "Langevin.num_iterations = --1",
    "Langevin.num_iterations = %gin.REQUIRED",
    "Langevin.num_iterations = %NO_SUCH_CONSTANT",
    "Langevin.self = 3",
    "Langevin.__init__ = 3",
    "Experiment.root_dir = '/tmp/x'",
    "Experiment.seed = 3",
    "ibc_agents.samplers.langevin.Langevin.num_iterations = 3",
    "langevin.Langevin.num_iterations = 3",
    "Läufer.x = 3",
    "Langevin.num_iterations\u00a0= 3",
    "\ufeffn = 3",
    "train//Langevin.num_iterations = 3",
    "train/Langevin.num_iterations.x = 3",
    "Langevin: num_iterations = 3",
    "Langevin:\n  num_iterations = 3\n schedule = 4",
    "Langevin:\n\tnum_iterations = 3\n        update = 4",
    "n = \\",
    "n = '''",
    "n = (",
    "n = 3; m = 4",
)


class GinParsed(target_lib.Target):
    """A gin file that includes another one, and bindings."""

    name = "gin_parsed"
    mutants = 2_500

    def prepare(self, folder: pathlib.Path) -> None:
        (folder / "main.gin").write_text(_MAIN)
        (folder / "part.gin").write_text(_PART)
        (folder / "bindings.txt").write_text(_BINDINGS)

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        kind = mutations.choose(generator, ("file", "statement", "value", "value"))
        if kind == "file":
            return mutations.damage_folder(folder, generator)
        name = mutations.choose(generator, ("main.gin", "part.gin", "bindings.txt"))
        path = folder / name
        if kind == "value":
            text, description = _gin.replace_value(path.read_text(), generator)
            path.write_text(text)
            return f"{name}: {description}"
        statement = mutations.choose(generator, _STATEMENTS)
        lines = path.read_text().splitlines()
        at = int(generator.integers(len(lines) + 1))
        lines.insert(at, statement)
        path.write_text("\n".join(lines))
        return f"{name}: insert {statement[:60]!r} as line {at + 1}"

    def read(self, folder: pathlib.Path) -> None:
        for name in ("main.gin", "part.gin"):
            path = folder / name
            if path.is_file():
                path.write_bytes(path.read_bytes().replace(b"FOLDER", bytes(folder)))
        path = folder / "bindings.txt"
        text = path.read_text(errors="surrogateescape") if path.is_file() else ""
        with _gin.as_command():
            gin_files.parse_gin([str(folder / "main.gin")], text.splitlines())
        if not gin.config_is_locked():
            raise target_lib.Wrong("the configuration can still be changed")


TARGETS = [GinParsed()]
