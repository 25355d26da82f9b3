"""Training data in a Reverb server, in this process or another. The only module here with Reverb.

Low-dimensional data: an item is a whole episode, and the client cuts it into windows. With images:
an item is a window that shares its frames with its neighbours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import gin
import numpy as np
import reverb
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data import demonstrations, episodes, packing, specs, windows
from data.errors import DataError

_ITEMS = "demonstrations"
_MARK = "dataset"
_ROWS = "rows"
_FINGERPRINT_BYTES = 32
_TIMEOUT_SECONDS = 5
# Enough to keep a batch ahead of the learner; windows of images are large.
_EPISODES_IN_FLIGHT = 64
_IMAGE_WINDOWS_IN_FLIGHT = 16
_UNCONFIRMED_ITEMS = 8
_NO_LIMIT = 10**9


def replay_tables() -> list[reverb.Table]:
    """The tables that a server must have to take any demonstrations.

    Nothing is evicted, and sampling removes nothing.
    """
    return [
        reverb.Table(
            name=name,
            sampler=reverb.selectors.Uniform(),
            remover=reverb.selectors.Fifo(),
            max_size=_NO_LIMIT,
            rate_limiter=reverb.rate_limiters.MinSize(1),
        )
        for name in (_ITEMS, _MARK)
    ]


def is_filled(client: reverb.Client) -> bool:
    """Whether the server of a client holds all of some demonstrations."""
    return client.server_info()[_MARK].current_size > 0


@gin.configurable
class ReverbSource:
    """Samples windows from a Reverb server that holds the whole training split.

    Every window is equally likely. Reverb's own choice cannot be seeded, so that equal seeds do not
    give equal batches; `InMemorySource` does.

    Args:
        address: `host:port` of a server that has `replay_tables`; None starts one in this process.
        shuffle_windows: low-dimensional data comes an episode at a time; windows are shuffled in
            blocks of this many.

    Raises:
        DataError: the address or the number is not usable.
    """

    def __init__(self, address: str | None = None, shuffle_windows: int = 10_000) -> None:
        if address is not None and not address.rpartition(":")[2].isdigit():
            raise DataError(f"{address}: not an address of a Reverb server; write host:port.")
        if shuffle_windows < 1:
            raise DataError(f"shuffle_windows is {shuffle_windows}; it must be at least 1.")
        self._address = address
        self._shuffle_windows = shuffle_windows
        self._server: reverb.Server | None = None
        # None where the server holds what others have loaded.
        self._episodes: demonstrations.EpisodeCollection | list[episodes.Episode] | None = None
        self._spec: trajectory.Trajectory | None = None
        self.num_windows = 0

    def load(self, loaded: Iterable[episodes.Episode], spec: trajectory.Trajectory) -> None:
        """Fills the server, or finds that it holds these episodes already.

        With images this waits for `dataset`, which tells the windows' length.

        Args:
            loaded: the training episodes.
            spec: Trajectory of `tf.TensorSpec` of one frame.

        Raises:
            DataError: there is no executed frame, the server does not answer within 5 seconds, or
                it holds something else.
        """
        if isinstance(loaded, demonstrations.EpisodeCollection):
            self._episodes, self.num_windows = loaded, loaded.num_windows
        else:
            self._episodes = list(loaded)
            self.num_windows = sum(int(episode.executed.sum()) for episode in self._episodes)
        if not self.num_windows:
            raise DataError("there is no demonstration to train on; check the dataset.")
        if self._address is None:
            self._server = reverb.Server(replay_tables())
            self._open(f"localhost:{self._server.port}", spec)
        else:
            self._open(self._address, spec)
        if not specs.has_images(spec):
            self._fill(None)

    def fill(self, sequence_length: int) -> None:
        """Makes sure that the loaded episodes are in the server, for windows of this length.

        Args:
            sequence_length: T.

        Raises:
            DataError: as `load`.
        """
        if specs.has_images(self._spec):
            self._fill(sequence_length)

    def connect(self, address: str, spec: trajectory.Trajectory) -> None:
        """Takes what another process has loaded into a server, instead of `load`.

        Args:
            address: `host:port`, instead of the one at construction.
            spec: Trajectory of `tf.TensorSpec` of one frame.

        Raises:
            DataError: the server does not answer within 5 seconds, or has not our tables.
        """
        self._episodes = None
        self._open(address, spec)

    def dataset(
        self, sequence_length: int, batch_size: int, seed: int, start_step: int = 0
    ) -> tf.data.Dataset:
        """An endless dataset of `(Trajectory [B, T, ...], ())`.

        Args:
            sequence_length: T. With images, all datasets of one source share it.
            batch_size: B.
            seed: of the shuffling within blocks.
            start_step: of no effect, since batches are drawn independently of each other.

        Raises:
            DataError: nothing is loaded, T or B is not usable, or, with images, what `load` raises.
        """
        if self._spec is None:
            raise DataError("nothing is loaded; call load before dataset.")
        windows.check_sequence_length(sequence_length)
        windows.check_batch_size(batch_size)
        if specs.has_images(self._spec):
            return self._image_windows(sequence_length, batch_size)
        return self._vector_windows(sequence_length, batch_size, seed)

    def close(self) -> None:
        """Stops the server, if it is in this process; its datasets end with an error."""
        self._spec = None
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _vector_windows(self, length: int, batch_size: int, seed: int) -> tf.data.Dataset:
        layout = self._layout

        def cut(sample: Any) -> tf.Tensor:
            rows = sample.data[_ROWS]
            return tf.gather(rows, windows.tf_window_indices(layout.executed(rows), length))

        def permute(block: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
            order = tf.random.experimental.stateless_shuffle(
                tf.range(tf.shape(rows)[0]), seed=tf.stack([seed, block]), alg="philox"
            )
            return tf.gather(rows, order)

        def unpack(rows: tf.Tensor) -> tuple[trajectory.Trajectory, tuple[()]]:
            return layout.unpack(tf.ensure_shape(rows, [batch_size, length, None]), {}), ()

        # Rebatching blocks costs a fraction of unbatching into a shuffle buffer.
        blocks = self._sampler(None, _EPISODES_IN_FLIGHT).map(cut).rebatch(self._shuffle_windows)
        batches = blocks.enumerate().map(permute).rebatch(batch_size)
        return batches.map(unpack).prefetch(tf.data.AUTOTUNE)

    def _image_windows(self, length: int, batch_size: int) -> tf.data.Dataset:
        if self._episodes is not None:
            self._fill(length)
        layout = self._layout

        def unpack(sample: Any) -> tuple[trajectory.Trajectory, tuple[()]]:
            images = {name: values for name, values in sample.data.items() if name != _ROWS}
            return layout.unpack(sample.data[_ROWS], images), ()

        samples = self._sampler(length, _IMAGE_WINDOWS_IN_FLIGHT)
        return samples.batch(batch_size, drop_remainder=True).map(unpack).prefetch(1)

    def _sampler(self, length: int | None, in_flight: int) -> reverb.TrajectoryDataset:
        """Samples of items: columns [length, ...]."""
        shapes = {_ROWS: tf.TensorShape([length, self._layout.row_bytes])}
        for name, leaf in _images(self._spec):
            shapes[name] = tf.TensorShape([length, *leaf.shape])
        return reverb.TrajectoryDataset(
            self._client.server_address,
            _ITEMS,
            dtypes=dict.fromkeys(shapes, tf.uint8),
            shapes=shapes,
            max_in_flight_samples_per_worker=in_flight,
            num_workers_per_iterator=1,
        )

    def _open(self, address: str, spec: trajectory.Trajectory) -> None:
        self._spec = spec
        self._layout = packing.RowLayout(spec)
        self._client = reverb.Client(address)
        self._sizes()

    def _fill(self, length: int | None) -> None:
        """Fills an empty server once; makes sure that a filled one holds these episodes."""
        assert self._episodes is not None
        fingerprint = self._fingerprint(length)
        sizes = self._sizes()
        if sizes[_MARK]:
            self._check_same(fingerprint, sizes[_ITEMS], length)
            return
        if sizes[_ITEMS]:
            raise DataError(
                f"{self._where}: the Reverb server is partly filled: another process fills it now, "
                "or was stopped while it did; wait, or restart the server."
            )
        try:
            for episode in self._episodes:
                self._write(episode, length)
            self._client.insert([fingerprint], {_MARK: 1.0})
        except (RuntimeError, reverb.errors.ReverbError) as error:
            raise DataError(
                f"{self._where}: the Reverb server failed while it was filled "
                f"({str(error).splitlines()[0]}); restart it."
            ) from error

    def _write(self, episode: episodes.Episode, length: int | None) -> None:
        rows = self._layout.pack(episode)
        if length is None:
            with self._client.trajectory_writer(num_keep_alive_refs=1) as writer:
                writer.append({_ROWS: rows})
                writer.create_item(_ITEMS, 1.0, {_ROWS: writer.history[_ROWS][-1]})
            return
        leaves = dict(specs.named_leaves(episode.frames))
        columns = {_ROWS: rows} | {name: leaves[name] for name, _ in _images(self._spec)}
        with self._client.trajectory_writer(num_keep_alive_refs=length) as writer:
            for name in columns:
                writer.configure((name,), num_keep_alive_refs=length, max_chunk_length=1)
            # The first frame is written T times: an item cannot refer to one frame repeatedly.
            for frame in [0] * (length - 1) + list(range(episode.num_frames)):
                writer.append({name: values[frame] for name, values in columns.items()})
                if len(writer.history[_ROWS]) >= length and episode.executed[frame]:
                    window = {name: writer.history[name][-length:] for name in columns}
                    writer.create_item(_ITEMS, 1.0, window)
                    writer.flush(block_until_num_items=_UNCONFIRMED_ITEMS)

    def _check_same(self, fingerprint: np.ndarray, num_items: int, length: int | None) -> None:
        assert self._episodes is not None
        sample = next(iter(self._client.sample(_MARK, num_samples=1)))[0]
        wanted = self.num_windows if length else len(self._episodes)
        if num_items != wanted or not np.array_equal(sample.data[0], fingerprint):
            raise DataError(
                f"{self._where}: the Reverb server holds another dataset, or windows of another "
                "length; restart it, or use another one."
            )

    def _fingerprint(self, length: int | None) -> np.ndarray:
        """Of the episodes and of how they are stored, uint8 [32]."""
        assert self._episodes is not None
        if isinstance(self._episodes, demonstrations.EpisodeCollection):
            content = self._episodes.dataset_hash
        else:
            content = episodes.combined_hash(e.content_hash for e in self._episodes)
        leaves = [(n, leaf.dtype.name, leaf.shape) for n, leaf in specs.named_leaves(self._spec)]
        digest = hashlib.sha256(f"{content} {length} {leaves}".encode()).digest()
        return np.frombuffer(digest, np.uint8, _FINGERPRINT_BYTES)

    def _sizes(self) -> dict[str, int]:
        """Number of items in each of our tables."""
        try:
            tables = self._client.server_info(timeout=_TIMEOUT_SECONDS)
        except (RuntimeError, reverb.errors.ReverbError) as error:
            raise DataError(
                f"{self._where}: no Reverb server answers within {_TIMEOUT_SECONDS} seconds; "
                "start it, or check the address."
            ) from error
        for name in (_ITEMS, _MARK):
            if name not in tables:
                raise DataError(
                    f"{self._where}: the Reverb server has no table {name}; "
                    "start it with data.replay.replay_tables()."
                )
        return {name: tables[name].current_size for name in (_ITEMS, _MARK)}

    @property
    def _where(self) -> str:
        return self._client.server_address


def _images(spec: trajectory.Trajectory) -> Iterator[tuple[str, tf.TypeSpec]]:
    for name, leaf in specs.named_leaves(spec):
        if specs.is_image(leaf):
            yield name, leaf
