"""What the node knows of itself: counters, what is wrong and its cure, and how that is told."""
