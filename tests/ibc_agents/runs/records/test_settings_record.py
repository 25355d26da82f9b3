"""The settings that a run began with: what they are, and which may change."""

import fnmatch
import inspect
import json

import gin
import pytest
import tensorflow as tf

import environments.particle  # noqa: F401  # registers the environment with gin
from data.episodes import dataset_statistics
from ibc_agents.cli import gin_files
from ibc_agents.cli.gin_config import configurables
from ibc_agents.core import normalizer
from ibc_agents.runs import experiment, settings, task
from ibc_agents.runs.records import settings_record
from tests.ibc_agents import helpers

MSE = ["gin_configs/tasks/particle.gin", "gin_configs/methods/mse.gin"]


def describe(*bindings, files=MSE, seed=0):
    """Returns the settings of a run with a small dataset, as its record contains them."""
    gin.clear_config()
    gin_files.parse_gin(files, bindings)
    run = experiment.Experiment.from_gin("run", "data", seed)
    info = run.environment_info
    values = helpers.leaf_statistics([[0.0, 0.0], [1.0, 2.0]])
    observation = info.time_step_spec.observation
    statistics = dataset_statistics.Statistics(
        tf.nest.map_structure(lambda _: values, observation), values
    )
    scaling = normalizer.Normalizer.from_statistics(statistics, observation, info.action_spec)
    run.agent(info.time_step_spec, info.action_spec, normalizer=scaling)
    return json.loads(json.dumps(run.describe_settings()))


@pytest.fixture(scope="module")
def begun():
    return describe()


def test_defaults_files_and_bindings_are_settings(begun):
    expected = {
        "seed": 0,
        "Normalizer.margin": 0.05,
        "DemonstrationSettings.validation_fraction": 0.05,
        "TrainingSettings.num_steps": 15000,
        "encoder/MlpEncoder.activation": "'relu'",
        "Experiment.agent": "@MseAgent",
        "MseAgent.window": 1,
        "MseAgent.encoder": "@MlpEncoder()",
        "Adam.learning_rate": "@tf.keras.optimizers.schedules.CosineDecay()",
    }
    assert begun | expected == begun


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ("Normalizer.margin = 0.2", "Normalizer.margin was 0.05, is 0.2"),
        (
            "DemonstrationSettings.validation_fraction = 0.1",
            "DemonstrationSettings.validation_fraction was 0.05, is 0.1",
        ),
        (
            "DemonstrationSettings.top_return_fraction = 0.5",
            "DemonstrationSettings.top_return_fraction was 1.0, is 0.5",
        ),
        (
            "MlpEncoder.activation = 'swish'",
            "encoder/MlpEncoder.activation was 'relu', is 'swish'",
        ),
        ("TrainingSettings.batch_size = 64", "TrainingSettings.batch_size was 512, is 64"),
        ("batch_size = 64", "TrainingSettings.batch_size was 512, is 64"),
        ("Adam.beta_1 = 0.5", "Adam.beta_1 was 0.9, is 0.5"),
        ("CosineDecay.alpha = 1.0", "CosineDecay.alpha was 0.02, is 1.0"),
        (
            "ParticleEnvironment.wait_at_first_goal = 3",
            "ParticleEnvironment.wait_at_first_goal was 0, is 3",
        ),
        (
            "Experiment.source = @InMemorySource()",
            "Experiment.source was @ReverbSource(), is @InMemorySource()",
        ),
    ],
)
def test_what_makes_the_weights_must_not_change(begun, changed, difference):
    assert settings_record.differences(begun, describe(changed)) == [difference]


def test_the_seed_and_the_method_are_named_first(begun):
    assert settings_record.differences(begun, describe(seed=3)) == ["seed was 0, is 3"]
    mdn = [MSE[0], "gin_configs/methods/mdn.gin"]
    found = settings_record.differences(begun, describe(files=mdn, seed=3))
    assert found[:2] == ["Experiment.agent was @MseAgent, is @MdnAgent", "seed was 0, is 3"]


def test_length_intervals_evaluations_and_speed_may_change(begun):
    changed = describe(
        "num_steps = 7",
        "TrainingSettings.checkpoint_interval = 5",
        "TrainingSettings.max_skipped_steps = 5",
        "EvaluationSettings.num_episodes = 5",
        "EvaluationSettings.seed = 5",
        "DemonstrationSettings.num_processes = 1",
        "DemonstrationSettings.dataset = '/moved'",
    )
    assert settings_record.differences(begun, changed) == []
    accelerated = {"Acceleration.enabled": True, "Acceleration.product_dtype": "'float32'"}
    plain = {"Acceleration.enabled": False, "Acceleration.product_dtype": "'bfloat16'"}
    assert settings_record.differences(accelerated, plain) == [
        "Acceleration.product_dtype was 'float32', is 'bfloat16'"
    ]


def test_only_the_values_of_macros_count(begun):
    same = describe("window = %frames", "frames = 1", "num_steps = %length", "length = 15000")
    assert settings_record.differences(begun, same) == []


def test_scopes_distinguish_settings_and_may_change_alike():
    begun = {"train/Langevin.steps": 1, "policy/Langevin.steps": 2, "a/EvaluationSettings.seed": 1}
    now = {"train/Langevin.steps": 3, "policy/Langevin.steps": 2, "a/EvaluationSettings.seed": 2}
    expected = ["train/Langevin.steps was 1, is 3"]
    assert settings_record.differences(begun, now) == expected


def test_settings_of_one_side_do_not_count():
    assert settings_record.differences({"Old.setting": 1}, {"New.setting": 2}) == []


def test_settings_that_gin_did_not_make_count():
    part = settings.DemonstrationSettings(validation_fraction=0.5)
    found = settings_record.describe(1, part)
    assert found["DemonstrationSettings.validation_fraction"] == 0.5
    assert found["DemonstrationSettings.dataset"] is None


def test_everything_that_may_change_exists():
    """A renamed setting must not stay in the list under its old name."""
    configurables.register()
    names = {
        f"{selector.rpartition('.')[2]}.{argument}"
        for selector, found in gin.config._REGISTRY.items()
        if configurables.is_own(selector)
        for argument in inspect.signature(found.wrapped).parameters
    }
    for pattern in settings_record.MAY_CHANGE:
        assert fnmatch.filter(names, pattern), pattern


def test_the_settings_of_evaluation_environments_are_known_before_the_training():
    bindings = [
        "Task.evaluation_environment = @evaluation/ParticleEnvironment",
        "evaluation/ParticleEnvironment.wait_at_first_goal = 4",
    ]
    gin.clear_config()
    gin_files.parse_gin(MSE, bindings)
    task.Task().describe_environment()
    assert bindings[1] in gin.operative_config_str()
