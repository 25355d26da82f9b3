"""Seeded damage of bytes, text, JSON values and files."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

# Values on which parsers and arithmetic often fail, as JSON types.
EXTREME_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**40,
    2**63,
    -(2**63) - 1,
    10**400,
    0.5,
    -0.0,
    1e-320,
    1e300,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    " ",
    "0",
    "nan",
    "..",
    "/",
    "\0",
    "\ud800",
    "é\u202e\U0001f916",
    "a" * 10_000,
    [],
    {},
    [[]],
    {"": None},
    [None] * 100,
)
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"\w+")
_NUMBERS = ("0", "-1", "2e1", "20.5", "1e300", "-1e300", "nan", "inf", "10000000000000000000000")
_INSERTIONS = (
    "\0",
    "\ufeff",
    "é",
    "\u202e",
    "'",
    '"',
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\\",
    "=",
    "@",
    "%",
    "\t",
    "#",
)
_INTEGERS = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**40,
    2**50,
    2**63,
    2**64 - 1,
)


def choose(generator: np.random.Generator, options: Any) -> Any:
    """Returns one of the options, which keep their Python types."""
    return options[int(generator.integers(len(options)))]


def damage_bytes(data: bytes, generator: np.random.Generator) -> tuple[bytes, str]:
    """Damages bytes.

    Args:
        data: Undamaged bytes.
        generator: Source of randomness.

    Returns:
        The damaged bytes and a description.
    """
    damaged = bytearray(data)
    at = int(generator.integers(len(damaged) + 1))
    length = int(min(2 ** generator.uniform(0, 12), len(damaged) - at))
    kind = choose(
        generator, ("flip", "cut", "delete", "repeat", "zero", "insert", "integer", "random")
    )
    if kind == "flip" and damaged:
        at %= len(damaged)
        damaged[at] ^= 1 << int(generator.integers(8))
    elif kind == "cut":
        del damaged[at:]
    elif kind == "delete":
        del damaged[at : at + length]
    elif kind == "repeat":
        damaged[at:at] = damaged[at : at + length]
    elif kind == "zero":
        damaged[at : at + length] = bytes(length)
    elif kind == "insert":
        damaged[at:at] = generator.bytes(length + 1)
    elif kind == "integer":
        size = choose(generator, (1, 2, 4, 8))
        value = choose(generator, _INTEGERS) % 2 ** (8 * size)
        damaged[at : at + size] = value.to_bytes(size, choose(generator, ("little", "big")))
    else:
        damaged[at : at + length] = generator.bytes(length)
    return bytes(damaged), f"{kind} at byte {at} of {len(data)}, length {length}"


def damage_text(text: str, generator: np.random.Generator) -> tuple[str, str]:
    """Damages a line, a word, a number or a character of a text.

    Args:
        text: Undamaged text.
        generator: Source of randomness.

    Returns:
        The damaged text and a description.
    """
    damage = choose(generator, (_damage_line, _replace_number, _replace_word, _insert, _cut))
    return damage(text, generator)


def _damage_line(text: str, generator: np.random.Generator) -> tuple[str, str]:
    lines = text.splitlines(keepends=True) or [""]
    at, other = (int(generator.integers(len(lines))) for _ in range(2))
    kind = choose(generator, ("delete", "repeat", "swap", "join"))
    if kind == "delete":
        del lines[at]
    elif kind == "repeat":
        lines.insert(other, lines[at])
    elif kind == "swap":
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = lines[at].rstrip("\n")
    return "".join(lines), f"{kind} line {at + 1}"


def _replace_number(text: str, generator: np.random.Generator) -> tuple[str, str]:
    return _replace(text, _NUMBER.finditer(text), _NUMBERS, generator)


def _replace_word(text: str, generator: np.random.Generator) -> tuple[str, str]:
    words = sorted(set(_WORD.findall(text))) or [""]
    return _replace(text, _WORD.finditer(text), words, generator)


def _replace(
    text: str,
    matches: Iterable[re.Match],
    replacements: Sequence[str],
    generator: np.random.Generator,
) -> tuple[str, str]:
    found = list(matches)
    if not found:
        return _insert(text, generator)
    old = choose(generator, found)
    new = choose(generator, replacements)
    return text[: old.start()] + new + text[old.end() :], f"replace {old[0][:40]!r} by {new[:40]!r}"


def _insert(text: str, generator: np.random.Generator) -> tuple[str, str]:
    at = int(generator.integers(len(text) + 1))
    inserted = choose(generator, _INSERTIONS)
    return text[:at] + inserted + text[at:], f"insert {inserted!r} at character {at}"


def _cut(text: str, generator: np.random.Generator) -> tuple[str, str]:
    at = int(generator.integers(len(text) + 1))
    return text[:at], f"cut at character {at}"


def damage_json(value: Any, generator: np.random.Generator) -> tuple[Any, str]:
    """Damages one node of a JSON value.

    Args:
        value: Undamaged value of JSON types.
        generator: Source of randomness.

    Returns:
        A damaged copy and a description.
    """
    value = copy.deepcopy(value)
    paths = list(_paths(value))
    if not paths:
        new = choose(generator, EXTREME_VALUES)
        return new, f"replace everything by {_short(new)}"
    *parents, key = choose(generator, paths)
    parent = value
    for name in parents:
        parent = parent[name]
    kind = choose(generator, ("delete", "extreme", "extreme", "type", "wrap", "move", "add"))
    path = "/".join(map(str, (*parents, key)))
    if kind == "delete":
        del parent[key]
        return value, f"delete {path}"
    if kind == "extreme":
        parent[key] = choose(generator, EXTREME_VALUES)
    elif kind == "type":
        parent[key] = str(parent[key]) if not isinstance(parent[key], str) else [parent[key]]
    elif kind == "wrap":
        parent[key] = choose(generator, ([parent[key]], {"a": parent[key]}))
    elif kind == "move":
        parent[key] = copy.deepcopy(_at(value, choose(generator, paths)))
    elif isinstance(parent, dict):
        key = choose(generator, ("", "a", "é", "__class__", "0"))
        parent[key] = choose(generator, EXTREME_VALUES)
    else:
        parent.insert(key, choose(generator, EXTREME_VALUES))
    return value, f"{kind} {path}: {_short(parent[key])}"


def _paths(value: Any, prefix: tuple = ()) -> Iterator[tuple]:
    """Yields the path of every node below the root."""
    if isinstance(value, dict):
        items: Iterable = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, child in items:
        yield (*prefix, key)
        yield from _paths(child, (*prefix, key))


def _at(value: Any, path: tuple) -> Any:
    for key in path:
        value = value[key]
    return value


def _short(value: Any) -> str:
    return ascii(value)[:60]


def damage_file(path: pathlib.Path, generator: np.random.Generator) -> str:
    """Damages a file in place: its content by its suffix, or what lies at its path.

    Args:
        path: An existing file. JSON files get damaged values, text files damaged text, and all
            files damaged bytes.
        generator: Source of randomness.

    Returns:
        A description of the damage.
    """
    if generator.random() < 0.1:
        return f"{path.name}: {_replace_path(path, generator)}"
    data = path.read_bytes()
    text = _decode(data)
    if path.suffix == ".json" and generator.random() < 0.7:
        value, description = damage_json(json.loads(data), generator)
        path.write_text(json.dumps(value), encoding="utf-8")
    elif text is not None and generator.random() < 0.7:
        damaged, description = damage_text(text, generator)
        path.write_text(damaged, encoding="utf-8")
    else:
        damaged_bytes, description = damage_bytes(data, generator)
        path.write_bytes(damaged_bytes)
    return f"{path.name}: {description}"


def damage_folder(folder: pathlib.Path, generator: np.random.Generator) -> str:
    """Damages one file under a folder.

    Args:
        folder: A folder that contains a file.
        generator: Source of randomness.

    Returns:
        A description of the damage.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = choose(generator, files)
    return f"{path.relative_to(folder).parent}/{damage_file(path, generator)}"


def _replace_path(path: pathlib.Path, generator: np.random.Generator) -> str:
    """Replaces a file by something else."""
    kind = choose(
        generator, ("nothing", "empty", "folder", "pipe", "loop", "dangling link", "other")
    )
    sibling = choose(generator, sorted(p for p in path.parent.iterdir() if p.is_file()))
    content = sibling.read_bytes()
    path.unlink()
    if kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "dangling link":
        path.symlink_to("absent")
    elif kind == "other":
        path.write_bytes(content)
    return f"replaced by {kind}"


def _decode(data: bytes) -> str | None:
    """Returns the text of bytes, or None for binary data."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
