"""Starts, fills and samples Reverb servers that store demonstrations.

For low-dimensional data an item is a whole episode. With images an item is a window, which shares
its frames with its neighbors.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import reverb
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import Episode, combined_hash, specs
from data.errors import DataError
from data.reading import EpisodeCollection
from data.sources import row_layout, server_port
from ibc_agents.core import windows

ROWS = "rows"
_ITEMS_TABLE = "demonstrations"
_FINGERPRINT_TABLE = "dataset"
_FINGERPRINT_BYTES = 32
_TIMEOUT_SECONDS = 5
_UNCONFIRMED_ITEMS = 64
_EPISODES_SORTED_TOGETHER = 10_000
_NO_LIMIT = 10**9

Episodes = EpisodeCollection | Sequence[Episode]


class _NoCheckpointer(reverb.checkpointers.CheckpointerBase):
    """Makes a server reject requests for checkpoints.

    By default Reverb creates a folder for them in the temporary folder, and leaves it there.
    """

    def internal_checkpointer(self) -> None:
        return None


def start_server(
    port: server_port.ServerPort,
    tables: Sequence[reverb.Table],
    checkpointer: reverb.checkpointers.CheckpointerBase | None = None,
) -> reverb.Server:
    """Starts a server in this process.

    Args:
        port: Port of the server.
        tables: Tables of the server.
        checkpointer: Restores and writes checkpoints; None for a server without.
    """
    with port.hand_over() as number:
        return reverb.Server(tables, number, checkpointer or _NoCheckpointer())


def replay_tables() -> list[reverb.Table]:
    """Returns the tables of a server that stores demonstrations.

    Items are never evicted, and sampling does not remove them.
    """
    return [
        reverb.Table(
            name=name,
            sampler=reverb.selectors.Uniform(),
            remover=reverb.selectors.Fifo(),
            max_size=_NO_LIMIT,
            rate_limiter=reverb.rate_limiters.MinSize(1),
        )
        for name in (_ITEMS_TABLE, _FINGERPRINT_TABLE)
    ]


class ReplayServer:
    """Fills a server with episodes, and samples from it.

    Args:
        address: `host:port` of a server with `replay_tables`.
        spec: Trajectory of `tf.TensorSpec` of one frame.

    Attributes:
        layout: Layout of the rows, which contain all leaves of a frame except its images.

    Raises:
        DataError: If it does not answer within 5 seconds, or does not have these tables.
    """

    def __init__(self, address: str, spec: trajectory.Trajectory) -> None:
        self.layout = row_layout.RowLayout(spec)
        self._address = address
        self._spec = spec
        self._images = [name for name, leaf in specs.named_leaves(spec) if specs.is_image(leaf)]
        self._client = reverb.Client(address)
        self._own_items = 0
        self._sizes()

    @property
    def num_items(self) -> int:
        """Number of items on the server.

        Raises:
            DataError: If it does not answer within 5 seconds.
        """
        return self._sizes()[_ITEMS_TABLE]

    @property
    def is_filled(self) -> bool:
        """Whether `fill` has completed.

        Raises:
            DataError: If it does not answer within 5 seconds.
        """
        return self._sizes()[_FINGERPRINT_TABLE] > 0

    def fill(self, episodes: Episodes, sequence_length: int) -> None:
        """Fills an empty server, or checks that a filled one contains these episodes.

        Args:
            episodes: The episodes.
            sequence_length: T of the windows; ignored without images.

        Raises:
            DataError: If it does not answer within 5 seconds, or contains other data.
        """
        length = sequence_length if self._images else None
        fingerprint = self._fingerprint(episodes, length)
        sizes = self._sizes()
        if sizes[_FINGERPRINT_TABLE]:
            expected = num_windows(episodes) if length else len(episodes)
            self._check_same(fingerprint, sizes[_ITEMS_TABLE], expected)
            self._own_items = expected
            return
        if sizes[_ITEMS_TABLE]:
            raise DataError(
                f"{self._address}: the Reverb server is partly filled: another process is filling "
                "it, or was stopped while it did. Wait, or restart the server."
            )
        self.add(episodes, sequence_length)
        with self._report_write_errors():
            self._client.insert([fingerprint], {_FINGERPRINT_TABLE: 1.0})

    def add(self, episodes: Iterable[Episode], sequence_length: int) -> None:
        """Adds episodes; `fill` ignores them when it compares datasets.

        Args:
            episodes: The episodes.
            sequence_length: T of the windows; ignored without images.

        Raises:
            DataError: If the server does not answer.
        """
        with self._report_write_errors():
            if self._images:
                for episode in episodes:
                    self._write_windows(episode, sequence_length)
            else:
                for equally_long in _group_by_length(episodes):
                    self._write_whole(equally_long)

    def check_complete(self) -> None:
        """Checks that the server still holds every item that this object has added or found.

        Raises:
            DataError: If items are missing, or the server does not answer within 5 seconds.
        """
        sizes = self._sizes()
        if sizes[_ITEMS_TABLE] < self._own_items or not sizes[_FINGERPRINT_TABLE]:
            raise DataError(
                f"{self._address}: the Reverb server has lost demonstrations: it holds "
                f"{sizes[_ITEMS_TABLE]} of {self._own_items} items. Another process has removed "
                "them, since Reverb has no authentication. Run the same command again."
            )

    def sampler(
        self, sequence_length: int, in_flight: int, timeout_seconds: float | None = None
    ) -> tf.data.Dataset:
        """Returns a dataset of items, each equally likely.

        Args:
            sequence_length: T of the windows; ignored without images.
            in_flight: Number of items that are requested at a time.
            timeout_seconds: Time without an item after which the dataset ends; None for an endless
                dataset, which waits.

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
            _ITEMS_TABLE,
            dtypes=dict.fromkeys(shapes, tf.uint8),
            shapes=shapes,
            max_in_flight_samples_per_worker=in_flight,
            num_workers_per_iterator=1,
            rate_limiter_timeout_ms=-1 if timeout_seconds is None else int(timeout_seconds * 1000),
        )

    @contextlib.contextmanager
    def _report_write_errors(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, reverb.errors.ReverbError) as error:
            raise DataError(
                f"{self._address}: the Reverb server failed while it was being filled "
                f"({str(error).splitlines()[0]}); restart it."
            ) from error

    def _write_whole(self, equally_long: Iterable[Episode]) -> None:
        """Writes an item per episode; all have one length."""
        with self._client.trajectory_writer(num_keep_alive_refs=1) as writer:
            for episode in equally_long:
                writer.append({ROWS: self.layout.pack(episode)})
                writer.create_item(_ITEMS_TABLE, 1.0, {ROWS: writer.history[ROWS][-1]})
                writer.flush(block_until_num_items=_UNCONFIRMED_ITEMS)
                self._own_items += 1

    def _write_windows(self, episode: Episode, length: int) -> None:
        """Writes an item per window of an episode."""
        leaves = dict(specs.named_leaves(episode.frames))
        columns = {ROWS: self.layout.pack(episode)} | {name: leaves[name] for name in self._images}
        with self._client.trajectory_writer(num_keep_alive_refs=length) as writer:
            for name in columns:
                writer.configure((name,), num_keep_alive_refs=length, max_chunk_length=1)
            # The padding is written, because an item cannot refer to one frame repeatedly.
            last = np.array([episode.num_frames - 1])
            for frame in windows.window_indices(last, episode.num_frames + length - 1)[0]:
                writer.append({name: values[frame] for name, values in columns.items()})
                if len(writer.history[ROWS]) >= length and episode.executed[frame]:
                    window = {name: writer.history[name][-length:] for name in columns}
                    writer.create_item(_ITEMS_TABLE, 1.0, window)
                    writer.flush(block_until_num_items=_UNCONFIRMED_ITEMS)
                    self._own_items += 1

    def _check_same(self, fingerprint: np.ndarray, num_items: int, expected: int) -> None:
        sample = next(iter(self._client.sample(_FINGERPRINT_TABLE, num_samples=1)))[0]
        if num_items != expected or not np.array_equal(sample.data[0], fingerprint):
            raise DataError(
                f"{self._address}: the Reverb server contains another dataset, or windows of "
                "another length. Restart it, or use another one."
            )

    def _fingerprint(self, episodes: Episodes, length: int | None) -> np.ndarray:
        """Returns a hash of the episodes and of how they are stored, uint8 [32]."""
        if isinstance(episodes, EpisodeCollection):
            content = episodes.dataset_hash
        else:
            content = combined_hash(episode.content_hash for episode in episodes)
        leaves = [(n, leaf.dtype.name, leaf.shape) for n, leaf in specs.named_leaves(self._spec)]
        digest = hashlib.sha256(f"{content} {length} {leaves}".encode()).digest()
        return np.frombuffer(digest, np.uint8, _FINGERPRINT_BYTES)

    def _sizes(self) -> dict[str, int]:
        """Returns the number of items in each of the `replay_tables`."""
        try:
            tables = self._client.server_info(timeout=_TIMEOUT_SECONDS)
        except (RuntimeError, reverb.errors.ReverbError) as error:
            raise DataError(
                f"{self._address}: no Reverb server answers within {_TIMEOUT_SECONDS} seconds; "
                "start it, or check the address."
            ) from error
        for name in (_ITEMS_TABLE, _FINGERPRINT_TABLE):
            if name not in tables:
                raise DataError(
                    f"{self._address}: the Reverb server has no table {name}; "
                    "start it with data.sources.reverb_source.replay_tables()."
                )
        return {name: tables[name].current_size for name in (_ITEMS_TABLE, _FINGERPRINT_TABLE)}


def _group_by_length(episodes: Iterable[Episode]) -> Iterator[Iterable[Episode]]:
    """Yields groups of episodes of equal length.

    A writer accepts one shape only, and creating one takes ten times as long as an episode.
    """
    remaining = iter(episodes)
    while some := list(itertools.islice(remaining, _EPISODES_SORTED_TOGETHER)):
        some.sort(key=lambda episode: episode.num_frames)
        for _, equally_long in itertools.groupby(some, key=lambda episode: episode.num_frames):
            yield equally_long


def num_windows(episodes: Episodes) -> int:
    """Returns the number of windows of episodes, for any window length: one per executed action."""
    if isinstance(episodes, EpisodeCollection):
        return episodes.num_windows
    return sum(int(episode.executed.sum()) for episode in episodes)
