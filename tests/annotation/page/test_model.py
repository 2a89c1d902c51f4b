"""The page's rules on random edits: labels as a reference reads them, undo, saving again."""

import json
import math
import random

import pytest

FPS, FRAMES = 30, 312
ATTRIBUTES = [
    {"name": "body", "choose": "single", "options": ["stand", "sit", "walk"]},
    {"name": "head", "choose": "multiple", "options": ["talk", 'say "é" <b>']},
]
SECONDS = range(2, 9)


def clip(seed: int) -> dict:
    """Five tracks with gaps and overlaps; every tenth frame is looked at."""
    chance = random.Random(seed)
    tracks = []
    for number in range(1, 6):
        first, last = sorted(chance.sample(range(0, FRAMES // 10), 2))
        frames = [10 * n + 1 for n in range(first, last + 1) if chance.random() > 0.2]
        boxes = []
        for frame in frames:
            x, y = chance.uniform(0, 0.8), chance.uniform(0, 0.5)
            boxes.append([round(v, 6) for v in (x, y, x + 0.1, y + 0.4 + frame / 1e5)])
        tracks.append({"id": number, "frames": frames, "boxes": boxes})
    return {
        "version": 1,
        "clip": "c-1",
        "fps": FPS,
        "frames": FRAMES,
        "width": 640,
        "height": 360,
        "start": 0.5,
        "keyframes": [{"second": s, "frame": FPS * s + 1, "image": ""} for s in SECONDS],
        "attributes": ATTRIBUTES,
        "tracks": tracks,
    }


# Every edit there is, with numbers drawn by chance. The same seed draws the same.
EDITS = """
window.randomEdits = function (clip, seed, count) {
  const {model, tracks} = avaflow;
  let state = seed;
  const chance = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const whole = (from, to) => from + Math.floor(chance() * (to - from + 1));
  const one = (list) => list[whole(0, list.length - 1)];
  const history = new model.History(model.blank(clip));
  const texts = [JSON.stringify(history.present)];
  for (let n = 0; n < count; n++) {
    const doc = history.present;
    const [a, b] = [one(doc.persons), one(doc.persons)];
    if (!a) break;
    const attribute = one(clip.attributes), option = one(attribute.options);
    const [from, to] = [chance() * 10.4, chance() * 10.4].sort((x, y) => x - y);
    const second = one(clip.keyframes).second, frame = whole(1, clip.frames);
    const x = chance() * 0.7, y = chance() * 0.6;
    const box = [x, y, x + 0.05 + chance() * 0.2, y + 0.1 + chance() * 0.3];
    const end = (tracks.sight(a, clip) || [0, 10.4])[1];
    const edit = one([
      (d) => model.setSpan(d, a.id, attribute, option, from, to),
      (d) => model.clearSpan(d, a.id, attribute, option, from, to),
      (d) => model.toggleFrom(d, a.id, attribute, option, from, end),
      (d) => model.toggleWhole(d, a.id, attribute, option, from, to),
      (d) => model.toggleEverybody(d, d.persons.map((p) => ({id: p.id, end: 10.4})), attribute,
                                   option, from),
      (d) => a.spans.length
        ? model.moveEnd(d, a.id, clip.attributes.find((x) => x.name === a.spans[0].attribute),
                        a.spans[0], one(['from', 'to']), from) : d,
      (d) => model.copySpans(d, a.id, b.id, clip.attributes, [from, to]),
      (d) => model.judge(d, a.id, from, to),
      (d) => model.judge(d, a.id, from, to),
      (d) => model.unjudge(d, a.id, from, to),
      (d) => model.setKind(d, a.id, one(['person', 'person', 'not a person', 'ignored'])),
      (d) => model.mend(d, a.id, second, box),
      (d) => model.unmend(d, a.id, second),
      (d) => model.remove(d, a.id, second),
      (d) => model.draw(d, second, box),
      (d) => model.cut(d, a.id, frame, clip),
      (d) => model.swap(d, a.id, b.id, frame, clip),
      (d) => model.join(d, a.id, b.id, clip, clip.attributes),
      (d) => a.tracks.length ? avaflow.suggestions.accept(d, a.id, [{attribute, option, from, to,
        track: a.tracks[0].track, probability: chance()}], {head: 'h'}) : d,
      (d) => a.tracks.length ? avaflow.suggestions.reject(d, a.id, {attribute, option, from, to,
        track: a.tracks[0].track, probability: chance()}, {head: 'h'}) : d,
      (d) => a.tracks.length ? model.answer(d, {kind: one(['join', 'short']), frame,
                                                tracks: [a.tracks[0].track], distance: 0.2}) : d,
    ]);
    if (history.apply(edit)) texts.push(JSON.stringify(history.present));
  }
  return {history, texts};
};
"""

ABOUT = {"annotator": "", "saved": "2026-11-21T20:00:00Z", "seconds_worked": 7}


@pytest.fixture(scope="module")
def edited(rules):
    rules.add_script_tag(content=EDITS)

    def edit(given: dict, seed: int, count: int) -> dict:
        """What `count` random edits make of a clip: the saved text, the labels, the way back."""
        return rules.evaluate(
            """([clip, seed, count, about]) => {
              const {model, ticks} = avaflow;
              const {history, texts} = randomEdits(clip, seed, count);
              const saved = model.serialise(history.present, clip, about);
              const loaded = model.opened(model.check(JSON.parse(saved), clip), clip);
              const labels = ticks.labels(history.present, clip);
              const counts = ticks.counts(history.present, clip);
              const back = [];
              while (history.undo()) back.push(JSON.stringify(history.present));
              while (history.redo());
              const again = JSON.stringify(history.present);
              return {saved, again: model.serialise(loaded, clip, about), labels, counts,
                      texts, back, forth: again};
            }""",
            [given, seed, count, ABOUT],
        )

    return edit


def boxes_of(person: dict, given: dict) -> dict[int, list[float]]:
    """The rule of presence, restated: a person's boxes by second of a keyframe."""
    tracks = {track["id"]: track for track in given["tracks"]}
    by_frame: dict[int, list[float]] = {}
    for part in sorted(person["tracks"], key=lambda part: part["from"]):
        track = tracks[part["track"]]
        for frame, box in zip(track["frames"], track["boxes"], strict=True):
            if part["from"] <= frame <= part["to"]:
                by_frame.setdefault(frame, box)
    mended = {one["second"]: one["box"] for one in person["boxes"]}
    found = {s: by_frame[FPS * s + 1] for s in SECONDS if FPS * s + 1 in by_frame} | mended
    for a, b in zip(sorted(mended), sorted(mended)[1:], strict=False):
        if b - a < 3 and not any(FPS * a + 1 < frame < FPS * b + 1 for frame in by_frame):
            for s in range(a + 1, b):
                share = (s - a) / (b - a)
                pairs = zip(mended[a], mended[b], strict=True)
                found[s] = [p + (q - p) * share for p, q in pairs]
    return {s: box for s, box in found.items() if s not in person["removed"]}


def reference(file: dict, given: dict) -> dict[str, list]:
    """Labels of a saved file, by the rule in its shortest form."""
    rows, unticked, judged = [], [], set()
    for person in file["persons"]:
        for s in boxes_of(person, given) if person["kind"] != "not a person" else ():
            if person["kind"] == "ignored" or not any(a <= s < b for a, b in person["judged"]):
                unticked.append((s, person["id"]))
                continue
            judged.add(s)
            held = [x for x in person["spans"] if x["from"] <= s < x["to"]]
            rows += [(s, person["id"], x["attribute"], x["option"]) for x in held]
    nobody = judged - {row[0] for row in rows}
    excluded = set(SECONDS) - judged
    return {
        "rows": sorted(rows),
        "unticked": sorted(unticked),
        "nobody": sorted(nobody),
        "excluded": sorted(excluded),
    }


SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_edits_are_read_undone_and_saved_again(edited, seed):
    given = clip(seed)
    made = edited(given, seed + 1, 60)
    assert len(made["texts"]) > 20
    file = json.loads(made["saved"])

    # The labels are those that the reference reads from the file.
    labels, counts = made["labels"], made["counts"]
    assert {
        "rows": sorted(
            (r["second"], r["person"], r["attribute"], r["option"]) for r in labels["rows"]
        ),
        "unticked": sorted((r["second"], r["person"]) for r in labels["unticked"]),
        "nobody": labels["nobody"],
        "excluded": labels["excluded"],
    } == reference(file, given)
    for row in labels["rows"] + labels["unticked"]:
        person = next(p for p in file["persons"] if p["id"] == row["person"])
        expected = boxes_of(person, given)[row["second"]]
        assert row["box"] == pytest.approx(expected, abs=1e-9)
    assert counts["ticks"] == len(labels["rows"])

    # Undone one by one, each state is what it was; redone, the last is there again.
    assert [*reversed(made["back"]), made["forth"]] == made["texts"]

    # Saved, loaded, saved is the same file; and what no file may hold is not in it.
    assert made["again"] == made["saved"]
    ids = [person["id"] for person in file["persons"]]
    assert ids == sorted(set(ids))
    for person in file["persons"]:
        spans = [(x["from"], x["attribute"], x["option"], x["to"]) for x in person["spans"]]
        assert spans == sorted(spans)
        body = [x for x in spans if x[1] == "body"]
        for one, other in zip(body, body[1:], strict=False):
            assert one[3] <= other[0]
        assert all(a < b for a, b in person["judged"])


def test_random_edits_reach_every_kind_of_label(edited):
    """The test above compares something: all four lists are filled by chance."""
    totals = dict.fromkeys(("rows", "unticked", "nobody", "excluded"), 0)
    for seed in SEEDS:
        for name, rows in edited(clip(seed), seed + 1, 60)["labels"].items():
            totals[name] += len(rows)
    assert min(totals.values()) >= 10, totals


def test_the_file_is_laid_out_as_python_lays_it_out(edited):
    made = edited(clip(3), 9, 40)
    file = json.loads(made["saved"])
    assert made["saved"] == json.dumps(file, indent=1, ensure_ascii=False) + "\n"
    assert list(file) == [
        *("format", "version", "clip", "annotator", "saved", "seconds_worked", "video"),
        *("attributes", "persons", "answered", "accepted", "rejected"),
    ]
    assert file["video"] == {
        "start": 0.5,
        "fps": 30,
        "frames": 312,
        "width": 640,
        "height": 360,
    }
    stretch = file["persons"][0]["tracks"][0]
    track = next(t for t in clip(3)["tracks"] if t["id"] == stretch["track"])
    boxes = dict(zip(track["frames"], track["boxes"], strict=True))
    assert stretch["anchors"] == [
        [30 * s + 1, *boxes[30 * s + 1]]
        for s in SECONDS
        if 30 * s + 1 in boxes and stretch["from"] <= 30 * s + 1 <= stretch["to"]
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_library_reads_the_file_and_writes_the_same_bytes(edited, seed, tmp_path):
    model = pytest.importorskip(
        "avaflow.annotation.page.model", reason="the library's side of the file is not here"
    )
    path = tmp_path / "c-1.json"
    path.write_text(edited(clip(seed), seed + 1, 60)["saved"], encoding="utf-8")
    assert model.annotation_text(model.read_annotation(path)) == path.read_text(encoding="utf-8")


# ------------------------------------------------------------- single edits, by hand


BODY, HEAD = ATTRIBUTES


@pytest.fixture(scope="module")
def steps(rules):
    """Runs edits on a clip with one track over all of it, gives that person's spans."""
    frames = list(range(1, FRAMES + 1, 10))
    given = clip(0) | {
        "tracks": [{"id": 1, "frames": frames, "boxes": [[0.1, 0.1, 0.2, 0.5]] * len(frames)}]
    }

    def run(*edits: tuple) -> list[tuple]:
        spans = rules.evaluate(
            """([clip, edits]) => {
              let doc = avaflow.model.blank(clip);
              for (const [name, ...values] of edits) doc = avaflow.model[name](doc, 1, ...values);
              return doc.persons[0].spans;
            }""",
            [given, [list(edit) for edit in edits]],
        )
        return [(span["option"], span["from"], span["to"]) for span in spans]

    return run


@pytest.mark.parametrize(
    ("edits", "spans"),
    [
        # Pressed at 2: on to the last sight. Pressed again at 5: ended there.
        ([("toggleFrom", BODY, "sit", 2, 10.4)], [("sit", 2, 10.4)]),
        (
            [("toggleFrom", BODY, "sit", 2, 10.4), ("toggleFrom", BODY, "sit", 5, 10.4)],
            [("sit", 2, 5)],
        ),
        # Another option of a single attribute ends the first and lasts as long as it did.
        (
            [
                ("setSpan", BODY, "sit", 2, 8),
                ("toggleFrom", BODY, "walk", 4, 10.4),
            ],
            [("sit", 2, 4), ("walk", 4, 8)],
        ),
        # One that begins before another goes on until that one.
        (
            [("setSpan", BODY, "sit", 6, 8), ("toggleFrom", BODY, "walk", 4, 10.4)],
            [("walk", 4, 6), ("sit", 6, 8)],
        ),
        # Options of a multiple attribute leave one another alone.
        (
            [("setSpan", HEAD, "talk", 2, 8), ("toggleFrom", HEAD, 'say "é" <b>', 4, 10.4)],
            [("talk", 2, 8), ('say "é" <b>', 4, 10.4)],
        ),
        # Touching spans are one, a part taken out leaves two.
        ([("setSpan", BODY, "sit", 2, 4), ("setSpan", BODY, "sit", 4, 6)], [("sit", 2, 6)]),
        (
            [("setSpan", BODY, "sit", 2, 8), ("clearSpan", BODY, "sit", 4, 5)],
            [("sit", 2, 4), ("sit", 5, 8)],
        ),
        # For the whole presence, and off again.
        ([("toggleWhole", BODY, "sit", 0, 10.4)], [("sit", 0, 10.4)]),
        ([("toggleWhole", BODY, "sit", 0, 10.4)] * 2, []),
    ],
)
def test_a_key_pressed_at_a_moment(steps, edits, spans):
    assert steps(*edits) == spans


def people(rules, script: str, **values):
    """Two tracks, 1 on frames 1 to 151 and 2 on frames 121 to 301; `script` edits them."""
    boxes = [[0.1, 0.1, 0.2, 0.5]]
    tracks = [(1, list(range(1, 152, 10))), (2, list(range(121, 302, 10)))]
    given = clip(0) | {
        "tracks": [{"id": n, "frames": f, "boxes": boxes * len(f)} for n, f in tracks]
    }
    return rules.evaluate(
        "([clip, values]) => { const {model} = avaflow; let doc = model.blank(clip);"
        + script
        + "return doc.persons; }",
        [given, values],
    )


def test_a_cut_parts_a_person_with_all_that_was_said(rules):
    first, second, third = people(
        rules,
        """doc = model.setSpan(doc, 1, clip.attributes[0], 'sit', 1, 4);
           doc = model.judge(doc, 1, 0, 5);
           doc = model.mend(doc, 1, 3, [0, 0, 0.5, 0.5]);
           doc = model.cut(doc, 1, 61, clip);""",
    )
    assert [first["tracks"], third["tracks"]] == [
        [{"track": 1, "from": 1, "to": 60}],
        [{"track": 1, "from": 61, "to": 151}],
    ]
    assert [p["id"] for p in (first, second, third)] == [1, 2, 3]
    assert [(s["from"], s["to"]) for s in first["spans"] + third["spans"]] == [(1, 2), (2, 4)]
    assert [first["judged"], third["judged"]] == [[[0, 2]], [[2, 5]]]
    assert [first["boxes"], third["boxes"]] == [[], [{"second": 3, "box": [0, 0, 0.5, 0.5]}]]


def test_a_cut_is_mended_by_a_join_and_a_swap_by_a_swap(rules):
    before = people(rules, "doc = model.setSpan(doc, 1, clip.attributes[0], 'sit', 1, 4);")
    said = "doc = model.setSpan(doc, 1, clip.attributes[0], 'sit', 1, 4);"
    cut = said + "doc = model.cut(doc, 1, 61, clip);"
    assert people(rules, cut) != before
    assert people(rules, cut + "doc = model.join(doc, 1, 3, clip, clip.attributes);") == before
    swap = "doc = model.swap(doc, 1, 2, 140, clip);"
    assert people(rules, said + swap) != before
    assert people(rules, said + swap + swap) == before


def test_joined_tracks_that_overlap_hold_each_frame_once(rules):
    first, *others = people(rules, "doc = model.join(doc, 1, 2, clip, clip.attributes);")
    assert others == []
    assert first["tracks"] == [
        {"track": 1, "from": 1, "to": 151},
        {"track": 2, "from": 161, "to": 301},
    ]


def test_a_box_drawn_on_two_keyframes_is_there_between(rules):
    *_, drawn = people(
        rules,
        """doc = model.draw(doc, 2, [0, 0, 0.2, 0.2]);
           doc = model.mend(doc, 3, 4, [0.2, 0, 0.4, 0.2]);
           doc.persons[2].seen = [...avaflow.tracks.view(doc.persons[2], clip).present];
           doc.persons[2].half = avaflow.tracks.boxAt(doc.persons[2], 76, clip).box;""",
    )
    seconds = {second: [round(v, 6) for v in seen["box"]] for second, seen in drawn["seen"]}
    assert seconds == {2: [0, 0, 0.2, 0.2], 3: [0.1, 0, 0.3, 0.2], 4: [0.2, 0, 0.4, 0.2]}
    assert drawn["half"] == pytest.approx([0.05, 0, 0.25, 0.2])


def test_a_file_of_another_clip_is_refused(rules):
    told = rules.evaluate(
        """(clip) => { try { avaflow.model.check({format: 'avaflow annotation', version: 1,
           clip: 'other', persons: []}, clip); } catch (error) { return error.message; } }""",
        clip(0),
    )
    assert told == "expected clip c-1, found other"


def test_a_track_that_is_another_now_stays_as_it_was_seen(rules):
    """Saved on one run of the tracker, opened on the next, whose track 1 is somebody else."""
    there, seen, again, tracks = rules.evaluate(
        """([clip, about]) => {
          const {model} = avaflow;
          let doc = model.setSpan(model.blank(clip), 1, clip.attributes[0], 'sit', 2, 5);
          const file = JSON.parse(model.serialise(model.judge(doc, 1, 2, 5), clip, about));
          const moved = clip.tracks.map((track) => ({...track,
            boxes: track.boxes.map(([x1, ...rest]) => [Math.max(0, x1 - 0.05), ...rest])}));
          const other = {...clip, tracks: moved};
          doc = model.opened(file, other);
          const saved = JSON.parse(model.serialise(doc, other, about));
          const boxes = [...avaflow.tracks.view(doc.persons[0], other).present];
          return [file.persons[0], boxes, saved.persons[0],
                  doc.persons.map((p) => p.tracks.map((s) => s.track))];
        }""",
        [clip(3), ABOUT],
    )
    anchors = there["tracks"][0]["anchors"]
    assert len(anchors) > 2
    assert [(30 * second + 1, *one["box"]) for second, one in seen] == [tuple(a) for a in anchors]
    assert {**again, "tracks": []} == {**there, "tracks": []}
    assert again["tracks"][0]["anchors"] == anchors
    # The new tracks are persons of their own, and no number stands for two.
    numbers = [number for one in tracks for number in one]
    assert len(numbers) == len(set(numbers)) and {1, 2, 3, 4, 5} <= set(numbers)


def test_what_the_config_no_longer_names_is_kept(rules):
    saved = rules.evaluate(
        """([clip, about]) => {
          const gone = {name: 'mood', choose: 'single'};
          const doc = avaflow.model.setSpan(avaflow.model.blank(clip), 1, gone, 'glad', 1, 2);
          return JSON.parse(avaflow.model.serialise(doc, clip, about));
        }""",
        [clip(3) | {"finished": {"attributes": [{"name": "mood", "choose": "single"}]}}, ABOUT],
    )
    assert saved["attributes"] == [
        *ATTRIBUTES,
        {"name": "mood", "choose": "single", "options": ["glad"]},
    ]


def test_times_of_frames_come_back(rules):
    frames = list(range(1, FRAMES + 1))
    for fps in (24, 25, 30, 60):
        back = rules.evaluate(
            """([clip, frames]) => frames.map((frame) =>
              [avaflow.times.frameAt((frame - 1) / clip.fps, clip),
               avaflow.times.frameAt(avaflow.times.middleOf(frame, clip), clip)])""",
            [{"fps": fps, "frames": FRAMES}, frames],
        )
        assert back == [[frame, frame] for frame in frames]
    assert math.isclose(rules.evaluate("avaflow.times.endOf(312, {fps: 30})"), 10.4)
