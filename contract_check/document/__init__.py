"""The document: read strictly, mended by overlays, held against OpenAPI's rules, each defect with its cure."""
