"""The parts of a recorded observation that an importer reads, and their names in the dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from data.errors import DataError

_SYNTAX = re.compile(
    r"(?:(?P<name>[^=\[\]]+)=)?(?P<key>[^=\[\]]+)(?:\[(?P<start>\d+):(?P<stop>\d+)\])?"
)


class ObservationPart(NamedTuple):
    """A column of the source, or some of its elements, and its name in the dataset.

    Attributes:
        name: Name in the dataset.
        key: Name in the source.
        elements: Elements of the last dimension; None stands for all.
    """

    name: str
    key: str
    elements: slice | None = None

    @classmethod
    def parse(cls, text: str) -> ObservationPart:
        """Returns the part of a description KEY, NAME=KEY, KEY[A:B] or NAME=KEY[A:B].

        Args:
            text: The description. A and B are the first element and the one after the last.

        Raises:
            DataError: If the description has another form, or no element is chosen.

        Examples:
            >>> ObservationPart.parse("agent_pos=state[0:2]")
            ObservationPart(name='agent_pos', key='state', elements=slice(0, 2, None))
        """
        found = _SYNTAX.fullmatch(text.strip())
        if found is None:
            raise DataError(
                f"{text!r} describes no part of an observation; write KEY, NAME=KEY, KEY[A:B] or "
                "NAME=KEY[A:B], such as agent_pos=state[0:2]."
            )
        elements = None
        if found["start"] is not None:
            elements = slice(int(found["start"]), int(found["stop"]))
            if elements.start >= elements.stop:
                raise DataError(f"{text!r} chooses no element; A must be less than B in [A:B].")
        return cls(found["name"] or found["key"], found["key"], elements)


def select(observation: Any, parts: Sequence[str] | None, source: str) -> Any:
    """Returns the requested parts of an observation.

    Args:
        observation: The observation, usually a mapping of arrays [L, …].
        parts: Descriptions of the parts, see `ObservationPart.parse`; None stands for the whole
            observation.
        source: The file or folder, for messages.

    Returns:
        The observation, or a dictionary of its parts.

    Raises:
        DataError: If a part is missing, or lacks the elements.

    Examples:
        >>> select({"position": 1, "image": 2}, ["where=position"], "demo.hdf5")
        {'where': 1}
    """
    if parts is None:
        return observation
    known = observation if isinstance(observation, Mapping) else {}
    selected = {}
    for part in map(ObservationPart.parse, parts):
        if part.key not in known:
            raise DataError(
                f"{source}: the observation has no part {part.key!r}; "
                f"its parts are: {', '.join(sorted(known)) or 'none, it is a single array'}."
            )
        selected[part.name] = _elements(known[part.key], part, source)
    return selected


def _elements(column: Any, part: ObservationPart, source: str) -> Any:
    if part.elements is None:
        return column
    size = column.shape[-1] if len(column.shape) > 1 else 0
    if part.elements.stop > size:
        raise DataError(
            f"{source}: {part.key!r} has {size} elements, and {part.name!r} asks for "
            f"[{part.elements.start}:{part.elements.stop}]."
        )
    return column[..., part.elements]
