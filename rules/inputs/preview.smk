# What the rules of preview.smk read, and with which settings.


def previews():
    """The gallery, and each clip's sheet and short video."""
    if not CLIPS:
        return []
    patterns = ["preview/{clip}.jpg", "preview/{clip}.mp4"]
    return [results("preview/index.html"), *(file for one in patterns for file in all_clips(one))]


def judgements(wildcards):
    """What annotators said of a clip; nothing while it awaits them."""
    clip = wildcards.clip
    if clip not in PROJECT.finished:
        return {}
    kinds = {"labels": "", "idle": ".idle", "unticked": ".unticked"}
    return {name: results(f"labels/{clip}{kind}.csv") for name, kind in kinds.items()}


def preview_font():
    """The user's font, whose content counts; nothing for the one that comes along."""
    font = config["preview"]["font"]
    return {"font": font} if font else {}
