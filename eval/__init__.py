"""Evaluation: metrics, anchor codecs, rate-distortion runs, plots and reports."""
