"""What runs a model: one module per library, imported only when chosen, and what stands on the disk for it."""
