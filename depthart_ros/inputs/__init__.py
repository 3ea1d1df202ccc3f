"""What comes in: image messages to RGB pictures with their calibration, and the subscriptions that bring them."""
