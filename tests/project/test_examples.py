"""The examples of docstrings run and print what they state."""

import doctest
import importlib

import numpy as np
import pytest
import tensorflow as tf

from tests.project import sources

MODULES = sorted(
    module.name
    for module in sources.read_modules(sources.ROOT, sources.PACKAGES).values()
    if ">>> " in (sources.ROOT / module.path).read_text(encoding="utf-8")
)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    # As in the docstrings of TensorFlow and NumPy, `np` and `tf` need no import in an example.
    names = {"np": np, "tf": tf, **vars(module)}
    failed, attempted = doctest.testmod(module, extraglobs=names, optionflags=OPTIONS)
    assert attempted > 0, f"{name} has examples that doctest does not find"
    assert failed == 0, f"{name}: {failed} of {attempted} examples print something else; see above"
