"""The history: what changed between two revisions for a caller, and what a release consists of."""
