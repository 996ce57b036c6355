"""The package: what the generator reads, whether what it made is whole, and whether its calls keep to the document."""
