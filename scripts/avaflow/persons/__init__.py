"""Persons in clips: found, described by their appearance, followed."""
