"""Traces of evaluations."""

import pytest
import tensorflow as tf

from ibc_agents.rollouts import evaluation
from ibc_agents.runs import evaluator, run_directory, settings


def test_a_landscape_that_fails_is_not_taken_for_a_full_disk(tmp_path):
    def look():
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

    judge = evaluator.Evaluator(
        run_directory.RunDirectory(tmp_path),
        lambda: pytest.fail("no environment is needed"),
        settings.EvaluationSettings(),
        look,
    )
    seen = evaluation.Evaluation(0, (evaluation.Outcome(0, True, 1.0, 5),))
    with pytest.raises(tf.errors.ResourceExhaustedError, match="out of memory"):
        judge.log(seen, 1)
