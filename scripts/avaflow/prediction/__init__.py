"""What a model says of videos and clips: tables, drawn videos, pages."""
