"""The library that avaflow's scripts share.

It imports no Snakemake. Every file format is written and read in one module, and
every user's mistake leaves it as :class:`avaflow.errors.UserError`.

A package is a stage, named as its rules and its tests are; what lies beside this file is
the vocabulary of them all. The tree in CONTRIBUTING.md has a line for each.
"""
