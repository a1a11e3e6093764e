"""Multitask-based shared feature learning for speech emotion recognition across languages."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("msfl")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
