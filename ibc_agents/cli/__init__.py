"""Parts of every command: flags, gin files, silent startup and one-line errors.

Commands import these modules before TensorFlow. Importing any of them does not import TensorFlow.
"""
