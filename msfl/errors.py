"""Mistakes that a user can mend: one clear sentence each, and the exit code that goes with it."""


class MsflError(Exception):
    """Base of every error that is shown to the user as one sentence, without a traceback.

    The sentence says which file or value is meant, what is wrong with it, and what to do.
    """

    exit_code = 1


class UsageError(MsflError):
    """The command line or the experiment file asks for something that does not exist (exit code 2)."""

    exit_code = 2


class DataError(MsflError):
    """Recordings, tables or a run folder are not what they should be (exit code 1)."""

    exit_code = 1


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``" Did you mean 'x'?"`` for the known word nearest to ``word``, or an empty string.

    Example:
        >>> nearest("emdob", ["emodb", "emovo"])
        " Did you mean 'emodb'?"
    """
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1, cutoff=0.5)
    return f" Did you mean '{found[0]}'?" if found else ""
