"""Sending requests: connections, the token, time limits, and results."""
