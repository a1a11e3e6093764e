"""Acoustic features: openSMILE sets, their extraction and cache, feature names in words, normalisation."""
