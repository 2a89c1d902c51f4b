"""Features of videos and of the persons in them."""
