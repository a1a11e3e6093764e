"""Commands of the dashboard; they join ``msfl`` by entry point."""
