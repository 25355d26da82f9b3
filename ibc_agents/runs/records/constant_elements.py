"""A line about the elements of observations and actions that do not vary in the demonstrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def format_constants(constants: Mapping[str, Sequence[int]]) -> str:
    """Describes what `Normalizer.constant_elements` returns, which is not empty.

    Examples:
        >>> format_constants({"action": [2], "observation/goal": [0, 5, 6, 7]})
        'constant in the demonstrations, so the policy ignores or repeats them: action[2], \
observation/goal[0, 5-7]'
    """
    leaves = ", ".join(f"{path}[{_ranges(numbers)}]" for path, numbers in constants.items())
    return f"constant in the demonstrations, so the policy ignores or repeats them: {leaves}"


def _ranges(numbers: Sequence[int]) -> str:
    """Abbreviates ascending numbers, as in 0, 5-7."""
    known = set(numbers)
    starts = [number for number in numbers if number - 1 not in known]
    ends = [number for number in numbers if number + 1 not in known]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(f"{start}" if start == end else f"{start}-{end}" for start, end in pairs)
