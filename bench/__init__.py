"""Measurements of the product, run by hand; see README.md."""
