"""How values travel: Python to JSON and back, parameters, and bodies."""
