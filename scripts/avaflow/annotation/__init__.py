"""What annotators get, and what is read back from what they finished."""
