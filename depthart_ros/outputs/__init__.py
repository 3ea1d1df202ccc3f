"""What goes out: depth as images, clouds and files, filtered and in metres, and the publishers that send them."""
