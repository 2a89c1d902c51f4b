"""How models are judged, by the rules of the official evaluators."""
