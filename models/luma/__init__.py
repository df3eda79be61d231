"""The learned luma coder: transforms, entropy model, exact arithmetic, refinement for one picture."""
