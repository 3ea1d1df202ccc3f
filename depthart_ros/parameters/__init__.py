"""The parameters of the node: what there are, how values are checked, and where they come from."""
