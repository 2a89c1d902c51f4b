// The annotation file of a clip as a value: every edit makes a new one and leaves the old as it
// was, so that undo is going back to it.
(function (avaflow) {
  'use strict';
  const {rounded, secondOf} = avaflow.times;

  const FORMAT = 'avaflow annotation';
  const VERSION = 1;
  // Decimals of a normalised coordinate, as in the workflow's tables.
  const BOX_DECIMALS = 6;
  // Pixels that a box may have moved and still be the one that was seen, as in the library.
  const SAME_BOX_PX = 1;
  const KINDS = ['person', 'not a person', 'ignored'];

  // ---------------------------------------------------------------- beginning

  function blank(clip) {
    return {
      persons: clip.tracks.filter((track) => track.frames.length).map(personOfTrack),
      answered: [],
      accepted: [],
      rejected: [],
    };
  }

  function personOfTrack(track) {
    return person(track.id, [{track: track.id, from: track.frames[0], to: track.frames.at(-1)}]);
  }

  function person(id, tracks) {
    return {id, kind: 'person', tracks, boxes: [], removed: [], spans: [], judged: []};
  }

  // The document of a file. Tracks that nobody in the file consists of become persons, so that
  // everybody who was found can be seen.
  function opened(file, clip) {
    const live = liveOrOld(clip);
    const persons = file.persons.map((one) => tidy({
      id: one.id,
      kind: KINDS.includes(one.kind) ? one.kind : 'person',
      tracks: (one.tracks || []).map((stretch) => live(stretch, one)),
      boxes: one.boxes || [],
      removed: one.removed || [],
      spans: one.spans || [],
      judged: one.judged || [],
    }));
    const used = new Set(persons.flatMap((one) => one.tracks.map((stretch) => stretch.track)));
    const ids = new Set(persons.map((one) => one.id));
    const answered = answersOf(file, persons);
    let next = Math.max(0, ...ids) + 1;
    for (const track of clip.tracks) {
      if (used.has(track.id) || !track.frames.length) continue;
      const made = personOfTrack(track);
      if (ids.has(made.id)) made.id = next++;
      ids.add(made.id);
      next = Math.max(next, made.id + 1);
      persons.push(made);
    }
    // What was accepted stays told for good; no answer is kept to tracks that are others now.
    return {persons: sorted(persons), answered, accepted: file.accepted || [],
            rejected: (file.rejected || []).filter((one) => liveTracks(persons).has(one.track))};
  }

  // Doubts that were answered, but for those about tracks that are others now.
  function answersOf(file, persons) {
    const live = liveTracks(persons);
    return (file.answered || []).filter((one) => one.tracks.every((track) => live.has(track)));
  }

  // Tracks that are as they were when the file was saved.
  function liveTracks(persons) {
    return new Set(persons.flatMap((one) => one.tracks)
      .filter((stretch) => !stretch.anchors).map((stretch) => stretch.track));
  }

  // What of a doubt makes it this one; its distance is only why it is asked.
  function answerTo({kind, tracks, frame}) {
    return {kind, tracks, frame};
  }

  function isAnswered(doc, doubt) {
    const key = JSON.stringify(answerTo(doubt));
    return doc.answered.some((one) => JSON.stringify(answerTo(one)) === key);
  }

  function answer(doc, doubt) {
    return isAnswered(doc, doubt) ? doc
      : {...doc, answered: [...doc.answered, answerTo(doubt)].sort(byFrame)};
  }

  function byFrame(a, b) {
    return a.frame - b.frame || order(a.kind, b.kind) || a.tracks[0] - b.tracks[0] ||
      (a.tracks[1] || 0) - (b.tracks[1] || 0);
  }

  // A stretch as the page holds it. Of a track that is as it was when the file was saved, the
  // anchors are left out, and written anew. Of one that is another now, or gone, the anchors are
  // all that is known: they stay, under a number that no track has.
  function liveOrOld(clip) {
    const byId = avaflow.tracks.trackById(clip);
    let free = Math.max(0, ...clip.tracks.map((track) => track.id)) + 1;
    return ({track, from, to, anchors}, person) => {
      const there = byId.get(track);
      if (there && isAsThen(there, {from, to, anchors: anchors || []}, person, clip)) {
        return {track, from, to};
      }
      if (!there) {
        free = Math.max(free, track + 1);
        return {track, from, to, anchors: anchors || []};
      }
      return {track: free++, from, to, anchors: anchors || []};
    };
  }

  function isAsThen(track, {from, to, anchors}, person, clip) {
    const then = new Map(anchors.map(([frame, ...box]) => [frame, box]));
    const silent = new Set([...(person.removed || []), ...(person.boxes || []).map((b) => b.second)]);
    const size = [clip.width, clip.height, clip.width, clip.height];
    return clip.keyframes.every(({second, frame}) => {
      if (frame < from || frame > to) return true;
      const at = avaflow.tracks.indexOf(track.frames, frame);
      const now = track.frames[at] === frame ? track.boxes[at] : null;
      const before = then.get(frame);
      if (!now || !before) return Boolean(now) === Boolean(before) || silent.has(second);
      return now.every((value, n) => Math.abs(value - before[n]) * size[n] <= SAME_BOX_PX);
    });
  }

  function check(file, clip) {
    if (!file || file.format !== FORMAT) throw new Error('expected a file of format "' + FORMAT + '"');
    if (file.version !== VERSION) {
      throw new Error('expected version ' + VERSION + ', found ' + file.version);
    }
    if (file.clip !== clip.clip) {
      throw new Error('expected clip ' + clip.clip + ', found ' + file.clip);
    }
    if (!Array.isArray(file.persons)) throw new Error('expected a list of persons');
    return file;
  }

  // ---------------------------------------------------------------- stretches of time

  // All stretches are half-open [from, to), sorted and apart from one another.
  function without(stretches, from, to) {
    const rest = [];
    for (const [a, b] of stretches) {
      if (b <= from || a >= to) rest.push([a, b]);
      else {
        if (a < from) rest.push([a, from]);
        if (b > to) rest.push([to, b]);
      }
    }
    return rest;
  }

  function united(stretches) {
    const merged = [];
    for (const [a, b] of [...stretches].sort((one, other) => one[0] - other[0])) {
      const last = merged.at(-1);
      if (b <= a) continue;
      if (last && a <= last[1]) last[1] = Math.max(last[1], b);
      else merged.push([a, b]);
    }
    return merged;
  }

  function within(stretches, from, to) {
    return stretches.map(([a, b]) => [Math.max(a, from), Math.min(b, to)])
      .filter(([a, b]) => a < b);
  }

  // Whether [from, to) lies in one of them.
  function covers(stretches, from, to) {
    return stretches.some(([a, b]) => a <= from && to <= b);
  }

  // ---------------------------------------------------------------- spans of actions

  function isOf(span, attribute, option) {
    return span.attribute === attribute && (option === null || span.option === option);
  }

  function stretchesOf(spans, attribute, option) {
    return spans.filter((span) => isOf(span, attribute, option)).map((s) => [s.from, s.to]);
  }

  function cutSpans(spans, attribute, option, from, to) {
    const rest = [];
    for (const span of spans) {
      if (!isOf(span, attribute, option)) rest.push(span);
      else {
        for (const [a, b] of without([[span.from, span.to]], from, to)) {
          rest.push(a === span.from && b === span.to ? span : {...span, from: a, to: b});
        }
      }
    }
    return rest;
  }

  function spansWith(spans, attribute, option, from, to) {
    const rest = cutSpans(spans, attribute.name, attribute.choose === 'single' ? null : option,
                          from, to);
    return tidySpans([...rest, {attribute: attribute.name, option, from, to}]);
  }

  function order(a, b) {
    return a < b ? -1 : a > b ? 1 : 0;
  }

  // Sorted; stretches of one option that touch or overlap become one.
  function tidySpans(spans) {
    const groups = new Map();
    for (const span of spans) {
      const key = JSON.stringify([span.attribute, span.option]);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push([span.from, span.to]);
    }
    const tidied = [];
    for (const [key, stretches] of groups) {
      const [attribute, option] = JSON.parse(key);
      for (const [from, to] of united(stretches)) tidied.push({attribute, option, from, to});
    }
    return tidied.sort((a, b) => a.from - b.from || order(a.attribute, b.attribute) ||
      order(a.option, b.option));
  }

  // ---------------------------------------------------------------- persons

  function sorted(persons) {
    return [...persons].sort((a, b) => a.id - b.id);
  }

  function tidyStretches(tracks) {
    const merged = [];
    for (const one of [...tracks].sort((a, b) => a.from - b.from || a.track - b.track)) {
      const last = merged.at(-1);
      if (last && last.track === one.track && last.to + 1 === one.from) {
        merged[merged.length - 1] = {track: one.track, from: last.from, to: one.to,
                                     anchors: anchorsOf(last, one)};
        if (!merged.at(-1).anchors) delete merged.at(-1).anchors;
      } else merged.push(one);
    }
    return merged;
  }

  function anchorsOf(...stretches) {
    if (!stretches.every((one) => one.anchors)) return undefined;
    return stretches.flatMap((one) => one.anchors);
  }

  function tidy(one) {
    const to3 = (value) => rounded(value);
    return {
      id: one.id,
      kind: one.kind,
      tracks: tidyStretches(one.tracks),
      boxes: [...one.boxes].sort((a, b) => a.second - b.second),
      removed: [...new Set(one.removed)].sort((a, b) => a - b),
      spans: tidySpans(one.spans.map((s) => ({...s, from: to3(s.from), to: to3(s.to)}))),
      judged: united(one.judged.map(([a, b]) => [to3(a), to3(b)])),
    };
  }

  function find(doc, id) {
    return doc.persons.find((one) => one.id === id);
  }

  function nextId(doc) {
    return Math.max(0, ...doc.persons.map((one) => one.id)) + 1;
  }

  // The document with one person changed; the same document where nothing changes.
  function change(doc, id, edit) {
    const old = find(doc, id);
    if (!old) return doc;
    const made = {...old, ...edit(old)};
    if (JSON.stringify(made) === JSON.stringify(old)) return doc;
    return {...doc, persons: doc.persons.map((one) => (one === old ? made : one))};
  }

  function isEmpty(one) {
    return !one.tracks.length && !one.boxes.length;
  }

  // ---------------------------------------------------------------- edits of actions

  function setSpan(doc, id, attribute, option, from, to) {
    const [a, b] = [rounded(from), rounded(to)];
    if (!(a < b)) return doc;
    return change(doc, id, (one) => ({spans: spansWith(one.spans, attribute, option, a, b)}));
  }

  function clearSpan(doc, id, attribute, option, from, to) {
    const [a, b] = [rounded(from), rounded(to)];
    return change(doc, id, (one) => ({
      spans: tidySpans(cutSpans(one.spans, attribute.name, option, a, b)),
    }));
  }

  function isSet(one, attribute, option, at) {
    return one.spans.some((s) => isOf(s, attribute, option) && s.from <= at && at < s.to);
  }

  // An action's key at a moment: it begins here and goes on until this attribute changes, or
  // the person is last seen. Where it is set already, it ends here.
  function toggleFrom(doc, id, attribute, option, at, end) {
    const one = find(doc, id);
    if (!one) return doc;
    if (isSet(one, attribute.name, option, at)) {
      const span = one.spans.find((s) => isOf(s, attribute.name, option) && s.from <= at && at < s.to);
      return clearSpan(doc, id, attribute, option, at, span.to);
    }
    return setSpan(doc, id, attribute, option, at, changeAfter(one, attribute, option, at, end));
  }

  function changeAfter(one, attribute, option, at, end) {
    const any = attribute.choose === 'single' ? null : option;
    const bounds = one.spans.filter((s) => isOf(s, attribute.name, any))
      .flatMap((s) => [s.from, s.to]);
    return Math.min(end, ...bounds.filter((bound) => bound > at));
  }

  function toggleWhole(doc, id, attribute, option, from, to) {
    const one = find(doc, id);
    if (!one) return doc;
    const set = covers(stretchesOf(one.spans, attribute.name, option), from, to);
    return set ? clearSpan(doc, id, attribute, option, from, to)
      : setSpan(doc, id, attribute, option, from, to);
  }

  // For everybody given as {id, end}: set for those who lack it, or ended for all where nobody
  // lacks it.
  function toggleEverybody(doc, people, attribute, option, at) {
    const lacking = people.filter(({id}) => !isSet(find(doc, id), attribute.name, option, at));
    const turned = lacking.length ? lacking : people;
    return turned.reduce((made, {id, end}) => toggleFrom(made, id, attribute, option, at, end), doc);
  }

  // One end of a span is dragged elsewhere.
  function moveEnd(doc, id, attribute, span, end, to) {
    const at = rounded(to);
    const [from, until] = end === 'from' ? [at, span.to] : [span.from, at];
    if (!(from < until)) return doc;
    const cut = clearSpan(doc, id, attribute, span.option, span.from, span.to);
    return setSpan(cut, id, attribute, span.option, from, until);
  }

  // The spans of one person for another, over the time that both are seen.
  function copySpans(doc, from, to, attributes, sight) {
    const source = find(doc, from);
    if (!source || from === to || !find(doc, to)) return doc;
    const [a, b] = sight.map(rounded);
    return change(doc, to, (one) => {
      let spans = one.spans;
      for (const attribute of attributes) spans = cutSpans(spans, attribute.name, null, a, b);
      for (const span of source.spans) {
        const [[x, y] = [0, 0]] = within([[span.from, span.to]], a, b);
        if (x < y) spans = [...spans, {...span, from: x, to: y}];
      }
      return {spans: tidySpans(spans)};
    });
  }

  function judge(doc, id, from, to) {
    return change(doc, id, (one) => ({
      judged: united([...one.judged, [rounded(from), rounded(to)]]),
    }));
  }

  function unjudge(doc, id, from, to) {
    return change(doc, id, (one) => ({judged: without(one.judged, rounded(from), rounded(to))}));
  }

  function setKind(doc, id, kind) {
    return change(doc, id, () => ({kind}));
  }

  // ---------------------------------------------------------------- edits of boxes

  function roundedBox(box) {
    const inside = (v) => Math.min(1, Math.max(0, v));
    const [x1, y1, x2, y2] = box.map(inside);
    return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)]
      .map((v) => Number(v.toFixed(BOX_DECIMALS)));
  }

  function mend(doc, id, second, box) {
    return change(doc, id, (one) => ({
      boxes: [...one.boxes.filter((b) => b.second !== second), {second, box: roundedBox(box)}]
        .sort((a, b) => a.second - b.second),
      removed: one.removed.filter((s) => s !== second),
    }));
  }

  // The box that a hand made goes, and the track's own is back.
  function unmend(doc, id, second) {
    return change(doc, id, (one) => ({boxes: one.boxes.filter((b) => b.second !== second)}));
  }

  // Whose last box goes is nobody any more.
  function remove(doc, id, second) {
    const made = change(doc, id, (one) => ({
      boxes: one.boxes.filter((b) => b.second !== second),
      removed: [...new Set([...one.removed, second])].sort((a, b) => a - b),
    }));
    const left = find(made, id);
    if (!left || !isEmpty(left)) return made;
    return {...made, persons: made.persons.filter((one) => one !== left)};
  }

  function draw(doc, second, box) {
    const made = person(nextId(doc), []);
    made.boxes = [{second, box: roundedBox(box)}];
    return {...doc, persons: sorted([...doc.persons, made])};
  }

  // Boxes on the keyframes between two mended ones, on the line between them.
  function fill(doc, id, seconds, first, last) {
    return seconds.reduce((made, second) => {
      const share = (second - first.second) / (last.second - first.second);
      return mend(made, id, second, avaflow.tracks.between(first.box, last.box, share));
    }, doc);
  }

  // ---------------------------------------------------------------- edits of identities

  // What of a person lies before a frame, and what from it on.
  function halves(one, frame, clip) {
    const at = secondOf(frame, clip);
    const part = (from, to) => ({
      tracks: one.tracks.flatMap((s) => {
        const [a, b] = [Math.max(s.from, from), Math.min(s.to, to)];
        if (a > b) return [];
        if (a === s.from && b === s.to) return [s];
        const cut = {track: s.track, from: a, to: b};
        if (s.anchors) cut.anchors = s.anchors.filter(([f]) => a <= f && f <= b);
        return [cut];
      }),
    });
    const ends = Number.MAX_SAFE_INTEGER;
    const early = {
      ...one, ...part(0, frame - 1),
      boxes: one.boxes.filter((b) => b.second < at),
      removed: one.removed.filter((s) => s < at),
      spans: one.spans.filter((s) => s.from < at).map((s) => (s.to > at ? {...s, to: at} : s)),
      judged: within(one.judged, 0, at),
    };
    const late = {
      ...one, ...part(frame, ends),
      boxes: one.boxes.filter((b) => b.second >= at),
      removed: one.removed.filter((s) => s >= at),
      spans: one.spans.filter((s) => s.to > at).map((s) => (s.from < at ? {...s, from: at} : s)),
      judged: within(one.judged, at, ends),
    };
    return [early, late];
  }

  function put(doc, ...persons) {
    const ids = new Set(persons.map((one) => one.id));
    const others = doc.persons.filter((one) => !ids.has(one.id));
    return {...doc, persons: sorted([...others, ...persons.filter((one) => !isEmpty(one)).map(tidy)])};
  }

  // From this frame on it is somebody else, with a new id.
  function cut(doc, id, frame, clip) {
    const one = find(doc, id);
    if (!one) return doc;
    const [early, late] = halves(one, frame, clip);
    if (isEmpty(early) || isEmpty(late)) return doc;
    return put(doc, early, {...late, id: nextId(doc)});
  }

  // From this frame on each is the other. Spans go with the boxes they were seen on.
  function swap(doc, a, b, frame, clip) {
    const [one, other] = [find(doc, a), find(doc, b)];
    if (!one || !other || a === b) return doc;
    const [early, late] = halves(one, frame, clip);
    const [earlyOther, lateOther] = halves(other, frame, clip);
    if (isEmpty(late) && isEmpty(lateOther)) return doc;
    const first = together(early, lateOther);
    const second = together(earlyOther, late);
    // An empty half takes its person away: nobody may be lost to a swap before first sight.
    if (isEmpty(first) || isEmpty(second)) return doc;
    return put(doc, first, second);
  }

  function together(one, other) {
    return {
      ...one,
      tracks: [...one.tracks, ...other.tracks],
      boxes: [...one.boxes, ...other.boxes],
      removed: [...one.removed, ...other.removed],
      spans: [...one.spans, ...other.spans],
      judged: [...one.judged, ...other.judged],
    };
  }

  // Two are one and the same: the first keeps its id, and decides where both say something.
  function join(doc, a, b, clip, attributes) {
    const [one, other] = [find(doc, a), find(doc, b)];
    if (!one || !other || a === b) return doc;
    const mended = new Set(one.boxes.map((box) => box.second));
    const [seen, seenOther] = [one, other].map((p) => avaflow.tracks.view(p, clip).present);
    let spans = other.spans;
    for (const span of one.spans) {
      const attribute = attributes.find((known) => known.name === span.attribute) ||
        {name: span.attribute, choose: 'multiple'};
      spans = spansWith(spans, attribute, span.option, span.from, span.to);
    }
    const made = {
      ...one,
      tracks: apart(one.tracks, other.tracks, clip),
      boxes: [...one.boxes, ...other.boxes.filter((box) => !mended.has(box.second))],
      // What was removed of one stays only where the other is not seen.
      removed: [...one.removed.filter((s) => !seenOther.has(s)),
                ...other.removed.filter((s) => !seen.has(s))],
      spans,
      judged: [...one.judged, ...other.judged],
    };
    const rest = {...doc, persons: doc.persons.filter((p) => p.id !== b)};
    return put(rest, made);
  }

  // The stretches of two persons without a frame that both hold: the first has it.
  function apart(tracks, others, clip) {
    const overlap = tracks.some((s) => others.some((t) => s.from <= t.to && t.from <= s.to));
    if (!overlap) return [...tracks, ...others];
    const byId = avaflow.tracks.trackById(clip);
    const owner = new Map();
    for (const stretch of [...tracks, ...others]) {
      const frames = (byId.get(stretch.track) || {frames: []}).frames;
      for (const frame of frames) {
        const held = stretch.from <= frame && frame <= stretch.to;
        if (held && !owner.has(frame)) owner.set(frame, stretch.track);
      }
    }
    const runs = [];
    for (const frame of [...owner.keys()].sort((a, b) => a - b)) {
      const last = runs.at(-1);
      if (last && last.track === owner.get(frame)) last.to = frame;
      else runs.push({track: owner.get(frame), from: frame, to: frame});
    }
    const unknown = [...tracks, ...others].filter((s) => !byId.has(s.track));
    return [...runs, ...unknown, ...traces(runs, [...tracks, ...others], clip)];
  }

  // Of a track that has no frame of its own left, one frame stays the person's all the same: else
  // whoever opens the file would find the track without a person, and have it to judge again.
  // Within a stretch that began before, and off the keyframes, that frame changes nothing.
  function traces(runs, stretches, clip) {
    const byId = avaflow.tracks.trackById(clip);
    const keyframes = new Set(clip.keyframes.map((one) => one.frame));
    const kept = [];
    for (const {track, from, to} of stretches) {
      if (!byId.has(track) || [...runs, ...kept].some((one) => one.track === track)) continue;
      const frame = byId.get(track).frames.find((f) => from <= f && f <= to && !keyframes.has(f) &&
        runs.some((one) => one.from < f && f <= one.to));
      if (frame !== undefined) kept.push({track, from: frame, to: frame});
    }
    return kept;
  }

  // ---------------------------------------------------------------- going back

  // States of the document, oldest first. Nothing is ever forgotten but what was undone and
  // then done otherwise. Beside each lies what the step after it was.
  class History {
    constructor(state) {
      this.past = [];
      this.present = state;
      this.future = [];
    }
    apply(edit, step = {}) {
      const made = edit(this.present);
      if (made === this.present) return false;
      this.past.push({state: this.present, step});
      this.present = made;
      this.future = [];
      return true;
    }
    // The step that was taken back, or null.
    undo() {
      if (!this.past.length) return null;
      const {state, step} = this.past.pop();
      this.future.push({state: this.present, step});
      this.present = state;
      return step;
    }
    redo() {
      if (!this.future.length) return null;
      const {state, step} = this.future.pop();
      this.past.push({state: this.present, step});
      this.present = state;
      return step;
    }
  }

  // ---------------------------------------------------------------- the file

  // A number with a fraction as Python writes it, so that both sides write the same bytes.
  class Float {
    constructor(value) {
      this.value = value;
    }
    text() {
      const {value} = this;
      if (Number.isInteger(value)) return value.toFixed(1);
      if (Math.abs(value) < 1e-4) {
        return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
      }
      return String(value);
    }
  }

  // A part of the file that is text already.
  class Text {
    constructor(value) {
      this.value = value;
    }
    text() {
      return this.value;
    }
  }

  function written(value, indent) {
    const inner = indent + ' ';
    if (value instanceof Float || value instanceof Text) return value.text();
    if (value === null || typeof value !== 'object') return JSON.stringify(value);
    const list = Array.isArray(value);
    const parts = list ? value.map((one) => written(one, inner))
      : Object.keys(value).map((key) => JSON.stringify(key) + ': ' + written(value[key], inner));
    const [open, close] = list ? '[]' : '{}';
    if (!parts.length) return open + close;
    return open + '\n' + inner + parts.join(',\n' + inner) + '\n' + indent + close;
  }

  function anchors(stretch, clip) {
    const track = avaflow.tracks.trackById(clip).get(stretch.track);
    if (stretch.anchors || !track) return stretch.anchors || [];
    const found = [];
    for (const keyframe of clip.keyframes) {
      if (keyframe.frame < stretch.from || keyframe.frame > stretch.to) continue;
      const at = avaflow.tracks.indexOf(track.frames, keyframe.frame);
      if (track.frames[at] === keyframe.frame) found.push([keyframe.frame, ...track.boxes[at]]);
    }
    return found;
  }

  const anchorTexts = new WeakMap();
  // What stands before the anchors of a stretch, by the depth that they lie at.
  const ANCHOR_INDENT = '     ';

  // Anchors are nine tenths of a file and change with their stretch alone: written once each.
  function anchorText(stretch, clip) {
    const known = anchorTexts.get(stretch);
    if (known && known.clip === clip) return known.text;
    const rows = anchors(stretch, clip).map(([frame, ...box]) => [frame, ...coordinates(box)]);
    const text = new Text(written(rows, ANCHOR_INDENT));
    anchorTexts.set(stretch, {clip, text});
    return text;
  }

  // An answer to a suggestion, and the order of answers in the file.
  function toSuggestion({person, track, attribute, option, from, to, probability, head}) {
    return {person, track, attribute, option, from: new Float(rounded(from)),
            to: new Float(rounded(to)), probability: new Float(rounded(probability)), head};
  }

  function byPerson(a, b) {
    return a.person - b.person || a.from - b.from || order(a.attribute, b.attribute) ||
      order(a.option, b.option) || a.to - b.to || a.track - b.track || order(a.head, b.head) ||
      a.probability - b.probability;
  }

  function coordinates(box) {
    return box.map((v) => new Float(Number(v.toFixed(BOX_DECIMALS))));
  }

  // Those that can be chosen now, and what spans hold of earlier ones: nothing may be lost that
  // a config no longer names.
  function attributesOf(doc, clip) {
    const made = clip.attributes.map(({name, choose, options}) => ({
      name, choose, options: [...options],
    }));
    const earlier = (clip.finished && clip.finished.attributes) || [];
    for (const {attribute, option} of doc.persons.flatMap((one) => one.spans)) {
      let known = made.find((one) => one.name === attribute);
      if (!known) {
        const {choose} = earlier.find((one) => one.name === attribute) || {choose: 'multiple'};
        known = {name: attribute, choose, options: []};
        made.push(known);
      }
      if (!known.options.includes(option)) known.options.push(option);
    }
    return made;
  }

  // The text of the file. `about` holds what is no part of the work: annotator, saved,
  // seconds_worked.
  function serialise(doc, clip, about) {
    const second = (value) => new Float(rounded(value));
    const file = {
      format: FORMAT,
      version: VERSION,
      clip: clip.clip,
      annotator: about.annotator,
      saved: about.saved,
      seconds_worked: about.seconds_worked,
      video: {start: second(clip.start), fps: clip.fps, frames: clip.frames, width: clip.width,
              height: clip.height},
      attributes: attributesOf(doc, clip),
      persons: sorted(doc.persons).map((one) => ({
        id: one.id,
        kind: one.kind,
        tracks: one.tracks.map((s) => ({
          track: s.track,
          from: s.from,
          to: s.to,
          anchors: anchorText(s, clip),
        })),
        boxes: one.boxes.map((b) => ({second: b.second, box: coordinates(b.box)})),
        removed: one.removed,
        spans: tidySpans(one.spans).map((s) => ({
          attribute: s.attribute, option: s.option, from: second(s.from), to: second(s.to),
        })),
        judged: one.judged.map(([a, b]) => [second(a), second(b)]),
      })),
    };
    const answered = doc.answered || [];
    if (answered.length) file.answered = [...answered].sort(byFrame).map(answerTo);
    for (const kind of ['accepted', 'rejected']) {
      const list = doc[kind] || [];
      if (list.length) file[kind] = [...list].sort(byPerson).map(toSuggestion);
    }
    return written(file, '') + '\n';
  }

  avaflow.model = {
    blank, opened, check, find, setSpan, clearSpan, isSet, toggleFrom, toggleWhole,
    toggleEverybody, moveEnd, copySpans, judge, unjudge, setKind, mend, unmend, remove, draw,
    fill, cut, swap, join, isAnswered, answer, serialise, covers, united, within, without, stretchesOf, tidySpans, History,
    KINDS,
  };
})(window.avaflow = window.avaflow || {});
