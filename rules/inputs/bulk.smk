# What the rules of bulk.smk make.


def requested_downloads(wildcards):
    """What the target `downloads` asks for; the run ends where the config names nothing."""
    if not ARCHIVES:
        # Only now is it known that downloads are asked for.
        logger.error(f"{ERROR_MARK}config: downloads names nothing to fetch. {known_names()}")
        sys.exit(1)
    return expand(results("downloads/{file}"), file=ARCHIVES)
