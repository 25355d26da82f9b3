"""Startup logs of libraries are dropped; errors and our own output are printed."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[3]
NOISE = """\
[reverb/cc/platform/tfrecord_checkpointer.cc:162]  Initializing TFRecordCheckpointer in /tmp/x.
2026-11-22 04:35:07 E cuda_dnn.cc:9261] Unable to register cuDNN factory: Attempting to register

W tf2tensorrt/utils/py_utils.cc:38] TF-TRT Warning: Could not find TensorRT
I tsl/cuda/cudart_stub.cc:31] could not find cuda drivers on your machine
"""
MATTERS = "F core/platform/env.cc:1] Check failed: something is really wrong\n"


SILENCE = """\
import os, sys
from ibc_agents.cli import startup_logs
startup_logs.silence_startup_logs()
"""


def run(body, **options):
    code = SILENCE + textwrap.dedent(body)
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **options},
        timeout=300,
    )


def test_native_startup_logs_are_dropped_and_the_rest_is_kept():
    done = run(f"os.write(2, {(NOISE + MATTERS).encode()!r})")
    assert (done.stdout, done.stderr) == ("", MATTERS)


def test_what_python_prints_is_not_filtered():
    done = run("print('[reverb/cc/ ours', file=sys.stderr)\nprint('out')")
    assert (done.stdout, done.stderr) == ("out\n", "[reverb/cc/ ours\n")


def test_messages_before_a_native_crash_are_printed():
    done = run(f"os.write(2, {MATTERS.encode()!r})\nos.abort()")
    assert done.returncode == -signal.SIGABRT
    assert MATTERS in done.stderr


def test_without_grep_nothing_is_lost(tmp_path):
    done = run(f"os.write(2, {(NOISE + MATTERS).encode()!r})", PATH=str(tmp_path))
    assert done.stderr == NOISE + MATTERS


def test_levels_that_the_user_chose_are_kept():
    show = "print(os.environ['TF_CPP_MIN_LOG_LEVEL'], os.environ['GRPC_VERBOSITY'])"
    assert run(show, TF_CPP_MIN_LOG_LEVEL="0").stdout == "0 ERROR\n"


def test_restore_warnings_are_dropped_and_others_are_kept(tmp_path):
    """TensorFlow warns of each variable after a checkpoint of another agent was refused."""
    done = run(f"""
        import logging
        import tensorflow as tf
        tf.get_logger().setLevel(logging.WARNING)
        saved = tf.train.Checkpoint(a=tf.Variable(1.0), b=tf.Variable(2.0))
        path = saved.save({str(tmp_path / "c")!r})
        status = tf.train.Checkpoint(a=tf.Variable(3.0)).restore(path)
        del status
        tf.get_logger().warning("another warning")
    """)
    assert "could not be found" not in done.stderr and "unrestored" not in done.stderr, done.stderr
    assert "another warning" in done.stderr
