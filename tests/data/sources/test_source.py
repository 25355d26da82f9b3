"""The contract "Source": the defaults of the interface."""

import pytest
import tensorflow as tf

import data


class Ones(data.Source):
    """A source with only what the interface requires."""

    def load(self, episodes, spec):
        self.loaded = (episodes, spec)

    def dataset(self, sequence_length, batch_size, seed, start_step=0):
        batch = tf.ones([batch_size, sequence_length])
        return tf.data.Dataset.from_tensors((batch, ())).repeat()


def test_contract_source_feedback_check_and_close_do_nothing_by_default():
    source = Ones()

    @tf.function
    def step(batch, info):
        source.feedback(info, tf.reduce_sum(batch, axis=1))

    batch, info = next(iter(source.dataset(3, 2, seed=0)))
    step(batch, info)
    graph = step.get_concrete_function(batch, info).graph
    operations = {operation.type for operation in graph.get_operations()}
    assert not operations & {"PyFunc", "EagerPyFunc", "AssignVariableOp"}
    source.check()
    source.close()
    assert next(iter(source.dataset(3, 2, seed=0)))[0].shape == [2, 3]


def test_load_and_dataset_are_required():
    with pytest.raises(TypeError, match="abstract"):
        data.Source()


@pytest.mark.parametrize("source_class", [data.InMemorySource, data.PrioritizedSource])
def test_sources_implement_the_interface(source_class):
    assert issubclass(source_class, data.Source)


def test_reverb_source_implements_the_interface():
    from data.sources import reverb_source

    assert issubclass(reverb_source.ReverbSource, data.Source)
