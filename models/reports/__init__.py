"""The systems of the five reports that scodec grew out of (docs/systems.md), and their shared code."""
