"""The report page: figures of a project, drawn and told on one page that needs no network."""
