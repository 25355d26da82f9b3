"""An experiment: everything that a run needs, and its execution in one process."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import gin
import tensorflow as tf

from data.reading import demonstrations as data_demonstrations
from data.sources import batches
from data.sources import source as source_lib
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, files, setting_checks
from ibc_agents.rollouts import actors
from ibc_agents.rollouts import environment_info as environment_info_lib
from ibc_agents.runs import (
    dataset_info,
    provenance,
    run_directory,
    settings,
    validation,
)
from ibc_agents.runs import demonstrations as demonstrations_lib
from ibc_agents.runs import evaluator as evaluator_lib
from ibc_agents.runs import task as task_lib
from ibc_agents.runs.records import (
    acceleration_history,
    constant_elements,
    settings_record,
)
from ibc_agents.runs.training import monitor
from ibc_agents.runs.training import trainer as trainer_lib

_MEMORIZE_BATCH_SIZE = 256  # windows
_AGENT = behavioral_cloning_agent.BehavioralCloningAgent


@gin.configurable(denylist=["root_dir", "data_dir", "seed"])
class Experiment:
    """A run as a value: demonstrations, agent, training and evaluation. `run` executes it.

    Training needs a dataset only. Without an environment there is no evaluation.
    """

    def __init__(
        self,
        root_dir: str | os.PathLike,
        data_dir: str | os.PathLike,
        agent: Callable[..., behavioral_cloning_agent.BehavioralCloningAgent],
        source: source_lib.Source,
        task: task_lib.Task | None = None,
        demonstrations: settings.DemonstrationSettings | None = None,
        training: settings.TrainingSettings | None = None,
        evaluation: settings.EvaluationSettings | None = None,
        gathering: settings.GatheringSettings | None = None,
        seed: int = 0,
    ):
        """Stores the parts. Nothing is read or written yet.

        Args:
            root_dir: Folder of the run.
            data_dir: Folder of collected demonstrations, which runs share.
            agent: Factory of the agent, called with the time step spec, the action spec,
                `normalizer`, `seed` and `train_step_counter`.
            source: Makes the training batches.
            task: Environment and demonstrator. Default: a dataset without an environment.
            demonstrations: Choice of the demonstrations.
            training: Length and intervals of the training.
            evaluation: Evaluations during the training and at its end.
            gathering: What the actors of a distributed job gather.
            seed: Seed of the weight initialization, the training and the data order.

        Raises:
            SettingError: If the agent is no factory or another class than an agent of this library,
                another part lacks its base class, or the seed is out of range.
        """
        setting_checks.check_factory("Experiment.agent", agent, _AGENT)
        setting_checks.check_instance("Experiment.source", source, source_lib.Source)
        optional = setting_checks.check_optional_instance
        optional("Experiment.task", task, task_lib.Task)
        optional("Experiment.demonstrations", demonstrations, settings.DemonstrationSettings)
        optional("Experiment.training", training, settings.TrainingSettings)
        optional("Experiment.evaluation", evaluation, settings.EvaluationSettings)
        optional("Experiment.gathering", gathering, settings.GatheringSettings)
        self.root_dir = files.local_path(root_dir)
        self.data_dir = files.local_path(data_dir)
        self.agent = agent
        self.source = source
        self.task = task or task_lib.Task()
        self.demonstrations = demonstrations or settings.DemonstrationSettings()
        self.training = training or settings.TrainingSettings()
        self.evaluation = evaluation or settings.EvaluationSettings()
        self.gathering = gathering or settings.GatheringSettings()
        self.seed = setting_checks.check_integer("Experiment.seed", seed, minimum=0)
        # Described now, because the checkout may change during the run.
        self._provenance = provenance.describe()

    @classmethod
    def from_gin(
        cls, root_dir: str | os.PathLike, data_dir: str | os.PathLike, seed: int = 0
    ) -> Experiment:
        """Makes the experiment whose agent, source and settings gin configures."""
        return cls(root_dir, data_dir, seed=seed)  # type: ignore[call-arg]

    def run(self) -> dict[str, Any]:
        """Collects missing demonstrations, trains, exports and evaluates.

        After an interruption, the same call continues from the newest checkpoint.

        Returns:
            The content of `results.json`.

        Raises:
            UserError: If something is wrong that the user can fix.
        """
        directory = run_directory.RunDirectory(self.root_dir)
        with directory.locked():
            return self._run(directory)

    def _run(self, directory: run_directory.RunDirectory) -> dict[str, Any]:
        started = time.perf_counter()
        tf.keras.utils.set_random_seed(self.seed)
        dataset = self.open_demonstrations()
        directory.check_dataset(dataset.dataset_hash, dataset.name)
        info = dataset_info.DatasetInfo.from_dataset(dataset)
        agent = self.make_agent(dataset, info)
        for part in agent.normalizer.possible_images:
            print(f"{part} is taken as a vector; if it is an image, set Normalizer.image_formats")
        if constants := agent.normalizer.constant_elements():
            print(constant_elements.format_constants(constants))
        directory.check_settings(self.describe_settings())
        landscape = validation.HeldOutLandscape.from_dataset(agent, dataset)
        with self._evaluator(directory, agent.policy, landscape) as evaluator:
            self.source.load(dataset.train, dataset.spec)
            with contextlib.closing(self.source):
                trainer = self._make_trainer(directory, agent, dataset)
                first_step = trainer.step
                choices = acceleration_history.record(
                    directory.path, first_step, self.training.num_steps, print
                )
                with monitor.TrainingMonitor(
                    dataset.name,
                    evaluator,
                    self.evaluation.interval,
                    first_step,
                    self.training.num_steps,
                ) as progress:
                    with self._report_lost_data():
                        trainer.train(self.evaluation.interval, progress.on_progress)
            trained = time.perf_counter()

            directory.export_policy(agent.policy, agent.train_step_counter)
            results = {}
            if evaluator is None:
                print("no environment; the evaluation is skipped")
            else:
                outcome = evaluator.evaluate_final(trainer.step)
                print(outcome.format_summary())
                results = outcome.summary()
        results |= self.describe_training(agent, info, first_step, choices)
        results["wall_time_s"] = {
            "data_and_training": round(trained - started, 1),
            "total": round(time.perf_counter() - started, 1),
        }
        directory.write_json(run_directory.RESULTS, results)
        # Images last: their failure must not cost the outcomes.
        if landscape is not None:
            landscape.save(directory.path / run_directory.LANDSCAPE)
        if evaluator is not None:
            evaluator.write_video()
        return results

    @functools.cached_property
    def environment_info(self) -> environment_info_lib.EnvironmentInfo | None:
        """Name and specs of the environment, which is made once; None without an environment."""
        return self.task.describe_environment()

    def open_demonstrations(self, collect: bool = True) -> data_demonstrations.Demonstrations:
        """Opens the demonstrations of this experiment; see `runs.demonstrations`.

        Args:
            collect: Whether to collect missing demonstrations.

        Raises:
            UserError: If there are none, they are damaged, or belong to another experiment.
        """
        return demonstrations_lib.open_demonstrations(
            self.demonstrations, self.task, self.environment_info, self.data_dir, collect
        )

    def make_agent(
        self,
        dataset: data_demonstrations.Demonstrations,
        info: dataset_info.DatasetInfo | None = None,
    ) -> behavioral_cloning_agent.BehavioralCloningAgent:
        """Makes the agent and passes every training window to it, which some agents memorize.

        Args:
            dataset: Demonstrations of this experiment.
            info: Description of the dataset. By default it is computed.

        Raises:
            RunError: If the dataset does not fit the environment.
        """
        agent = self.build_agent(info or dataset_info.DatasetInfo.from_dataset(dataset))
        window = agent.train_sequence_length
        agent.memorize(batches.windows_in_order(dataset.train, window, _MEMORIZE_BATCH_SIZE))
        return agent

    def build_agent(
        self, info: dataset_info.DatasetInfo
    ) -> behavioral_cloning_agent.BehavioralCloningAgent:
        """Makes the agent without the demonstrations, which may be on another machine.

        The specs are the environment's; without an environment they are the dataset's.

        Args:
            info: Description of the demonstrations.

        Raises:
            RunError: If the dataset does not fit the environment, or `agent` makes something else.
        """
        time_step_spec, action_spec = info.agent_specs(self.environment_info)
        agent = self.agent(
            time_step_spec,
            action_spec,
            normalizer=info.make_normalizer(time_step_spec, action_spec),
            seed=self.seed,
            train_step_counter=tf.Variable(0, dtype=tf.int64, trainable=False, name="train_step"),
        )
        if not isinstance(agent, _AGENT):
            raise errors.RunError(
                f"Experiment.agent makes a {type(agent).__name__}, which is no {_AGENT.__name__}; "
                "name another agent, such as @ImplicitBCAgent."
            )
        return agent

    def describe_settings(self) -> dict[str, Any]:
        """Returns all settings, as JSON types by name, once the agent has been made."""
        parts = (self.demonstrations, self.training, self.evaluation, self.gathering)
        return settings_record.describe(self.seed, *parts)

    def describe_training(
        self,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
        info: dataset_info.DatasetInfo,
        first_step: int,
        choices: list[dict[str, Any]],
    ) -> dict[str, Any]:
        """Returns the part of `results.json` about the training, as JSON types.

        Args:
            agent: Trained agent.
            info: Description of the demonstrations.
            first_step: Step at which this process began.
            choices: The choices of acceleration; see `acceleration_history`.
        """
        return {
            "train_steps": int(agent.train_step_counter.numpy()),
            "resumed_at_step": first_step,
            "skipped_steps": int(agent.skipped_steps.numpy()),
            "seed": self.seed,
            "dataset": info.summary(),
            "constant_elements": agent.normalizer.constant_elements(),
            "acceleration": choices,
            **self._provenance,
        }

    @contextlib.contextmanager
    def _evaluator(
        self,
        directory: run_directory.RunDirectory,
        policy: actors.Policy,
        landscape: validation.HeldOutLandscape | None,
    ) -> Iterator[evaluator_lib.Evaluator | None]:
        """Yields the evaluator, which is closed afterwards; None without an environment."""
        make_environment = self.task.evaluation_environment
        if make_environment is None:
            yield None
            return
        evaluator = evaluator_lib.Evaluator(
            directory, policy, make_environment, self.evaluation, landscape
        )
        with contextlib.closing(evaluator):
            yield evaluator

    @contextlib.contextmanager
    def _report_lost_data(self) -> Iterator[None]:
        """Raises the error of the source if a batch could not be made."""
        try:
            yield
        except tf.errors.OpError:
            self.source.check()
            raise

    def _make_trainer(
        self,
        directory: run_directory.RunDirectory,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
        dataset: data_demonstrations.Demonstrations,
    ) -> trainer_lib.Trainer:
        window, batch_size = agent.train_sequence_length, self.training.batch_size
        return trainer_lib.Trainer(
            directory,
            agent,
            functools.partial(self.source.dataset, window, batch_size, self.seed),
            validation.validation_batches(dataset, window, batch_size),
            self.training,
            self.source.feedback,
        )
