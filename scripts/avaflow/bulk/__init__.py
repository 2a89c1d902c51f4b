"""What Kinetics and AVA-Kinetics share: plans, journals and batches of many videos."""
