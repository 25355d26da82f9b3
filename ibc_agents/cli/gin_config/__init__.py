"""Parts of the reading of gin files: statements, configurable classes and advice."""
