"""Serialize and parse values: JSON, parameters and bodies."""
