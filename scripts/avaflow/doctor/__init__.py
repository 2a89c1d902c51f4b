"""What is wrong with a dataset before a model is trained on it, whoever wrote it."""
