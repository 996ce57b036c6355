"""The contract check: whether the document, the generated client and the live relay agree."""
