"""AVA-Kinetics for mmaction2, and AVA's own movies."""
