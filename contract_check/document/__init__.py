"""Read a document, apply its overlays, and check it against OpenAPI's rules; each defect has its cure."""
