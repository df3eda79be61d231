"""Receiver networks: from decoded luma and colour hints to RGB."""
