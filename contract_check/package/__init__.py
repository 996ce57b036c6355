"""Check a generated package: its files, and the requests that its functions send."""
