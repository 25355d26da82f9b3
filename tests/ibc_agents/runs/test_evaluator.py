"""Evaluations of a run."""

from unittest import mock

import pytest
import tensorflow as tf

from ibc_agents.rollouts import evaluation
from ibc_agents.runs import evaluator, run_directory, settings, validation


def test_a_failing_landscape_is_not_reported_as_a_full_disk(tmp_path):
    landscape = mock.create_autospec(validation.HeldOutLandscape, instance=True)
    landscape.rasterize.side_effect = tf.errors.ResourceExhaustedError(None, None, "out of memory")
    logger = evaluator.Evaluator(
        run_directory.RunDirectory(tmp_path),
        lambda: pytest.fail("no environment is needed"),
        settings.EvaluationSettings(),
        landscape,
    )
    result = evaluation.Evaluation(0, (evaluation.Outcome(0, True, 1.0, 5),))
    with pytest.raises(tf.errors.ResourceExhaustedError, match="out of memory"):
        logger.log(result, 1)
