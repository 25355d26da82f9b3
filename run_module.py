"""Runs a module as `python -m MODULE` does: the main file of BUILD's py_binary and py_test rules.

A file inside a package cannot be the main file: Python would put the package's folder first on the
search path, where `data/inspect.py` hides the standard library's module.
"""

import runpy
import sys

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: run_module.py MODULE [ARGUMENT ...]")
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
