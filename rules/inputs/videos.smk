# What the rules of videos.smk read, and with which settings.


def sources():
    """Every video that clips are cut from, each once."""
    return sorted({clip.source for clip in CLIPS.values()})


# Videos given by an address: file name -> sha256. The job finds the address in the clips table:
# params are shown and kept, and an address may hold a password or a token.
DOWNLOADS = {Path(clip.source).name: clip.sha256 for clip in CLIPS.values() if clip.is_url}


def source_state(wildcards):
    """Changes with a clip's video, also when another file of an older date takes its place."""
    clip = CLIPS[wildcards.clip]
    return "" if clip.is_url else SOURCES.content(clip.source)


def source_of(wildcards):
    """The video of a clip."""
    return CLIPS[wildcards.clip].source


def trim_settings():
    """The settings that decide what a clip holds."""
    return settings_of("trim", "clips")


def segment_settings():
    """The settings that decide what segments hold and how they are called."""
    return settings_of("alphaction", "segments")


def flow_wanted():
    """The manifests of optical flow, where the config asks for it."""
    return all_clips("flow/{clip}.json") if config["rawframes"]["flow"] != "none" else []


def requested_flow(wildcards):
    """What the target `flow` asks for; the run ends where the config wants none."""
    if config["rawframes"]["flow"] == "none":
        # Only now is it known that flow is asked for.
        logger.error(f"{ERROR_MARK}config: rawframes.flow is none: set it to tvl1")
        sys.exit(1)
    return flow_wanted()
