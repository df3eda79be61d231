"""Training: data, losses, one visible loop and its recipes."""
