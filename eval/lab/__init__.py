"""Tools for developers of scodec: settings, speed, exactness, damaged files."""
