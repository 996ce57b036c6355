"""The relay: what it is asked, and whether its answers keep to the document."""
