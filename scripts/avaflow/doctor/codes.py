"""Every rule that a dataset is held against, by its code; docs/doctor.md shows them as a table."""

from avaflow.doctor.findings import Harm, Rule

_M, _B, _T, _N = Harm.MISREADS, Harm.BREAKS, Harm.TRAINING, Harm.NOTE

_ROWS = (
    # Files as a whole.
    Rule("F01", _B, "the file is empty", "mmaction2, PySlowFast, Datumaro",
         "Write at least one row, or take the file and what names it away."),
    Rule("F02", _M, "the file starts with a byte order mark", "mmaction2, PySlowFast: the first "
         "clip gets another name", "Save it as plain UTF-8.", True),
    Rule("F03", _N, "lines end in CR LF", "shell tools, PySlowFast's frame lists",
         "Save it with LF line ends.", True),
    Rule("F04", _B, "the file is no UTF-8 text", "all", "Save it as UTF-8."),
    Rule("F05", _B, "the file is too large to be looked at, or no plain file", "the doctor",
         "Look at it with other means; nothing in it was checked."),
    Rule("F06", _B, "a path leads out of the dataset", "whoever gets the dataset, and whoever "
         "trusts it", "Put the file into the dataset and write a relative path."),
    Rule("F07", _B, "a link leads nowhere", "all; pycocotools and Datumaro pass it by silently",
         "Copy the dataset by `cp -rL`, or make the files it leads to."),
    Rule("F08", _N, "a file of no kind that is known", "nobody knows",
         "Nothing in it was checked; leave it where no reader looks, or take it away."),
    Rule("F09", _B, "the file is damaged: it is not what its name says", "all",
         "Write it anew from its source."),
    Rule("F10", _B, "a file is not the one that the dataset's manifest lists", "whoever trusts "
         "the manifest: a copy was cut short, or a file was changed since",
         "Copy it again, or make the dataset anew."),
    # AVA's csv.
    Rule("A01", _B, "a header line", "mmaction2, PySlowFast: the words are no numbers",
         "Delete the first line.", True),
    Rule("A02", _B, "a blank line", "mmaction2, PySlowFast", "Delete it.", True),
    Rule("A03", _B, "a row without 8 columns", "mmaction2, Datumaro",
         "Write id,timestamp,x1,y1,x2,y2,action_id,person_id."),
    Rule("A04", _B, "a timestamp is no whole number", "mmaction2, PySlowFast, the evaluators",
         "Write the second as an integer, without a point.", True),
    Rule("A05", _B, "quotes in a row", "mmaction2, PySlowFast split at commas and keep them",
         "Write the cells without quotes.", True),
    Rule("A06", _B, "a coordinate is no number", "all", "Write it from the annotation anew."),
    Rule("A07", _M, "a box reaches out of the image", "mmaction2, PySlowFast: a box of another "
         "place is cropped", "Clip the coordinates to 0..1.", True),
    Rule("A08", _M, "boxes are in pixels", "all: every box lies far outside the image",
         "Divide by width and height of the clip: coordinates are 0..1."),
    Rule("A09", _M, "a box has no area, or its corners are swapped", "all: nothing is pooled "
         "from it", "Swap the corners, or delete the row."),
    Rule("A10", _M, "action id 0", "mmaction2: it sets the background class; PySlowFast stops",
         "Count actions from 1."),
    Rule("A11", _M, "a negative action id", "mmaction2: -1 sets the last class",
         "Delete the row, or give the action an id from 1."),
    Rule("A12", _B, "an action id above 80", "PySlowFast, AlphAction: they hold 1..80",
         "Use at most 80 actions."),
    Rule("A13", _B, "an action id is no whole number", "all", "Write ids, not names.", True),
    Rule("A14", _M, "an action that the action list lacks", "the evaluators leave its rows out",
         "Add it to the action list, or delete the rows."),
    Rule("A15", _M, "the same row twice", "the evaluators: the truth itself gets less than 1.0",
         "Delete the second one.", True),
    Rule("A16", _M, "one person has two boxes on one keyframe", "mmaction2, PySlowFast: two "
         "persons, each with some of the actions", "Give one box to another person, or make "
         "them equal."),
    Rule("A17", _M, "two persons have one box", "mmaction2, PySlowFast: they become one person",
         "Move or delete one of them."),
    Rule("A18", _M, "one box is written in two ways, such as 0.5 and 0.50", "PySlowFast groups "
         "by the text: two persons", "Write all coordinates with as many decimals.", True),
    Rule("A19", _N, "rows are not sorted by clip and timestamp", "whoever compares files",
         "Sort them.", True),
    Rule("A20", _B, "a clip id with a space or another odd letter", "PySlowFast's lists are "
         "split at spaces", "Use letters, digits and `-`."),
    Rule("A21", _B, "a clip id with a dot", "mmaction2's video mode, csv2COCO cut it there",
         "Use `-` instead."),
    Rule("A22", _M, "a clip id that is a number", "csv2COCO makes an integer of it",
         "Put a letter before it."),
    Rule("A23", _B, "a clip id with two or more underscores that are not start and end",
         "AVAKineticsDataset reads times there", "Use `-`, or ID_START_END."),
    Rule("A24", _B, "a person id is no whole number", "mmaction2, Datumaro",
         "Number the persons of a clip from 1.", True),
    Rule("A25", _N, "a person id below 1", "PySlowFast takes it for a score where the truth "
         "stands in for predicted boxes", "Number the persons of a clip from 1."),
    Rule("A26", _N, "an action in a gap of the action list", "the evaluators leave its rows out, "
         "as they do with AVA's 20 of 80", "Know it, or add it to the list."),
    # Timestamps.
    Rule("T01", _M, "timestamps that do not count from 900", "mmaction2's defaults: 32 copies "
         "of frame 1; csv2COCO: KeyError", "Write second + 900, or set timestamp_start and "
         "timestamp_end in the config."),
    Rule("T02", _B, "timestamps outside 902..1798", "PySlowFast: KeyError; csv2COCO",
         "Write second + 900, and keep 2 s from the clip's ends."),
    Rule("T03", _M, "a label whose window of 32 frames leaves the clip", "mmaction2, PySlowFast: "
         "the first or last frame is repeated", "Delete labels in a clip's first and last 2 s."),
    # Excluded timestamps.
    Rule("E01", _B, "a line is not id,timestamp", "mmaction2, the evaluators",
         "Write id,timestamp, without a header.", True),
    Rule("E02", _M, "an excluded keyframe has labels", "mmaction2's evaluator keeps them in the "
         "denominator: the truth gets less than 1.0", "Delete its rows from the csv.", True),
    # Proposals.
    Rule("P01", _B, "the pickle is damaged or no dict of arrays", "mmaction2",
         "Write a dict from 'id,0902' to arrays of shape (N, 5)."),
    Rule("P02", _B, "the pickle asks for more than numbers and arrays", "whoever loads it: it can "
         "run any program", "Get it from its source as a dict of numpy arrays; it was not read."),
    Rule("P03", _M, "a key whose timestamp has not four digits", "mmaction2: the full frame is "
         "the only proposal", "Write '{id},{timestamp:04d}'.", True),
    Rule("P04", _M, "a key that is no text", "mmaction2: the full frame is the only proposal",
         "Write '{id},{timestamp:04d}'.", True),
    Rule("P05", _B, "a value that is no array", "mmaction2", "Write a float array of shape "
         "(N, 5).", True),
    Rule("P06", _B, "an array without a box", "mmaction2: max() of nothing",
         "Leave the key out.", True),
    Rule("P07", _B, "a number that is not finite", "mmaction2: an assertion",
         "Delete the box.", True),
    Rule("P08", _B, "a coordinate outside 0..1", "mmaction2: an assertion, 1.0001 is too much",
         "Clip to 0..1.", True),
    Rule("P09", _M, "the best score does not come first", "mmaction2 keeps the first rows of an "
         "array unsorted", "Sort by score, the best first.", True),
    Rule("P10", _M, "boxes without scores", "mmaction2: no threshold, all are taken; PySlowFast "
         "cannot be given them", "Add the detector's scores as 5th column."),
    Rule("P11", _B, "an array of another shape or type", "mmaction2",
         "Write floats of shape (N, 5)."),
    Rule("P12", _M, "a labelled keyframe without a key", "mmaction2: the full frame is the only "
         "proposal", "Add its boxes, or know that its persons are lost."),
    Rule("P13", _B, "a pickle that only numpy 2 reads", "mmaction2's users sit on numpy 1",
         "Write it by protocol 2 with numpy 1's names.", True),
    Rule("P14", _B, "boxes are in pixels", "mmaction2: an assertion",
         "Divide by width and height."),
    Rule("P15", _M, "no key is of any labelled clip", "mmaction2: full frames everywhere",
         "Spell the clips as the csv does."),
    Rule("P16", _T, "proposals miss most annotated persons", "all: what is not proposed cannot "
         "be found", "Take a better detector, or a lower threshold."),
    Rule("P17", _M, "a proposal without area", "mmaction2: nothing is pooled from it",
         "Delete it.", True),
    Rule("P18", _M, "a score outside 0..1", "mmaction2, PySlowFast: thresholds mean nothing",
         "Write scores in 0..1."),
    # Action lists.
    Rule("L01", _M, "the evaluators find no entry", "mmaction2, PySlowFast and AlphAction parse "
         "line beginnings: no class at all", "Write label { name: \"..\" label_id: 1 .. } on lines "
         "with two spaces.", True),
    Rule("L02", _M, "an entry that the evaluators read otherwise than it is meant", "mmaction2, "
         "PySlowFast, AlphAction", "Two spaces, double quotes, name before id.", True),
    Rule("L03", _B, "entries of the older form item { }", "Datumaro reads none",
         "Write label { name label_id label_type }.", True),
    Rule("L04", _M, "an id below 1", "mmaction2: 0 sets the background class; PySlowFast and "
         "AlphAction stop", "Number the actions 1, 2, 3 ..."),
    Rule("L05", _M, "an id twice", "the evaluators keep the last name",
         "Give each action an id of its own."),
    Rule("L06", _B, "a label_type that is none of AVA's, or none at all", "Datumaro",
         "PERSON_MOVEMENT, OBJECT_MANIPULATION or PERSON_INTERACTION.", True),
    Rule("L07", _M, "label_map.txt and the action list differ", "mmaction2's demos show other "
         "names", "Write the map from the list: `1: name`.", True),
    Rule("L08", _B, "there is no action list", "the evaluators, PySlowFast, AlphAction",
         "Write action_list.pbtxt beside the csv."),
    Rule("L09", _M, "entries are not in the order of their ids", "Datumaro takes the order, not "
         "the id", "Sort them by id.", True),
    Rule("L10", _M, "a name twice", "tools that look up by name", "Name actions differently."),
    Rule("L11", _B, "an id above 80", "PySlowFast, AlphAction", "Use at most 80 actions."),
    Rule("L12", _N, "ids have a gap", "classes that nobody is: num_classes has to count the "
         "highest id, not the entries", "Number the actions 1, 2, 3 ..., unless the gap is meant, "
         "as in AVA's 60 of 80."),
    # mmaction2's configs.
    Rule("M01", _B, "the config is no Python", "mmengine", "Correct the line that is named."),
    Rule("M02", _B, "num_classes is not the highest action id + 1", "mmaction2: labels beyond it, "
         "or classes that nobody is", "Set the number of actions + 1: class 0 is the background."),
    Rule("M03", _B, "the head and the dataset have different num_classes", "mmaction2",
         "Use one variable for both."),
    Rule("M04", _M, "timestamp_start is not what the csv counts from", "mmaction2 reads frames of "
         "other seconds", "Set timestamp_start to the timestamp of second 0."),
    Rule("M05", _M, "timestamp_end lies before the last label", "mmaction2 repeats one frame "
         "without a word", "Set the end of the longest clip."),
    Rule("M06", _M, "person_det_score_thr is above every score", "mmaction2: one proposal a "
         "keyframe is left", "Lower it, 0.4 for a YOLO."),
    Rule("M07", _M, "start_index is not 0 in video mode", "mmaction2 reads frames that are late "
         "(twice start_index)", "Set start_index=0 beside use_frames=False."),
    Rule("M08", _B, "a path that leads nowhere", "mmengine", "Correct it."),
    Rule("M09", _B, "AVAKineticsDataset without exclude_file or label_file", "mmaction2",
         "Name both."),
    Rule("M10", _M, "the config leaves the excluded timestamps out", "mmaction2 trains and judges "
         "on keyframes that nobody judged", "Set exclude_file."),
    Rule("M11", _B, "topk is not below num_classes", "mmaction2's head asserts it",
         "Use smaller k."),
    Rule("M12", _M, "fps is not that of the clips", "mmaction2 takes it from the config and reads "
         "other times", "Set the clips' own, 30."),
    Rule("M13", _M, "AVAKineticsDataset with proposals keyed by id_start_end", "mmaction2 looks "
         "for the id alone: the full frame is the only proposal", "Key them by the video's id."),
    # PySlowFast.
    Rule("S01", _M, "a frame list without a header", "PySlowFast drops the first line: the first "
         "clip is shifted by a frame", "Put `original_vido_id video_id frame_id path labels` "
         "first.", True),
    Rule("S02", _B, "a line of a frame list without 5 parts", "PySlowFast asserts it",
         "Write `id 0 0 id/img_00001.jpg \"\"`."),
    Rule("S03", _B, "clips with boxes are not those of the frame list", "PySlowFast: an "
         "AssertionError", "Take clips without a box above the threshold out of the list."),
    Rule("S04", _M, "frames of a clip are not in order, or some are left out", "PySlowFast counts "
         "lines: other times", "List every frame in order, from 1.", True),
    Rule("S05", _B, "a listed frame is not there", "PySlowFast", "Extract it, or correct "
         "the list."),
    Rule("S06", _B, "a row of predicted boxes is not id,timestamp,x1,y1,x2,y2,,score",
         "PySlowFast", "8 columns, the 7th empty."),
    Rule("S07", _M, "AVA.FULL_TEST_ON_VAL is not set", "PySlowFast judges every fourth second "
         "only", "Set it to True."),
    Rule("S08", _M, "MODEL.NUM_CLASSES is not the number of actions", "PySlowFast: labels beyond "
         "it, or classes that nobody is", "Set the highest action id: class 0 is action 1."),
    Rule("S09", _B, "the config names a file that is not there", "PySlowFast", "Correct it; "
         "paths start where the training is started."),
    Rule("S10", _M, "more samples a step than train has keyframes", "PySlowFast drops the "
         "incomplete step: nothing is trained", "Lower TRAIN.BATCH_SIZE."),
    Rule("S11", _B, "no predicted box reaches AVA.DETECTION_SCORE_THRESH", "PySlowFast: an "
         "AssertionError", "Lower it, 0.4 for a YOLO."),
    # AlphAction.
    Rule("K01", _B, "an image without movie, timestamp, width or height", "AlphAction: KeyError; "
         "guides' names are not what it reads", "Add them."),
    Rule("K02", _B, "an annotation without action_ids", "AlphAction: KeyError", "One annotation a "
         "person, with the list of its actions."),
    Rule("K03", _B, "action_ids outside 1..80", "AlphAction", "Use ids 1..80."),
    Rule("K04", _M, "a bbox is no x, y, width, height inside its image", "AlphAction, pycocotools",
         "Write pixels of the clip: x, y, width, height."),
    Rule("K05", _B, "the box file is a dict", "AlphAction: TypeError", "Write a list of "
         "{image_id, bbox, score}."),
    Rule("K06", _B, "a box of an image that is not there", "AlphAction: KeyError",
         "Write the ids of `images`."),
    Rule("K07", _B, "a segment is not there", "AlphAction reads t-2 to t+1 around a keyframe",
         "Cut `<movie>/<timestamp>.mp4`, or leave the keyframe out."),
    Rule("K08", _B, "segments are named with leading zeros", "AlphAction looks for 902.mp4",
         "Rename them."),
    Rule("K09", _M, "a segment has not 25 frames", "AlphAction counts 25 a second",
         "Cut exactly one second at 25 fps."),
    Rule("K10", _M, "a segment's size is not that of its images in the JSON", "AlphAction: boxes "
         "of another size", "Write width and height of the segments."),
    Rule("K11", _B, "a dataset's name without ava_video", "AlphAction's catalog knows no other",
         "Name it ava_video_..."),
    Rule("K12", _B, "eval_file_paths lacks a key", "AlphAction's evaluation",
         "csv_gt_file, labelmap_file, exclusion_file."),
    Rule("K13", _B, "NUM_CLASSES is not 80", "AlphAction's loss asserts 80 columns",
         "Leave it at 80."),
    Rule("K14", _B, "no box reaches TEST.BOX_THRESH", "AlphAction has nothing to judge",
         "Lower it."),
    Rule("K15", _T, "a box up to 1 pixel wide or high", "AlphAction drops it",
         "Know it, or delete it."),
    Rule("K16", _M, "a box without a score", "AlphAction: KeyError, or no threshold",
         "Write the detector's score."),
    Rule("K17", _N, "segments with a short side above 360", "AlphAction scales each of them down "
         "at every step", "Cut them with a short side of at most 360."),
    # COCO.
    Rule("C01", _B, "an annotation of an image that is not there", "pycocotools, AlphAction",
         "Write the ids of `images`."),
    Rule("C02", _M, "an id twice", "pycocotools keeps the last one", "Number them anew."),
    Rule("C03", _B, "a category that is not listed", "pycocotools, FiftyOne, CVAT",
         "Add it to `categories`."),
    Rule("C04", _M, "an image file is not there", "pycocotools and Datumaro pass it by silently",
         "Add it, or correct file_name."),
    # VIA.
    Rule("V01", _B, "a part of a VIA 3 project is missing", "VIA does not open it",
         "project, config, attribute, file, view and metadata."),
    Rule("V02", _M, "images that have to be picked by hand (loc 1)", "VIA binds them by the order "
         "of picking", "Set loc to 2 and src to a relative path.", True),
    Rule("V03", _M, "an option is chosen by default", "VIA shows it as ticked and does not store "
         "it", "Set default_option_id to \"\".", True),
    Rule("V04", _B, "an entry without av", "VIA stops drawing", "Set av to {}.", True),
    Rule("V05", _B, "vid_list holds numbers", "VIA shows no view", "Write texts.", True),
    Rule("V06", _B, "z of a box is not []", "VIA takes it for a part of a video",
         "Set z to [].", True),
    Rule("V07", _B, "a bare % in a name, or # or ? in src", "VIA stops, or loads another file",
         "Write %25, %23, %3F.", True),
    Rule("V08", _B, "boxes are labelled by an attribute that is no text", "VIA: an empty value "
         "kills the page", "Name a text attribute in spatial_region_label_attribute_id."),
    Rule("V09", _M, "an image is not there", "VIA shows nothing", "Correct src: it starts at the "
         "page's folder."),
    Rule("V10", _M, "a box of a view that is not there", "VIA: the box is never seen",
         "Delete it, or restore the view."),
    Rule("V11", _M, "a tick of an option that is not there", "VIA and readers lose it",
         "Correct the option's number."),
    Rule("V12", _N, "a box with negative sides or outside its image", "readers have to mend it",
         "Draw it anew."),
    # Datumaro.
    Rule("D01", _M, "another ava_*.csv beside the splits", "Datumaro imports it as a subset",
         "Move it elsewhere."),
    Rule("D02", _M, "the image of a keyframe is not there", "Datumaro passes it by silently",
         "frames/ID/ID_TIMESTAMP.jpg, as the csv writes the timestamp."),
    # Kinetics.
    Rule("R01", _B, "a line is not path and label", "PySlowFast asserts two parts",
         "One separator a line: no spaces in paths."),
    Rule("R02", _B, "a label is no whole number", "PySlowFast, PyTorchVideo", "Write ids."),
    Rule("R03", _B, "a label that label2id.json lacks", "the loss: a class out of range",
         "Count ids from 0."),
    Rule("R04", _B, "a listed video is not there", "PySlowFast", "Correct the path."),
    Rule("R05", _M, "one video with two labels", "training contradicts itself", "Keep one."),
    Rule("R06", _T, "one video in two lists", "what is judged was trained on",
         "Take it out of one."),
    Rule("R07", _M, "ids have a gap, or do not begin at 0", "the head has classes that nobody is",
         "Number labels 0, 1, 2 ..."),
    # Media.
    Rule("X01", _B, "an image cannot be decoded", "all", "Extract it anew."),
    Rule("X02", _M, "frames of a clip are missing in the middle", "mmaction2, PySlowFast: stop, or "
         "read other times", "Extract all frames anew."),
    Rule("X03", _M, "a video and its frames have different numbers", "times drift",
         "Extract frames from the clip as it is."),
    Rule("X04", _M, "images of a clip, or the clip itself, have different sizes", "boxes lie "
         "elsewhere", "Extract frames from the clip as it is."),
    Rule("X05", _B, "a video cannot be decoded", "all", "Cut it anew."),
    Rule("X06", _M, "a clip has not 30 frames a second", "mmaction2's video mode, PySlowFast "
         "count 30", "Cut it at a constant 30 fps."),
    Rule("X07", _B, "a labelled clip without frames or video", "all", "Add them."),
    Rule("X08", _B, "an image or a video of too many pixels", "memory of whoever opens it",
         "Nothing of it was decoded; scale it down."),
    # What harms training.
    Rule("G01", _T, "nine tenths of the labels are one action", "a model that always says it looks "
         "good", "Label others, repeat rare ones, or use a focal loss."),
    Rule("G02", _T, "an action of train that val lacks", "its quality is never measured",
         "Move a clip that shows it."),
    Rule("G03", _T, "an action of val that train lacks", "it cannot be learnt, and counts as 0 in "
         "the mAP", "Move a clip that shows it."),
    Rule("G04", _T, "an action that nobody does", "a class without an example",
         "Label some, or take it out of the action list."),
    Rule("G05", _T, "a clip in two splits", "what is judged was trained on",
         "Keep it in one."),
    Rule("G06", _T, "clips of one video in two splits", "what is judged looks like what was "
         "trained on", "Keep a video in one split."),
    Rule("G07", _N, "keyframes with proposals and neither labels nor exclusion", "PySlowFast "
         "counts every detection there as false", "Exclude them, unless nobody acts there."),
)  # fmt: skip

PARTS = {
    "F": "Files as a whole",
    "A": "AVA's csv of labels",
    "T": "Timestamps",
    "E": "Excluded timestamps",
    "P": "Proposals",
    "L": "Action lists",
    "M": "mmaction2's configs",
    "S": "PySlowFast",
    "K": "AlphAction",
    "C": "COCO",
    "V": "VIA projects",
    "D": "Datumaro",
    "R": "Kinetics' lists",
    "X": "Frames and videos",
    "G": "What harms training",
}
"""What the first letter of a code stands for."""


def table_row(rule: Rule) -> str:
    """A rule as a row of the table in docs/doctor.md."""
    mended = "yes" if rule.mended else ""
    cells = [rule.code, rule.harm.word, rule.what, rule.readers, rule.fix, mended]
    return f"| {' | '.join(cells)} |"


RULES = {rule.code: rule for rule in _ROWS}
"""The rules by their codes."""
