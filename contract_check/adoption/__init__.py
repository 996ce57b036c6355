"""Replace the vendored document by a new one."""
