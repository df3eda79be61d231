"""scodec in other libraries: Pillow, imageio, numcodecs (Zarr) and CompressAI."""
