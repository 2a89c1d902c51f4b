"""Kinetics for SlowFast: resized videos and lists."""
