"""Cells with tuned settings of their own."""
