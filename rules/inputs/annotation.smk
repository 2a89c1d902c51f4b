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


def annotate_pages():
    """The pages to annotate on, one a clip, and the list of them."""
    return [results("annotate/index.html"), *all_clips("annotate/{clip}.html")]


def page_state(names):
    """Changes with the content of these files of the page."""
    return [SOURCES.content(PAGE_ASSETS / name) for name in names]


def appearance_of_clip(wildcards):
    """What stands for the vectors of a clip being up to date; nothing where there are none."""
    return batches_of_clip(wildcards) if embeddings() else []


def via_files():
    """Everything that annotators who work in VIA get."""
    patterns = ["via/{clip}.json"]
    patterns += ["via/{clip}.html"] if via_page() else []
    patterns += ["via/{clip}.zip"] if config["via"]["zip"] else []
    return [results("via/index.html"), *(file for one in patterns for file in all_clips(one))]


def imported_clips(pattern):
    """A file of every clip that is finished by existing annotations."""
    return expand(results(pattern), clip=PROJECT.imported)


def finished_annotation(wildcards):
    """What annotators finished for a clip, several where most decide, or what was there already."""
    if wildcards.clip in PROJECT.imported:
        return results(f"existing/{wildcards.clip}.csv")
    return PROJECT.counted[wildcards.clip]


def finished_if_any(wildcards):
    """The file that was finished for a clip; nothing while it is awaited, or where most decide."""
    return PROJECT.projects.get(wildcards.clip, [])


def annotated_if_any(wildcards):
    """What the page of a clip opens: a finished file, one that was begun, what was there already."""
    begun = PROJECT.begun.get(wildcards.clip, [])
    if wildcards.clip in PROJECT.imported and not begun:
        return results(f"existing/{wildcards.clip}.csv")
    return finished_if_any(wildcards) or begun


def annotated_state(wildcards):
    """Changes with its content, as :func:`finished_state`."""
    begun = PROJECT.begun.get(wildcards.clip)
    return sha256(begun) if begun else finished_state(wildcards)


def finished_state(wildcards):
    """Changes with a finished file's content: its date says little after a move or unzip."""
    if wildcards.clip in PROJECT.imported:
        return PROJECT.existing.digests[wildcards.clip]
    finished = PROJECT.counted.get(wildcards.clip, [])
    if len(finished) > 1:
        return {annotator_of(path): sha256(path) for path in finished}
    return sha256(finished[0]) if finished else ""


def names_for_existing():
    """The project's names, against which those of existing annotations are held."""
    names = names_of(config, PROJECT.clips, [])
    return {name: getattr(names, name) for name in PROJECT_NAMES}


def known_as(wildcards):
    """What annotations made elsewhere call a clip, and the clip; nothing where none do."""
    other = CLIPS[wildcards.clip].known_as
    return {other: wildcards.clip} if other else {}


# Files by annotator, of clips that several annotated.
ANNOTATORS = {clip: files for clip, files in PROJECT.annotators.items() if len(files) > 1}


def agreement_annotations():
    """The files of all annotators of clips that several annotated."""
    return [path for files in ANNOTATORS.values() for path in files.values()]


def agreement_clips(pattern):
    """A file of every clip that several annotated."""
    return expand(results(pattern), clip=ANNOTATORS)


def requested_agreement(wildcards):
    """What the target `agreement` asks for; the run ends where no clip has several annotators."""
    if not ANNOTATORS:
        # Only now is it known that agreement is asked for.
        logger.error(
            f"{ERROR_MARK}agreement: no clip has files of two annotators in "
            f"{config['annotations']}: expected {{clip}}.{{annotator}}.json of each"
        )
        sys.exit(1)
    return [results(f"annotate/agreement.{kind}") for kind in ("csv", "html", "js")]
