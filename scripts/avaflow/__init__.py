"""The library that avaflow's scripts share.

It imports no Snakemake. Every file format is written and read in one module, and
every user's mistake leaves it as :class:`avaflow.errors.UserError`.
"""
