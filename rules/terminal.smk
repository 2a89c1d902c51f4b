# What a run shows on the screen. Its log under .snakemake/log keeps every detail.
#
# Only the process that plans a run is concerned: its children speak as Snakemake has them.
from avaflow.workflow.estimate import TO_DO, earlier_seconds, time_to_come, to_do
from avaflow.workflow.terminal import Terminal


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


def foretell(counts):
    """What jobs do, and about how long they will take, by earlier runs."""
    # Of the small jobs nobody misses a timing.
    timed = [rule.name for rule in workflow.rules if rule.benchmark and rule.name in TO_DO]
    seconds = earlier_seconds(config["results"], [rule for rule, count in counts.items() if count])
    shares = {rule: share(rule) for rule in counts}
    cores = workflow.resource_settings.cores
    machine = f"on {cores} core{'' if cores == 1 else 's'}" if workflow.local_exec and cores else ""
    # Of a batch's members only those that are not up to date are made.
    shown = dict(counts)
    for kind in ("detect", "embed"):
        if counts.get(kind):
            of_kind = [found for job, found in RERUNS.items() if job.rule.name == kind]
            shown[kind] = sum(found.members for found in of_kind)
    return to_do(shown), time_to_come(counts, timed, seconds, shares, machine)


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
    )
    if workflow.is_main_process:
        for screen in screens:
            logger.removeHandler(screen)
        logger.addHandler(watching)
    return watching


TERMINAL = watch_the_run()
