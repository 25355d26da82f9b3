import pathlib
import re

import gin

from environments import block_pushing, d4rl, particle
from ibc_agents.cli.gin_config import configurables

ROOT = pathlib.Path(__file__).resolve().parents[4]
# A decorated class, with any further decorators between.
_CONFIGURABLE = re.compile(r"^@gin\.configurable.*\n(?:@.*\n)*class (\w+)", re.MULTILINE)
_OURS = ("data.", "environments.", "ibc_agents.", "tf.keras.")


def test_no_configurable_takes_an_unknown_name():
    # gin would reject it only at construction, after demonstrations were collected.
    configurables.register()
    assert block_pushing and d4rl and particle  # the imports register their classes
    names = [name for name, _ in gin.config._REGISTRY.items() if name.startswith(_OURS)]
    for known in ("LogDistances", "ConvStrided", "AdamW", "ParticleEnvironment", "ReverbSource"):
        assert any(name.endswith(f".{known}") for name in names)
    assert [name for name in names if _takes_unknown_name(name)] == []


def _takes_unknown_name(configurable):
    try:
        gin.bind_parameter(f"{configurable}.no_such_setting", 1)
    except ValueError as error:
        assert "no_such_setting" in str(error)
        return False
    return True


def test_every_configurable_class_is_known_without_an_entry_in_a_list():
    configurables.register()
    declared = {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}.{name}"
        for package in ("data", "ibc_agents")
        for path in (ROOT / package).rglob("*.py")
        for name in _CONFIGURABLE.findall(path.read_text(encoding="utf-8"))
    }
    assert len(declared) > 40
    known = {name for name, _ in gin.config._REGISTRY.items()}
    assert declared <= known
