"""The systems of the five reports, measured beside scodec's own networks."""
