"""Colour hints: how the few bytes of colour in a file are chosen, coded and read."""
