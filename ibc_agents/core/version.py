"""The version of the project; CHANGELOG.md states what it holds."""

__version__ = "0.1.0"
