"""A source that samples from Reverb servers, in this process or others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import gin
import numpy as np
import reverb
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import Episode, specs
from data.errors import DataError
from data.reading import EpisodeCollection
from data.sources import batches, replay_server, server_port, source
from data.sources.replay_server import replay_tables
from ibc_agents.core import errors, setting_checks, windows

# Enough to stay a batch ahead of the learner; windows of images are large.
_EPISODES_IN_FLIGHT = 64
_IMAGE_WINDOWS_IN_FLIGHT = 16
_PREFETCHED_BATCHES = 2
# A server that `load` has filled is checked after so many samples, or so long without one.
_SAMPLES_BETWEEN_CHECKS = 100_000
_SECONDS_WITHOUT_SAMPLE = 5.0


@gin.configurable
class ReverbSource(source.Source):
    """Samples windows from Reverb servers that contain the training episodes.

    Every window is equally likely. Reverb's sampling cannot be seeded, so equal seeds do not give
    equal batches; with `InMemorySource` they do.

    For low-dimensional data, servers send whole episodes and this source cuts the windows. With
    images, servers send windows.

    Args:
        address: `host:port` of a server with `replay_tables`; None starts one in this process, to
            which other machines cannot connect.
        shuffle_windows: Number of windows that are shuffled together, at least 1. It has no effect
            with images.

    Raises:
        SettingError: If the address or the number is invalid.

    References:
        Cassirer et al., "Reverb: A Framework for Experience Replay", 2021.
        https://arxiv.org/abs/2102.04736
    """

    def __init__(self, address: str | None = None, shuffle_windows: int = 10_000) -> None:
        if address is not None and not re.fullmatch(r".+:\d+", str(address)):
            raise errors.SettingError(
                "ReverbSource.address must be the address of a Reverb server as 'host:port', got "
                f"{address!r}."
            )
        self._address = address
        self._shuffle_windows = setting_checks.check_integer(
            "ReverbSource.shuffle_windows", shuffle_windows, minimum=1
        )
        self._own_server: reverb.Server | None = None
        self._spec: trajectory.Trajectory | None = None
        self._servers: list[replay_server.ReplayServer] = []
        # None if other processes have filled the servers.
        self._episodes: replay_server.Episodes | None = None
        self.num_windows = 0

    def load(self, episodes: Iterable[Episode], spec: trajectory.Trajectory) -> None:
        """Fills the server, or checks that it already contains these episodes.

        With images the server is filled by `dataset`, which knows the window length.

        Args:
            episodes: The training episodes.
            spec: Trajectory of `tf.TensorSpec` of one frame.

        Raises:
            DataError: If no frame has an executed action, or the server does not answer within 5
                seconds or contains other data.
            RunError: If the server of this process cannot be restricted to this machine.
        """
        self._episodes = episodes if isinstance(episodes, EpisodeCollection) else [*episodes]
        self.num_windows = replay_server.num_windows(self._episodes)
        if not self.num_windows:
            raise DataError("there is no demonstration to train on; check the dataset.")
        address = self._address
        if address is None:
            port = server_port.ServerPort()
            self._own_server = replay_server.start_server(port, replay_tables())
            address = f"localhost:{self._own_server.port}"
        self._open([address], spec)
        if not specs.has_images(spec):
            self._fill(1)

    def connect(self, addresses: Sequence[str], spec: trajectory.Trajectory) -> None:
        """Connects to servers that other processes fill; replaces `load`.

        Args:
            addresses: `host:port` of each; together they contain the training episodes.
            spec: Trajectory of `tf.TensorSpec` of one frame.

        Raises:
            DataError: If a server does not answer within 5 seconds, or does not have
                `replay_tables`.
        """
        self._episodes = None
        self._open(addresses, spec)

    def dataset(
        self, sequence_length: int, batch_size: int, seed: int, start_step: int = 0
    ) -> tf.data.Dataset:
        """Returns an endless dataset of start-padded windows; see `Source.dataset`.

        Args:
            sequence_length: T, at least 1. With images, all datasets of one source share it.
            batch_size: B, at least 1.
            seed: Seed of the shuffling within blocks of `shuffle_windows`.
            start_step: Ignored, because batches are drawn independently of each other.

        Returns:
            Dataset of `(Trajectory [B, T, …], ())`.

        Raises:
            DataError: If nothing is loaded, T or B is not positive, or, with images, for the
                reasons of `load`.
        """
        if self._spec is None:
            raise DataError("nothing is loaded; call load before dataset.")
        batches.check_batch_shape(sequence_length, batch_size)
        if specs.has_images(self._spec):
            return self._image_windows(sequence_length, batch_size)
        return self._vector_windows(sequence_length, batch_size, seed)

    def check(self) -> None:
        """Checks that the server still holds the episodes of `load`; see `Source.check`."""
        if self._episodes is not None:
            for server in self._servers:
                server.check_complete()

    def close(self) -> None:
        """Stops the server if it is in this process. Datasets of it raise an error from then on."""
        self._spec = None
        if self._own_server is not None:
            self._own_server.stop()
            self._own_server = None

    def _vector_windows(self, length: int, batch_size: int, seed: int) -> tf.data.Dataset:
        layout = self._servers[0].layout

        def cut(sample: Any) -> tf.Tensor:
            rows = sample.data[replay_server.ROWS]
            ends = tf.where(layout.executed(rows))[:, 0]
            return tf.gather(rows, windows.tf_window_indices(ends, length))

        def permute(block: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
            order = tf.random.experimental.stateless_shuffle(
                tf.range(tf.shape(rows)[0]), seed=tf.stack([seed, block]), alg="philox"
            )
            return tf.gather(rows, order)

        def unpack(rows: tf.Tensor) -> tuple[trajectory.Trajectory, tuple[()]]:
            return layout.unpack(tf.ensure_shape(rows, [batch_size, length, None]), {}), ()

        # Permuting blocks takes a fraction of the time of a shuffle buffer of single windows.
        cut_episodes = self._samples(length, _EPISODES_IN_FLIGHT).map(cut)
        blocks = cut_episodes.rebatch(self._shuffle_windows)
        shuffled = blocks.enumerate().map(permute).rebatch(batch_size)
        return shuffled.map(unpack).prefetch(_PREFETCHED_BATCHES)

    def _image_windows(self, length: int, batch_size: int) -> tf.data.Dataset:
        if self._episodes is not None:
            self._fill(length)
        layout = self._servers[0].layout

        def unpack(sample: Any) -> tuple[trajectory.Trajectory, tuple[()]]:
            images = dict(sample.data)
            return layout.unpack(images.pop(replay_server.ROWS), images), ()

        samples = self._samples(length, _IMAGE_WINDOWS_IN_FLIGHT)
        return samples.batch(batch_size, drop_remainder=True).map(unpack).prefetch(1)

    def _samples(self, length: int, in_flight: int) -> tf.data.Dataset:
        """Returns samples of the items of all servers, each equally likely."""
        if self._episodes is not None:
            return self._checked_samples(self._servers[0], length, in_flight)
        samplers = [server.sampler(length, in_flight) for server in self._servers]
        if len(samplers) == 1:
            return samplers[0]
        num_items = [float(server.num_items) for server in self._servers]
        shares = [count / sum(num_items) for count in num_items]
        return tf.data.Dataset.sample_from_datasets(samplers, shares)

    def _checked_samples(
        self, server: replay_server.ReplayServer, length: int, in_flight: int
    ) -> tf.data.Dataset:
        """Returns samples of a server that `load` has filled; fails once items are lost.

        A sampler of an emptied table would wait without an error.
        """

        def check() -> bool:
            self.check()
            return True

        def check_server(number: tf.Tensor) -> tf.Tensor:
            del number
            return tf.ensure_shape(tf.numpy_function(check, [], tf.bool), [])

        def sample(number: tf.Tensor) -> tf.data.Dataset:
            del number
            sampler = server.sampler(length, in_flight, _SECONDS_WITHOUT_SAMPLE)
            return sampler.take(_SAMPLES_BETWEEN_CHECKS)

        options = tf.data.Options()
        # As in `InMemorySource`: an autotuner delays the deletion of an iterator.
        options.autotune.enabled = False
        rounds = tf.data.Dataset.range(np.iinfo(np.int64).max)
        return rounds.filter(check_server).flat_map(sample).with_options(options)

    def _open(self, addresses: Sequence[str], spec: trajectory.Trajectory) -> None:
        self._spec = spec
        self._servers = [replay_server.ReplayServer(address, spec) for address in addresses]

    def _fill(self, length: int) -> None:
        assert self._episodes is not None
        for server in self._servers:
            server.fill(self._episodes, length)
