"""Figures that the report and the dashboard share: from plain tables to Plotly, one figure per file.

Every file has `figure(...)` and `how_to_read()`, one sentence for the reader. The tables are those of
`docs/explanations.md`; nothing here opens a run. Names in them may come from a stranger's run folder: they are
escaped on the way (`layout.plain`), because Plotly reads a little HTML in labels.
"""
