"""Turns a checked document into the input of openapi-python-client."""
