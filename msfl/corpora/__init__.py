"""One file per corpus: native layout -> utterance table."""
