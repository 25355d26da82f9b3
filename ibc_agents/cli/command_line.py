"""What the commands share: a quiet start, gin files, guards, and errors as one sentence.

Commands import this module first: nothing here imports TensorFlow until a command runs.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from absl import app, flags, logging

from ibc_agents.cli import quiet_start
from ibc_agents.core import errors

if TYPE_CHECKING:
    from ibc_agents.runs import experiment

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_TYPING_EXTENSIONS = "4.5.0"
_HELP = frozenset({"--help", "-help", "--helpshort", "--helpfull", "-?"})
# What gin adds to an error in the constructor of a class that it configures.
_CONFIGURED = "In call to configurable"

# So that --help lists the flags defined below among those of the command that asks for them.
flags.disclaim_key_flags()


def run(main: Callable[[], None], after_interrupt: str = "nothing was written") -> None:
    """Runs a command; what the user can mend is printed without a traceback.

    Exits with 0, with 1 after an error the user can mend, and with 130 after Ctrl-C.

    Args:
        main: the command.
        after_interrupt: what to say of it after Ctrl-C.
    """
    quiet_start.quieten()
    # TensorFlow leaves oneDNN off on processors without AVX-512, where it was measured to make
    # convolutions 1.5 to 1.9 times faster and dense layers no slower. A user's own setting stays.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    logging.set_verbosity(logging.ERROR)

    def guarded(arguments: Sequence[str]) -> None:
        if len(arguments) > 1:
            sys.exit(f"error: unexpected argument {arguments[1]!r}; see --help")
        try:
            _check_installation()
            main()
        except KeyboardInterrupt:
            print(f"\ninterrupted; {after_interrupt}", flush=True)
            sys.exit(130)
        except Exception as error:
            sentence = sentence_of(error)
            if sentence is None:
                raise
            sys.exit(f"error: {sentence}")

    app.run(guarded, flags_parser=_parse_flags)


def sentence_of(error: Exception) -> str | None:
    """Returns what to tell of an error that the user can mend, None of any other error."""
    if isinstance(error, errors.UserError):
        return _one_paragraph(error)
    if isinstance(error, (ValueError, TypeError)) and _CONFIGURED in str(error):
        return f"in the gin configuration: {_one_paragraph(error)}"
    return None


def define_gin_flags() -> None:
    """Defines --gin_file and --gin_bindings."""
    flags.DEFINE_multi_string(
        "gin_file",
        [],
        "Gin file, relative to here or to where gin_configs is installed. Can be given several"
        " times; later files win.",
    )
    flags.DEFINE_multi_string(
        "gin_bindings",
        [],
        "A binding such as 'TrainingSettings.num_steps=100', after the files. Can be given several"
        " times.",
    )


def define_experiment_flags() -> None:
    """Defines --root_dir, --data_dir, --seed and the gin flags."""
    flags.DEFINE_string("root_dir", "runs/latest", "Folder of the run.")
    flags.DEFINE_string("data_dir", "datasets", "Folder of collected demonstrations.")
    flags.DEFINE_integer(
        "seed", 0, "Of weights, training and data order.", lower_bound=0, upper_bound=2**31 - 1
    )
    define_gin_flags()


def check_experiment_flags() -> None:
    """Refuses flags that configure nothing.

    Raises:
        RunError: if there are neither gin files nor bindings.
    """
    if not flags.FLAGS.gin_file and not flags.FLAGS.gin_bindings:
        raise errors.RunError("say what to train: --gin_file=gin_configs/particle.gin")


def experiment_of_flags() -> experiment.Experiment:
    """Returns the experiment that the flags of `define_experiment_flags` say.

    Raises:
        RunError: if a gin file or a binding is wrong, or there is none.
    """
    check_experiment_flags()
    values = flags.FLAGS
    parse_gin(values.gin_file, values.gin_bindings)
    return make_experiment(root_dir=values.root_dir, data_dir=values.data_dir, seed=values.seed)


def define_environment_flag() -> None:
    """Defines --environment."""
    flags.DEFINE_string(
        "environment",
        None,
        "Name of an environment: short for --gin_file=gin_configs/NAME_environment.gin.",
    )


def environment_files(name: str | None) -> list[str]:
    """Returns the gin files that --environment stands for.

    Raises:
        RunError: if there is no such environment.
    """
    if name is None:
        return []
    suffix = "_environment.gin"
    known = [path.name.removesuffix(suffix) for path in (_ROOT / "gin_configs").glob(f"*{suffix}")]
    if name not in known:
        raise errors.RunError(
            f"there is no environment {name!r}; choose from: {', '.join(sorted(known))}"
        )
    return [f"gin_configs/{name}{suffix}"]


def parse_gin(files: Sequence[str], bindings: Sequence[str]) -> None:
    """Reads gin files and bindings; every name in them must be known.

    Macros and scopes may have any name, which gin cannot know. Files are layers, of which a later
    one may leave a macro of an earlier one without use; what a binding brings in must be used.

    Raises:
        RunError: with the file and the line, if something in them is wrong.
    """
    import gin

    from ibc_agents.cli import configurables

    configurables.register()
    try:
        gin.parse_config_files_and_bindings(
            list(files), [], finalize_config=False, print_includes_and_imports=False
        )
        of_files = configurables.unused_scopes()
        gin.parse_config(list(bindings))
        unused = sorted(configurables.unused_scopes() - of_files)
        if unused:
            raise ValueError(f"No setting refers to {', '.join(unused)}, which a binding sets.")
        gin.finalize()
    except OSError as error:
        raise errors.RunError(
            f"in the gin configuration: {_one_paragraph(error)} Gin files are named from "
            f"{pathlib.Path.cwd()} or from {_ROOT}; gin_configs there holds all runs."
        ) from error
    except (ValueError, TypeError, NameError, SyntaxError, ImportError) as error:
        raise errors.RunError(f"in the gin configuration: {_one_paragraph(error)}") from error


def make_experiment(**parameters):
    """Makes the configured `Experiment`.

    Raises:
        RunError: if a value is missing or out of range.
    """
    from ibc_agents.runs import experiment

    try:
        return experiment.Experiment(**parameters)
    except (ValueError, TypeError) as error:
        raise errors.RunError(f"in the gin configuration: {_one_paragraph(error)}") from error


def _parse_flags(arguments: Sequence[str]) -> list[str]:
    """As absl does, except that help is no failure."""
    try:
        return app.parse_flags_with_usage(list(arguments))
    except SystemExit:
        if _HELP.isdisjoint(arguments):
            raise
        sys.exit(0)


def _check_installation() -> None:
    """Says what is wrong with the installation before it shows as something else.

    Raises:
        RunError: naming the package and how to mend it.
    """
    for package in ("data", "environments"):
        found = importlib.util.find_spec(package)
        origin = pathlib.Path(found.origin).resolve() if found and found.origin else None
        if origin is None or origin.parent.parent != _ROOT:
            raise errors.RunError(
                f"the package {package!r} of another project ({origin}) stands in front of ours. "
                "Uninstall it, or run in a virtual environment of its own."
            )
    version = importlib.metadata.version("typing_extensions")
    if version != _TYPING_EXTENSIONS:
        raise errors.RunError(
            f"typing_extensions is {version}, with which Keras 2.15 breaks. Mend it with: "
            f"pip install typing_extensions=={_TYPING_EXTENSIONS}"
        )


def _one_paragraph(error: BaseException) -> str:
    """Joins gin's several lines."""
    if isinstance(error, SyntaxError):
        return f"{error.msg} In file {error.filename!r}, line {error.lineno}"
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())
