"""What each process of a job does: replay server, learner, evaluator and actor."""
