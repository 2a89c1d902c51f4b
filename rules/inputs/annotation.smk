# What the rules of annotation.smk read, and with which settings.


def via_page():
    """The VIA page that clips' pages are made from; nothing where none is configured."""
    if config["via"]["page"] == "download":
        return results("via/annotator/via.html")
    return config["via"]["page"] or []


def clip_pages():
    """The page and its data of a clip; nothing where no VIA page is configured."""
    if not via_page():
        return {}
    return {"html": results("via/{clip}.html"), "js": results("via/{clip}.js")}


def via_files():
    """Everything that annotators get."""
    patterns = ["via/{clip}.json"]
    patterns += ["via/{clip}.html"] if via_page() else []
    patterns += ["via/{clip}.zip"] if config["via"]["zip"] else []
    return [results("via/index.html"), *(file for one in patterns for file in all_clips(one))]


def finished_project(wildcards):
    """The project that an annotator finished for a clip."""
    return PROJECT.finished[wildcards.clip]


def finished_if_any(wildcards):
    """The project that an annotator finished for a clip; nothing while it is awaited."""
    return PROJECT.finished.get(wildcards.clip, [])


def finished_state(wildcards):
    """Changes with a finished project's content: its date says little after a move or unzip."""
    finished = PROJECT.finished.get(wildcards.clip)
    return sha256(finished) if finished else ""
