"""The receiver: restorer, colorizer, and their application to pictures of any size."""
