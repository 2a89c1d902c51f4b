"""Previews of clips: sheets, short videos, and a gallery of all crops."""
