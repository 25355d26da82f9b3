"""A Reverb server that holds demonstrations, as its clients see it."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import reverb
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import episodes, specs
from data.errors import DataError
from data.sources import demonstrations, packing
from ibc_agents.core import windows

ROWS = "rows"
_ITEMS = "demonstrations"
_MARK = "dataset"
_FINGERPRINT_BYTES = 32
_TIMEOUT_SECONDS = 5
_UNCONFIRMED_ITEMS = 64
_SORTED_TOGETHER = 10_000
_NO_LIMIT = 10**9

Episodes = demonstrations.EpisodeCollection | Sequence[episodes.Episode]


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


class ReplayServer:
    """Fills a server with episodes, and samples from it.

    Low-dimensional data: an item is a whole episode. With images: an item is a window that shares
    its frames with its neighbours.

    Args:
        address: `host:port` of a server that has `replay_tables`.
        spec: Trajectory of `tf.TensorSpec` of one frame.

    Attributes:
        layout: of the rows that hold all leaves of a frame but its images.

    Raises:
        DataError: it does not answer within 5 seconds, or has not our tables.
    """

    def __init__(self, address: str, spec: trajectory.Trajectory) -> None:
        self.layout = packing.RowLayout(spec)
        self._address = address
        self._spec = spec
        self._images = [name for name, leaf in specs.named_leaves(spec) if specs.is_image(leaf)]
        self._client = reverb.Client(address)
        self._sizes()

    @property
    def num_items(self) -> int:
        """Items that it holds now.

        Raises:
            DataError: it does not answer within 5 seconds.
        """
        return self._sizes()[_ITEMS]

    @property
    def is_filled(self) -> bool:
        """Whether it holds all of some demonstrations.

        Raises:
            DataError: it does not answer within 5 seconds.
        """
        return self._sizes()[_MARK] > 0

    def fill(self, loaded: Episodes, sequence_length: int) -> None:
        """Fills an empty server; makes sure that a filled one holds these episodes.

        Args:
            loaded: the episodes.
            sequence_length: T of the windows; of no effect without images.

        Raises:
            DataError: it does not answer within 5 seconds, or holds something else.
        """
        length = sequence_length if self._images else None
        fingerprint = self._fingerprint(loaded, length)
        sizes = self._sizes()
        if sizes[_MARK]:
            wanted = num_windows(loaded) if length else len(loaded)
            self._check_same(fingerprint, sizes[_ITEMS], wanted)
            return
        if sizes[_ITEMS]:
            raise DataError(
                f"{self._address}: the Reverb server is partly filled: another process fills it "
                "now, or was stopped while it did; wait, or restart the server."
            )
        self.add(loaded, sequence_length)
        with self._filling():
            self._client.insert([fingerprint], {_MARK: 1.0})

    def add(self, loaded: Iterable[episodes.Episode], sequence_length: int) -> None:
        """Adds episodes, which `fill` then knows nothing of.

        Args:
            loaded: the episodes.
            sequence_length: T of the windows; of no effect without images.

        Raises:
            DataError: it does not answer.
        """
        with self._filling():
            if self._images:
                for episode in loaded:
                    self._write_windows(episode, sequence_length)
            else:
                for together in _by_length(loaded):
                    self._write_whole(together)

    def sampler(self, sequence_length: int, in_flight: int) -> reverb.TrajectoryDataset:
        """Samples items without an end, each equally likely.

        Args:
            sequence_length: T of the windows; of no effect without images.
            in_flight: items that are asked for at a time.

        Returns:
            Dataset of samples whose data is, by name, uint8 [L, R] under `ROWS` and each image leaf
            [L, height, width, channels], where L is T with images and an episode's length without.
        """
        length = sequence_length if self._images else None
        shapes = {ROWS: tf.TensorShape([length, self.layout.row_bytes])}
        leaves = dict(specs.named_leaves(self._spec))
        shapes |= {name: tf.TensorShape([length, *leaves[name].shape]) for name in self._images}
        return reverb.TrajectoryDataset(
            self._address,
            _ITEMS,
            dtypes=dict.fromkeys(shapes, tf.uint8),
            shapes=shapes,
            max_in_flight_samples_per_worker=in_flight,
            num_workers_per_iterator=1,
        )

    @contextlib.contextmanager
    def _filling(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, reverb.errors.ReverbError) as error:
            raise DataError(
                f"{self._address}: the Reverb server failed while it was filled "
                f"({str(error).splitlines()[0]}); restart it."
            ) from error

    def _write_whole(self, together: Iterable[episodes.Episode]) -> None:
        """Makes an item of each episode, all of one length."""
        with self._client.trajectory_writer(num_keep_alive_refs=1) as writer:
            for episode in together:
                writer.append({ROWS: self.layout.pack(episode)})
                writer.create_item(_ITEMS, 1.0, {ROWS: writer.history[ROWS][-1]})
                writer.flush(block_until_num_items=_UNCONFIRMED_ITEMS)

    def _write_windows(self, episode: episodes.Episode, length: int) -> None:
        """Makes an item of each window of an episode."""
        leaves = dict(specs.named_leaves(episode.frames))
        columns = {ROWS: self.layout.pack(episode)} | {name: leaves[name] for name in self._images}
        with self._client.trajectory_writer(num_keep_alive_refs=length) as writer:
            for name in columns:
                writer.configure((name,), num_keep_alive_refs=length, max_chunk_length=1)
            # The first frame is written T times: an item cannot refer to one frame repeatedly.
            last = np.array([episode.num_frames - 1])
            for frame in windows.window_indices(last, episode.num_frames + length - 1)[0]:
                writer.append({name: values[frame] for name, values in columns.items()})
                if len(writer.history[ROWS]) >= length and episode.executed[frame]:
                    window = {name: writer.history[name][-length:] for name in columns}
                    writer.create_item(_ITEMS, 1.0, window)
                    writer.flush(block_until_num_items=_UNCONFIRMED_ITEMS)

    def _check_same(self, fingerprint: np.ndarray, num_items: int, wanted: int) -> None:
        sample = next(iter(self._client.sample(_MARK, num_samples=1)))[0]
        if num_items != wanted or not np.array_equal(sample.data[0], fingerprint):
            raise DataError(
                f"{self._address}: the Reverb server holds another dataset, or windows of another "
                "length; restart it, or use another one."
            )

    def _fingerprint(self, loaded: Episodes, length: int | None) -> np.ndarray:
        """Of the episodes and of how they are stored, uint8 [32]."""
        if isinstance(loaded, demonstrations.EpisodeCollection):
            content = loaded.dataset_hash
        else:
            content = episodes.combined_hash(episode.content_hash for episode in loaded)
        leaves = [(n, leaf.dtype.name, leaf.shape) for n, leaf in specs.named_leaves(self._spec)]
        digest = hashlib.sha256(f"{content} {length} {leaves}".encode()).digest()
        return np.frombuffer(digest, np.uint8, _FINGERPRINT_BYTES)

    def _sizes(self) -> dict[str, int]:
        """Number of items in each of our tables."""
        try:
            tables = self._client.server_info(timeout=_TIMEOUT_SECONDS)
        except (RuntimeError, reverb.errors.ReverbError) as error:
            raise DataError(
                f"{self._address}: no Reverb server answers within {_TIMEOUT_SECONDS} seconds; "
                "start it, or check the address."
            ) from error
        for name in (_ITEMS, _MARK):
            if name not in tables:
                raise DataError(
                    f"{self._address}: the Reverb server has no table {name}; "
                    "start it with data.sources.reverb_source.replay_tables()."
                )
        return {name: tables[name].current_size for name in (_ITEMS, _MARK)}


def _by_length(loaded: Iterable[episodes.Episode]) -> Iterator[Iterable[episodes.Episode]]:
    """The same episodes, those of one length together.

    A writer takes one shape only, and to begin one costs ten times what an episode does.
    """
    remaining = iter(loaded)
    while some := list(itertools.islice(remaining, _SORTED_TOGETHER)):
        some.sort(key=lambda episode: episode.num_frames)
        for _, together in itertools.groupby(some, key=lambda episode: episode.num_frames):
            yield together


def num_windows(loaded: Episodes) -> int:
    """Number of windows of episodes, whatever their length: one for each executed frame."""
    if isinstance(loaded, demonstrations.EpisodeCollection):
        return loaded.num_windows
    return sum(int(episode.executed.sum()) for episode in loaded)
