"""What the user says: the config, the clips table, the actions."""
