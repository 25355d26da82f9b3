"""One value that holds all a run needs, and the local interpreter of it."""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Callable
from typing import Any

import gin
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from data.episodes import dataset_statistics as data_statistics
from data.reading import demonstrations as demonstrations_lib
from data.sources import batches
from data.sources import source as source_lib
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, normalizer
from ibc_agents.rollouts import collection
from ibc_agents.runs import (
    dataset_info,
    evaluator,
    provenance,
    run_directory,
    settings,
    trainer,
    validation,
)
from ibc_agents.runs import task as task_lib
from ibc_agents.visualization import landscape_plots

_MEMORIZED_AT_ONCE = 256  # windows


@gin.configurable(denylist=["root_dir", "data_dir", "seed"])
class Experiment:
    """A run as a value: demonstrations, agent, budget, evaluation. `run()` executes it here.

    Whatever a user chooses is an object or a factory given by reference; the experiment only wires
    them. Training needs a dataset alone; without an environment the evaluation is left out.
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
        """Holds the parts; nothing is read or written yet.

        Args:
            root_dir: the run's folder.
            data_dir: where collected demonstrations are kept, for all runs.
            agent: called with the specs, `normalizer`, `seed` and `train_step_counter`.
            source: of training batches.
            task: environment and demonstrator; without an environment it trains from the dataset
                alone, and the demonstrator is used where the demonstrations are not there yet.
            demonstrations: which ones.
            training: how long.
            evaluation: how success is measured.
            gathering: what the actors of a distributed job do, if it has any.
            seed: of weights, training and data order.

        Raises:
            TypeError: if the agent is no factory, or the source is one.
        """
        if not callable(agent):
            raise TypeError(
                f"Experiment.agent makes the agent, as @ImplicitBCAgent; got {agent!r}."
            )
        if not isinstance(source, source_lib.Source):
            raise TypeError(
                f"Experiment.source is an object, as @ReverbSource() with parentheses; "
                f"got {source!r}."
            )
        self.root_dir = pathlib.Path(root_dir)
        self.data_dir = pathlib.Path(data_dir).expanduser()
        self.agent = agent
        self.source = source
        self.task = task or task_lib.Task()
        self.demonstrations = demonstrations or settings.DemonstrationSettings()
        self.training = training or settings.TrainingSettings()
        self.evaluation = evaluation or settings.EvaluationSettings()
        self.gathering = gathering or settings.GatheringSettings()
        self.seed = seed
        # Of now, for the checkout may move on while a run does.
        self._provenance = provenance.describe()

    @classmethod
    def from_gin(
        cls, root_dir: str | os.PathLike, data_dir: str | os.PathLike, seed: int = 0
    ) -> Experiment:
        """Makes the experiment whose agent, source and settings gin configures."""
        return cls(root_dir, data_dir, seed=seed)  # type: ignore[call-arg]

    def run(self) -> dict[str, Any]:
        """Collects demonstrations if there are none, trains, exports, evaluates.

        Started again after any interruption it goes on from the newest checkpoint.

        Returns:
            What `results.json` says.

        Raises:
            RunError, data.DataError: if something is wrong that the user can mend.
        """
        started = time.perf_counter()
        directory = run_directory.RunDirectory(self.root_dir)
        tf.keras.utils.set_random_seed(self.seed)
        opened = self.open_demonstrations()
        directory.check_dataset(opened.dataset_hash, opened.name)
        card = dataset_info.describe(opened)
        agent = self._make_agent(opened, card)
        look = validation.look(agent, opened)
        judge = None
        make_environment = self.task.evaluation_environment
        if make_environment is not None:
            judge = evaluator.Evaluator(directory, make_environment, self.evaluation, look)
        first_step = self._train(directory, opened, agent, judge)
        trained = time.perf_counter()
        step = int(agent.train_step_counter.numpy())
        directory.export_policy(agent.policy, agent.train_step_counter)
        if look is not None:
            landscape_plots.save(look(), directory.path / run_directory.LANDSCAPE)
        results = {}
        if judge is None:
            print("no environment: evaluation left out")
        else:
            outcome = judge.finish(agent.policy, step)
            print(outcome.format_summary())
            results = outcome.summary()
        results |= self.describe_training(agent, card, first_step)
        results["wall_time_s"] = {
            "data_and_training": round(trained - started, 1),
            "total": round(time.perf_counter() - started, 1),
        }
        directory.write_json(run_directory.RESULTS, results)
        return results

    def describe_training(
        self,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
        card: dataset_info.DatasetCard,
        first_step: int,
    ) -> dict[str, Any]:
        """Returns what `results.json` says of the training, of JSON types.

        Args:
            agent: that was trained.
            card: of the demonstrations it was trained on.
            first_step: at which this process began.
        """
        return {
            "train_steps": int(agent.train_step_counter.numpy()),
            "resumed_at_step": first_step,
            "skipped_steps": int(agent.skipped_steps.numpy()),
            "seed": self.seed,
            "dataset": {
                "name": card.name,
                "hash": card.dataset_hash,
                "train_episodes": card.train_episodes,
                "validation_episodes": card.validation_episodes,
            },
            **self._provenance,
        }

    def open_demonstrations(self, collect: bool = True) -> demonstrations_lib.Demonstrations:
        """Opens the dataset, collecting it first if it is the environment's own and not there.

        Args:
            collect: False refuses to collect, and takes what is there, whoever collected it: an
                agent's checkpoint knows the very demonstrations it goes with (`restore`).

        Raises:
            RunError: if there is neither a dataset nor a way to collect one, or what is there is
                not what this experiment would collect.
            data.DataError: if the dataset is damaged.
        """
        numbers = self.demonstrations
        if numbers.dataset is not None:
            return demonstrations_lib.Demonstrations.open(
                numbers.dataset, numbers.validation_fraction, numbers.top_return_fraction
            )
        if self.task.environment is None:
            raise errors.RunError(
                "There is nothing to learn from: set DemonstrationSettings.dataset to "
                "demonstrations on disk, or Task.environment and Task.demonstrator to collect some."
            )
        folder = collection.folder_of(self.data_dir, self.task.environment, numbers.num_episodes)
        if not folder.exists():
            if not collect:
                raise errors.RunError(
                    f"The demonstrations {folder} are not there. Say in which folder they are "
                    "with --data_dir."
                )
            if self.task.demonstrator is None:
                raise errors.RunError(
                    f"{folder} is not there, and Task.demonstrator is not set to collect it."
                )
            collection.collect(
                folder,
                self.task.environment,
                self.task.demonstrator,
                numbers.num_episodes,
                numbers.seed,
                num_processes=numbers.num_processes,
            )
        opened = demonstrations_lib.Demonstrations.open(
            folder, numbers.validation_fraction, numbers.top_return_fraction
        )
        if collect:
            collection.check_origin(opened, folder, self.task.demonstrator, numbers.seed)
        return opened

    def make_agent(
        self, opened: demonstrations_lib.Demonstrations
    ) -> behavioral_cloning_agent.BehavioralCloningAgent:
        """Makes the agent for the environment's specs, or for the dataset's without one.

        It has seen the training split, for the statistics and for what it may want to memorise.

        Raises:
            RunError: if the dataset is not of the environment's specs.
        """
        return self._make_agent(opened, dataset_info.describe(opened))

    def build_agent(
        self, card: dataset_info.DatasetCard
    ) -> behavioral_cloning_agent.BehavioralCloningAgent:
        """Makes the agent as `make_agent` does, but for what it may want to memorise.

        Args:
            card: of the demonstrations, which may be on another machine.

        Raises:
            RunError: if the dataset is not of the environment's specs.
        """
        time_step_spec, action_spec = self._specs(card)
        observation, action = (
            tf.nest.pack_sequence_as(spec, tf.nest.flatten(statistics))
            for spec, statistics in (
                (time_step_spec.observation, card.statistics.observation),
                (action_spec, card.statistics.action),
            )
        )
        return self.agent(
            time_step_spec,
            action_spec,
            normalizer=normalizer.Normalizer(
                data_statistics.Statistics(observation, action),
                time_step_spec.observation,
                action_spec,
            ),
            seed=self.seed,
            train_step_counter=tf.Variable(0, dtype=tf.int64, trainable=False, name="train_step"),
        )

    def restore(
        self,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
        opened: demonstrations_lib.Demonstrations,
    ) -> None:
        """Restores an agent from the run's newest checkpoint.

        Args:
            agent: as `make_agent` made it.
            opened: the demonstrations, which must be those that the run began with.

        Raises:
            RunError: if there is no run or no checkpoint, or they are of something else.
        """
        directory = run_directory.RunDirectory(self.root_dir, writable=False)
        directory.check_dataset(opened.dataset_hash, opened.name)
        if directory.latest_checkpoint() is None:
            raise errors.RunError(
                f"{directory.path} has no checkpoint yet: let the run go on, or start it again."
            )
        trainer.restore(directory, agent)

    def _make_agent(self, opened, card):
        agent = self.build_agent(card)
        window = agent.train_sequence_length
        agent.memorize(batches.windows_in_order(opened.train, window, _MEMORIZED_AT_ONCE))
        return agent

    def _train(self, directory, opened, agent, judge) -> int:
        """Trains to the end; returns the step it began at."""
        window = agent.train_sequence_length
        batch_size = self.training.batch_size
        self.source.load(opened.train, opened.spec)
        try:
            loop = trainer.Trainer(
                directory,
                agent,
                lambda step: self.source.dataset(window, batch_size, self.seed, step),
                validation.batches(opened, window, batch_size),
                self.training,
                self.source.feedback,
            )
            directory.write_operative_config()
            first_step = loop.step
            loop.run(
                opened.name,
                self.evaluation.interval,
                lambda step: judge.watch(agent.policy, step) if judge else "",
            )
        finally:
            self.source.close()
        return first_step

    def _specs(self, card: dataset_info.DatasetCard) -> tuple[ts.TimeStep, Any]:
        of_data = card.spec
        if self.task.environment is None:
            time_step_spec = ts.TimeStep(
                of_data.step_type, of_data.reward, of_data.discount, of_data.observation
            )
            return time_step_spec, of_data.action
        environment = self.task.environment()
        time_step_spec = tensor_spec.from_spec(environment.time_step_spec())
        action_spec = tensor_spec.from_spec(environment.action_spec())
        difference = task_lib.spec_difference(environment, of_data)
        environment.close()
        if difference:
            raise errors.RunError(
                f"The demonstrations {card.name} do not fit the environment {environment.name}: "
                f"{difference}."
            )
        return time_step_spec, action_spec
