"""Spatio-temporal modelling of user interest: the library behind *When, Where, What Next?*."""

__version__ = "0.1.0"
