"""Evaluation: anchor codecs, rate-distortion runs, plots and reports. All but the anchors need the extra `eval`."""
