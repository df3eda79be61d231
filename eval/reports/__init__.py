"""Comparison of the systems of the five reports with scodec's own networks."""
