"""A first model on the persons' features: whether labels can be learnt, and from what."""
