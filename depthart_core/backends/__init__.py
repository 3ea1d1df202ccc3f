"""One module per library that can run a model; each is imported only when chosen."""
