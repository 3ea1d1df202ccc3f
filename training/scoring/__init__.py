"""How predicted depth is scored against the truth, and how the scores are shown."""
