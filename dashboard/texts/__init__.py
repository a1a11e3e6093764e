"""The words of the interface, one place for each language: ``en.toml``, ``de.toml``, ``zh.toml``."""

from dashboard.texts.reader import LANGUAGES, Texts, texts_for

__all__ = ["LANGUAGES", "Texts", "texts_for"]
