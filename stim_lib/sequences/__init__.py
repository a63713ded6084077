"""From logs to sequences: vocabularies, windows, padding and masks.

Introduced in chapter 07.
"""
