"""The parts of a recorded observation or action to import, and their names in the dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from data.errors import DataError

_SYNTAX = re.compile(
    r"(?:(?P<name>[^=\[\]]+)=)?(?P<key>[^=\[\]]+)(?:\[(?P<start>\d+):(?P<stop>\d+)\])?"
)


class Part(NamedTuple):
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
    def parse(cls, text: str) -> Part:
        """Returns the part of a description KEY, NAME=KEY, KEY[A:B] or NAME=KEY[A:B].

        Args:
            text: The description. A and B are the first element and the one after the last.

        Raises:
            DataError: If the description has another form, or no element is chosen.

        Examples:
            >>> Part.parse("agent_pos=state[0:2]")
            Part(name='agent_pos', key='state', elements=slice(0, 2, None))
        """
        found = _SYNTAX.fullmatch(text.strip())
        if found is None:
            raise DataError(
                f"{text!r} describes no part; write KEY, NAME=KEY, KEY[A:B] or "
                "NAME=KEY[A:B], such as agent_pos=state[0:2]."
            )
        elements = None
        if found["start"] is not None:
            elements = slice(int(found["start"]), int(found["stop"]))
            if elements.start >= elements.stop:
                raise DataError(f"{text!r} chooses no element; A must be less than B in [A:B].")
        return cls(found["name"] or found["key"], found["key"], elements)


def needed_keys(nest: Any, parts: Sequence[str] | None, what: str) -> list[str]:
    """Returns the names in the source of the requested parts.

    Args:
        nest: The observation or the action, usually a mapping.
        parts: Descriptions of the parts, see `Part.parse`; None stands for all of a mapping.
        what: What it is, for messages: "observation" or "action".

    Raises:
        DataError: If a part is missing.
    """
    known = sorted(nest) if isinstance(nest, Mapping) else []
    if parts is None:
        return known
    keys = [Part.parse(part).key for part in parts]
    for key in keys:
        if key not in known:
            raise DataError(
                f"the {what} has no part {key!r}; "
                f"its parts are: {', '.join(known) or 'none, it is a single array'}."
            )
    return keys


def select(nest: Any, parts: Sequence[str] | None, what: str) -> Any:
    """Returns the requested parts of an observation or an action.

    Args:
        nest: The observation or the action, usually a mapping of arrays [L, …].
        parts: Descriptions of the parts, see `Part.parse`; None stands for all of it.
        what: What it is, for messages: "observation" or "action".

    Returns:
        What was given, or a dictionary of its parts.

    Raises:
        DataError: If a part is missing, or lacks the elements.

    Examples:
        >>> select({"position": 1, "image": 2}, ["where=position"], "observation")
        {'where': 1}
    """
    if parts is None:
        return nest
    needed_keys(nest, parts, what)
    return {part.name: _elements(nest[part.key], part) for part in map(Part.parse, parts)}


def _elements(column: Any, part: Part) -> Any:
    if part.elements is None:
        return column
    shape = np.shape(column)
    size = shape[-1] if len(shape) > 1 else 0
    if part.elements.stop > size:
        raise DataError(
            f"{part.key!r} has {size} elements, and {part.name!r} asks for "
            f"[{part.elements.start}:{part.elements.stop}]."
        )
    return column[..., part.elements]
