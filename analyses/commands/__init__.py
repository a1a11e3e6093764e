"""Sub-commands that join `msfl` through the entry-point group `msfl.commands`."""
