"""What `make generate` runs: it prepares the document, generates the package and verifies it."""
