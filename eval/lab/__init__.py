"""Instruments for those who work on scodec: settings, speed, exactness, damage."""
