"""Parsers of foreign files. They run in a child process and give nests of NumPy arrays."""
