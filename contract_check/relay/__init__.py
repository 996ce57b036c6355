"""Check a relay's responses against the document."""
