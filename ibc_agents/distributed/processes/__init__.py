"""Starts, monitors, restarts and shuts down the processes of a job.

`supervisor` runs a whole job on one machine. `role_process` is the process of one role as the role
sees it, with its log, its `health` endpoint and its `shutdown`. `cluster` holds the addresses.
Nothing in this package imports TensorFlow.
"""
