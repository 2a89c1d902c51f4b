"""SlowFast features of videos and of the persons in them."""
