"""Prepare a checked document for openapi-python-client."""
