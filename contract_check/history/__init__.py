"""Compare revisions from a caller's point of view, and build releases."""
