"""What makes the graphs and engines that the backends run, and proves them against PyTorch."""
