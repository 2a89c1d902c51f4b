"""The library that avaflow's scripts share.

It imports no Snakemake. Every file format is written and read in one module, and
every user's mistake leaves it as :class:`avaflow.errors.UserError`.

What lies where, by what it is for:

* what a project says: config, project, clips, actions, batches, source (fingerprints of code);
* videos: video (facts), download, trim, frames, instants (at any rate), resizing, times,
  video_folders, video_list;
* persons: detector, embedder, tracker, boxes, torch_threads;
* annotation: via, via_page, labelling, hand_labels;
* the dataset: ava, proposals, array_pickles, links, leftovers, and a module per reader:
  mmaction2, slowfast, datumaro, alphaction with alphaction_training, segments and
  segment_cutting;
* features: feature_plan, features, person_features, feature_files, windows, slowfast_model,
  checkpoints;
* large datasets: batch_plan, journal, kinetics and kinetics_*, ava_kinetics and
  ava_kinetics_*, ava_movies;
* around the work: errors, job, files, tables, manifests, report, verify.
"""

import sys
from types import TracebackType


def _quiet_when_stopped(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Say nothing where the user pressed Control-C: a traceback would tell of no fault."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


# Every script imports the library first, and then for a second or two what it needs besides. Where
# the library is used by other programs that have a hook of their own, theirs stays.
if sys.excepthook is sys.__excepthook__:
    sys.excepthook = _quiet_when_stopped
