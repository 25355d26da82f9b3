"""Which errors are the user's, and where a wrong setting was bound."""

import gin
import pytest

from data import errors as data_errors
from ibc_agents import samplers
from ibc_agents.cli import error_messages, gin_files
from ibc_agents.core import errors


@gin.configurable(module="tests")
class Raising:
    """Raises an error in its constructor, as a fault in a part that gin makes."""

    def __init__(self, error, setting=3):
        raise error


@pytest.mark.parametrize("error", [ValueError("a fault"), TypeError("another"), KeyError("third")])
def test_faults_that_pass_through_gin_keep_their_traceback(error):
    with pytest.raises(type(error), match="In call to configurable 'Raising'") as caught:
        Raising(error)
    assert error_messages.format_error(caught.value) is None


@pytest.mark.parametrize("kind", [data_errors.DataError, errors.RunError])
def test_errors_of_data_and_runs_keep_their_own_message(kind):
    gin.parse_config("Raising.setting = 4")
    with pytest.raises(kind) as caught:
        Raising(kind("record 17 has no action."))
    assert error_messages.format_error(caught.value) == "record 17 has no action."


def format_wrong_setting(make):
    with pytest.raises(errors.SettingError) as caught:
        make()
    return error_messages.format_error(caught.value)


def test_a_wrong_setting_from_python_has_the_plain_message():
    message = format_wrong_setting(lambda: samplers.Langevin(num_iterations=0))
    assert message == "Langevin.num_iterations must be an integer of at least 1, got 0."


def test_the_message_names_the_binding_that_is_in_force(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.gin").write_text("Langevin.num_iterations = 0\n\nn = 20.5\n")
    (tmp_path / "two.gin").write_text(
        "include 'one.gin'\ntrain/Langevin.num_iterations = -1\nscoped/Langevin:\n"
        "  num_iterations = %n\nPolynomial.power = 3\n"
    )
    gin_files.parse_gin(["two.gin"], ["Polynomial.first = 2", "Polynomial.power = 0"])
    places = {
        "": "line 1 of one.gin",
        "train": "line 2 of two.gin",
        "other": "line 1 of one.gin",
        "train/inner": "line 2 of two.gin",
        "scoped": "line 3 of one.gin",  # the macro
    }
    for scope, place in places.items():
        with gin.config_scope(scope or None):
            assert format_wrong_setting(samplers.Langevin).endswith(f" It is set in {place}.")
    assert format_wrong_setting(samplers.Polynomial).endswith(
        "must be a number in (0, ∞), got 0. It is set in line 2 of the bindings."
    )
