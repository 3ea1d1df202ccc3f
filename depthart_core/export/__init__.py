"""What makes the graphs and engines that the backends run, and compares them with PyTorch."""
