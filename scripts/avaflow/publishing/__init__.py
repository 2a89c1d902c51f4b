"""The dataset as others get it: its card, what describes it to programs, a copy on its own."""
