"""Training data: pictures as one tensor on the device, and pairs of a luma and what the coders make of it."""
