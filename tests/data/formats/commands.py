"""Runs importers and reads what they wrote."""

from __future__ import annotations

import data
from tests.system import helpers


def succeed(command, *arguments):
    """Runs a command, which must succeed, and returns its output."""
    done = helpers.call(command, *arguments)
    assert done.returncode == 0, done
    return done.stdout


def fail(command, *arguments):
    """Runs a command, which must fail, and returns its message in one line."""
    return helpers.error_message(helpers.call(command, *arguments))


def episodes_of(folder):
    """Returns the frames of every episode of a dataset."""
    return [episode.frames for episode in data.read_episodes(folder)]


def extra_of(folder):
    """Returns the metadata in the manifest of a dataset."""
    return data.read_manifest(folder).extra
