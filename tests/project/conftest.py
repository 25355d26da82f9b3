"""pytest does not collect the additions of test_contributing.py, which runs them in a copy."""

collect_ignore = ["additions"]
