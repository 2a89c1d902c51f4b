"""The page on which persons are annotated: its files, its server, how far people agree."""
