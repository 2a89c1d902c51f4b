"""What is likely ticked next: actions of persons nobody has judged, and which clip teaches most."""
