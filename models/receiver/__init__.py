"""What the receiver runs: restorer, colorizer, and how they are applied to pictures of any size."""
