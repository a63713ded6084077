"""Answers to exercises are data here: read by the proofs, never imported."""

collect_ignore = ["answers"]
