"""Training data: pictures as one tensor on the device, and pairs of luma and decoded luma."""
