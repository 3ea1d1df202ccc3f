"""Training and evaluation of DepthART models; run from a checkout, not installed."""
