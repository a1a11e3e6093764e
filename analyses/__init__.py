"""From run folders to rankings and reports; imports msfl, never dashboard."""
