"""The packages of `ibc_agents.distributed` depend on each other in one direction."""

from tests.project import sources

PACKAGE = "ibc_agents.distributed"
# Each imports only those before it.
LAYERS = ("job_directory", "processes", "messaging", "evaluation", "roles", "__main__")


def layer(module_name):
    """Returns the layer of a module; None outside of the package."""
    parts = module_name.removeprefix(PACKAGE).split(".")
    if not sources.within(module_name, PACKAGE) or len(parts) < 2:
        return None
    return LAYERS.index(parts[1])


def test_packages_import_only_lower_ones():
    modules = sources.read_modules(sources.ROOT, sources.PACKAGES).values()
    imports = {
        (module.name, imported.name)
        for module in modules
        for imported in module.imports
        if layer(module.name) is not None and layer(imported.name) is not None
    }
    assert len(imports) > len(LAYERS)
    upward = [pair for pair in sorted(imports) if layer(pair[0]) < layer(pair[1])]
    assert not upward
