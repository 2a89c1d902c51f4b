# What a run shows on the screen. Its log under .snakemake/log keeps every detail.
#
# Only the process that plans a run is concerned: its children speak as Snakemake has them.
from functools import cache

from avaflow.workflow.estimate import TO_DO, Pace, earlier_seconds, time_to_come, to_do
from avaflow.workflow.terminal import Terminal, changed_since

# Rules whose jobs make the clips of a batch, one after the other.
OF_BATCHES = ("detect", "embed")


def shown_in_short(settings):
    """Whether the screen shows the run in short: not where another display was asked for."""
    quiet = {str(one.name) for one in settings.quiet or ()} & {"ALL", "RULES", "PROGRESS"}
    asked = settings.verbose or settings.debug_dag or settings.printshellcmds
    return workflow.is_main_process and not quiet and not asked


def share(name):
    """The part of the machine, or of the jobs that a cluster takes, which a job occupies."""
    resources = workflow.get_rule(name).resources

    def part(resource, of):
        asked = resources.get(resource)
        asked = 0 if asked is None or asked.is_evaluable() else asked.value
        return min(1, asked / of) if of and isinstance(asked, int) else 0

    of = {resource: one.value for resource, one in workflow.global_resources.items()}
    if not workflow.local_exec and of.get("_nodes"):
        return 1 / of["_nodes"]
    return max(part("_cores", of.get("_cores")), part("gpu", of.get("gpu"))) or 1


def pace_of(counts):
    """How long such jobs took in earlier runs, and which part of the machine they occupy."""
    # Nobody misses a timing of jobs that take a second or less, which are local ones here.
    timed = [rule.name for rule in workflow.rules if rule.benchmark and rule.name in TO_DO]
    timed = [name for name in timed if name not in workflow._localrules]
    seconds = earlier_seconds(config["results"], [rule for rule, count in counts.items() if count])
    return Pace(seconds, {rule: share(rule) for rule in counts}, timed)


def clips_to_make(counts):
    """Numbers of jobs by rule; of batches those of their clips that are not up to date."""
    sizes = dict(counts)
    for kind in OF_BATCHES:
        if counts.get(kind):
            of_kind = [found for job, found in RERUNS.items() if job.rule.name == kind]
            sizes[kind] = sum(found.members for found in of_kind)
    return sizes


def foretell(counts):
    """What jobs do, and about how long they will take, by earlier runs."""
    pace = pace_of(counts)
    cores = workflow.resource_settings.cores
    machine = f"on {cores} core{'' if cores == 1 else 's'}" if workflow.local_exec and cores else ""
    length = time_to_come(counts, pace.timed, pace.earlier, pace.shares, machine)
    return to_do(clips_to_make(counts)), length


@cache
def batches_to_make():
    """The jobs of batches that are to run, by their numbers, with how many clips each makes."""
    return {
        workflow.dag.jobid(job): (job, found.members)
        for job, found in RERUNS.items()
        if job.rule.name in OF_BATCHES
    }


def clips_of(jobid):
    """How many clips a job makes."""
    _, clips = batches_to_make().get(jobid, (None, 1))
    return clips


@cache
def records_of_members(jobid):
    """The records that the job of a batch writes, one as soon as a clip is made."""
    job, _ = batches_to_make()[jobid]
    records = Records(config["results"])
    names = (records.name(member.output) for member in facts_of_job(job, False).members)
    return [records.record_path(name) for name in names]


def made_of(jobid, since):
    """How many clips the job of a batch has made since a time."""
    return sum(changed_since(path, since) for path in records_of_members(jobid))


def why(jobid):
    """Why a job runs, as its records tell; empty where Snakemake knows better."""
    for job, found in RERUNS.items():
        if workflow.dag.jobid(job) == jobid:
            return found.reason
    return ""


def watch_the_run():
    """Put our display in the place of Snakemake's; where a plugin has none, only watch."""
    settings = workflow.output_settings
    screens = [one for one in logger.handlers if one.name == "DefaultStreamHandler"]
    watching = Terminal(
        fallback=screens[0] if screens else None,
        short=shown_in_short(settings),
        dry_run=settings.dryrun,
        is_target=lambda name: workflow.get_rule(name).norun,
        foretell=foretell,
        account=lambda: run_summary(PROJECT, config),
        why=why,
        pace_of=pace_of,
        sizes=clips_to_make,
        clips_of=clips_of,
        made_of=made_of,
    )
    if workflow.is_main_process:
        for screen in screens:
            logger.removeHandler(screen)
        logger.addHandler(watching)
    return watching


TERMINAL = watch_the_run()
