"""Sub-commands of `msfl`, one file each; nothing heavy is imported at the top of a file."""
