"""Gin files, one a run; shipped with the packages so that they are found from any folder."""
