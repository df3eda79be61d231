"""Low-rate image codec: a small luminance bitstream out, full-resolution colour back."""
