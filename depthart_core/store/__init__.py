"""What lies on the disk for a model: exports, engines and speeds, how they are found, checked and written."""
