"""The roles of a job: `replay`, `learner`, `evaluator` and `actor`.

Each of these modules has a function `run(context)` that returns when the job has finished.
"""
