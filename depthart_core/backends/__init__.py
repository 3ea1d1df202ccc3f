"""What runs a model: one module per library, imported only when chosen."""
