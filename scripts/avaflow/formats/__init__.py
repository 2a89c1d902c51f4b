"""Datasets as their readers take them: a module per reader."""
