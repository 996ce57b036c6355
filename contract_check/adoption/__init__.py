"""A new document takes the place of the vendored one, whole or not at all."""
