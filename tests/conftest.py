"""The initial state of every test: silent TensorFlow, few threads, flags, seeds, empty gin."""

import atexit
import gc
import multiprocessing
import os
import shutil
import tempfile

# Read by TensorFlow when it starts; also by the processes that tests start. One thread for the
# arithmetic keeps two pytest-xdist workers off each other's core and sums in one order.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
# What is measured of this machine; the first process makes the folder for all that it starts.
if "IBC_AGENTS_TEST_CACHE" not in os.environ:
    folder = tempfile.mkdtemp(prefix="ibc_agents_cache_")
    os.environ.update(IBC_AGENTS_TEST_CACHE=folder, XDG_CACHE_HOME=folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

# The child processes of importers are forked from a server that has imported TensorFlow.
multiprocessing.set_forkserver_preload(["data.formats.parsers.rlds_parser"])

import gin
import pytest
import tensorflow as tf
from absl import flags, logging

SEED = 20210


def pytest_configure() -> None:
    """Marks absl's flags as parsed, as `test_tmpdir` needs, and silences TensorFlow."""
    flags.FLAGS.mark_as_parsed()
    logging.set_verbosity(logging.WARNING)
    tf.get_logger().setLevel("ERROR")
    # Tracing allocates millions of objects that live. Without these lines, the garbage collector
    # visits them all, and those of the imports, again and again: a tenth of the suite's time.
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Seeds Python, NumPy and TensorFlow before each test."""
    tf.keras.utils.set_random_seed(SEED)


@pytest.fixture(autouse=True)
def clear_gin():
    """Clears the gin config after each test, so that no binding reaches the next one."""
    yield
    gin.clear_config()
