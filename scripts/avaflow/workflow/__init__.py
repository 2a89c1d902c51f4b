"""The run as a whole: the project, jobs, fingerprints, accounts, verification."""
