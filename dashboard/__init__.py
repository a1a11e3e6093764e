"""The pages over finished runs: `msfl dashboard RUN`. See ``docs/dashboard-architecture.md``."""
