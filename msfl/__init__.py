"""Multitask-based shared feature learning for speech emotion recognition across languages."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: importlib.metadata would double the time of `msfl --help`."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("msfl")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0+unknown"
