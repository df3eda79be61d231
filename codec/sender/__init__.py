"""The sender's decisions: which scale, quantizer and coder, how bytes are shared, and what won't do."""
