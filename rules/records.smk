# Which jobs have to run is decided by the records of what was made from what, not by dates:
# a clone, a copy, a wrong clock or a killed run hides no change, and makes nothing stale.
#
# Snakemake asks each input for its date; here all count as ancient. Before it decides what to
# run, the jobs of the whole run are held against their records, and those that are stale are
# forced. Jobs on a cluster are told what to run, and look at nothing.
import atexit
from collections import namedtuple

from snakemake.dag import DAG
from snakemake.io import flag

from avaflow.workflow.fingerprint import save_parts
from avaflow.workflow.job import facts_of
from avaflow.workflow.records import REPAIR, Records, find_stale, members_to_make

# What these fetched may be gone again, or have been put there by hand.
FETCHED = {"download", "fetch_detector", "fetch_archive", "download_via", "import_existing"}
# Why a job has to run, and for how many members of its batch.
Rerun = namedtuple("Rerun", "reason members")
RERUNS = {}
ASKED = []  # members' files of batches that the user asked to make anew


def facts_of_job(job, forced):
    """What tells whether one of Snakemake's jobs is up to date."""
    facts = facts_of(
        job.rule.name,
        dict(job.params.items()),
        list(job.input),
        list(job.output),
        SOURCES,
        job.input.get("weights", ()),
    )
    facts.fetched = job.rule.name in FETCHED
    facts.forced = forced
    return facts


def force_stale(dag, asked_files):
    """Make Snakemake run every job whose outputs are not what they should be.

    `asked_files` are those that the user asked to make anew, by -R, -f or -F.
    """
    jobs = [job for level in dag.toposorted() for job in level if not job.is_norun]
    for job in jobs:
        for file in job.input:
            file._file = flag(file._file, "ancient")
    made = [job for job in jobs if job.output]
    forced = [job.rule in dag.forcerules or not asked_files.isdisjoint(job.output) for job in made]
    records = Records(config["results"])
    repair = config["repair"]
    facts = [facts_of_job(job, anew) for job, anew in zip(made, forced)]
    look = None
    if repair:
        from avaflow.workflow.verify import contents_damage as look

    state = find_stale(facts, records, repair, look)
    records.save_states()
    SOURCES.save()
    save_parts(CODE_PARTS)
    for sentence in state.repaired:
        logger.warning(f"avaflow: made anew, because damaged: {sentence}")
    if state.damaged:
        advice = f"what to do: {REPAIR}; a file that you changed on purpose keep under another name"
        heading = "these files are not as avaflow wrote them:"
        # An exception would come with the lines of this file around the message.
        logger.error(f"{ERROR_MARK}{UserError.listing(heading, [*state.damaged, advice])}")
        sys.exit(1)
    for number, reason in state.reasons.items():
        dag.forcefiles.update(made[number].output)
        RERUNS[made[number]] = Rerun(reason, state.members.get(number, 1))
        if forced[number]:
            ASKED.extend(member.output for member in facts[number].members)


def run_all_stale(dag):
    """Let no stale job be passed over.

    Snakemake does not look at jobs below one that runs: it counts on their inputs being newer
    then, which here, where no date counts, they never are.
    """
    queue = [job for job in RERUNS if not dag.finished(job)]
    while queue:
        job = queue.pop()
        if job not in dag._needrun:
            dag._needrun.add(job)
            if job in RERUNS:
                dag.reason(job).forced = True
        for maker, files in dag.dependencies[job].items():
            missing = [file for file in files if not Path(file).exists()]
            if missing and maker not in dag._needrun and not dag.finished(maker):
                dag.reason(maker).missing_output.update(missing)
                queue.append(maker)
    for job in dag._needrun:
        makers = dag.dependencies[job]
        dag._n_until_ready[job] = sum(1 for maker in makers if maker in dag._needrun)
    dag._len = len(dag._finished | dag._needrun)


async def no_check_output_mtime(dag, job, expanded_output):
    """In place of Snakemake's refusal of outputs that are dated before an input.

    A camera whose clock was ahead, or a node's, would make every job fail after its work.
    """


def forget_asked():
    """Take the records from what the user asked to make anew: a batch's job looks at them."""
    records = Records(config["results"])
    records.forget(records.name(path) for path in ASKED)


def remember_outputs():
    """Keep the dates that Snakemake gave to this run's outputs, so that the next trusts them."""
    if RERUNS:
        records = Records(config["results"])
        for job in RERUNS:
            outputs = [str(path) for path in job.output]
            members = facts_of_job(job, False).members
            records.trust([*outputs, *(member.output for member in members)], STARTED)
        records.save_states()


def not_made_yet():
    """Paths of clips' files that are to be made anew, and are not yet."""
    records = Records(config["results"])
    paths = set()
    for job in RERUNS:
        if not workflow.dag.finished(job):
            paths.update(map(str, job.output))
            members = members_to_make(facts_of_job(job, False), records)
            paths.update(member.output for member in members)
    return paths


DAG.check_output_mtime = no_check_output_mtime

if workflow.is_main_process and not hasattr(DAG, "avaflow_check_incomplete"):
    # The place where Snakemake itself forces jobs that were killed: all jobs are known, and
    # what is to run is not yet.
    DAG.avaflow_check_incomplete = DAG.check_incomplete

    async def check_incomplete(dag):
        asked_files = set(dag.forcefiles)
        # Neither dates, nor the paths of inputs, nor the way params are written count.
        dag.workflow.dag_settings.rerun_triggers = frozenset()
        await dag.avaflow_check_incomplete()
        if not dag.workflow.touch:
            force_stale(dag, asked_files)

    DAG.check_incomplete = check_incomplete
    DAG.avaflow_update_needrun = DAG.update_needrun

    async def update_needrun(dag, create_inventory=False):
        await dag.avaflow_update_needrun(create_inventory)
        run_all_stale(dag)

    DAG.update_needrun = update_needrun
    if not workflow.dryrun:
        atexit.register(remember_outputs)
