// What the workflow suggests of each track, from the script beside the page, if there is one:
// ghosts of spans. They count for nothing until somebody accepts them.
(function (avaflow) {
  'use strict';
  const {times, tracks, model} = avaflow;

  const FORMAT = 'avaflow suggestions';
  const VERSION = 1;

  // Spans by track; null where nothing is suggested of this clip.
  function read(told, clip) {
    if (!told || told.format !== FORMAT || told.version !== VERSION) return null;
    if (told.clip !== clip.clip) return null;
    const spans = new Map(told.persons.map((one) => [one.track, one.spans]));
    return spans.size ? {spans, head: told.head} : null;
  }

  // What of a stretch of time nobody has decided on yet: neither judged, nor said, nor answered.
  function left(doc, person, track, attribute, span, times) {
    const {option} = span;
    const said = person.spans.filter((one) => one.attribute === attribute.name &&
      (attribute.choose === 'single' || one.option === option)).map((one) => [one.from, one.to]);
    const answers = [...doc.accepted, ...doc.rejected].filter((one) => one.track === track &&
      one.attribute === attribute.name && one.option === option).map((one) => [one.from, one.to]);
    let open = [times];
    for (const [from, to] of [...person.judged, ...said, ...answers]) {
      open = model.without(open, from, to);
    }
    return open;
  }

  const known = new WeakMap();

  // The ghosts of a person, by their beginning. A ghost shows the person on a keyframe.
  function ghosts(doc, person, clip, given) {
    if (!given || !person || person.kind !== 'person') return [];
    const before = known.get(person);
    if (before && before.accepted === doc.accepted && before.rejected === doc.rejected) {
      return before.found;
    }
    const seconds = [...tracks.view(person, clip).present.keys()];
    const found = [];
    for (const stretch of person.tracks) {
      // Of a track that is another now nothing is suggested.
      if (stretch.anchors) continue;
      const begins = times.secondOf(stretch.from, clip);
      const ends = times.endOf(stretch.to, clip);
      for (const span of given.spans.get(stretch.track) || []) {
        const attribute = clip.attributes.find((one) => one.name === span.attribute);
        if (!attribute || !attribute.options.includes(span.option)) continue;
        const within = [Math.max(span.from, begins), Math.min(span.to, ends)];
        if (within[0] >= within[1]) continue;
        for (const [from, to] of left(doc, person, stretch.track, attribute, span, within)) {
          if (!seconds.some((second) => from <= second && second < to)) continue;
          found.push({attribute, option: span.option, track: stretch.track, from: times.rounded(from),
                      to: times.rounded(to), probability: span.probability, sure: span.sure});
        }
      }
    }
    found.sort((a, b) => a.from - b.from || b.probability - a.probability);
    known.set(person, {accepted: doc.accepted, rejected: doc.rejected, found});
    return found;
  }

  function answerOf(person, ghost, given) {
    return {person: person.id, track: ghost.track, attribute: ghost.attribute.name,
            option: ghost.option, from: ghost.from, to: ghost.to,
            probability: ghost.probability, head: given.head};
  }

  // Ghosts of a person become spans, and the file remembers that they were accepted.
  function accept(doc, id, list, given) {
    const person = model.find(doc, id);
    if (!person || !list.length) return doc;
    let made = doc;
    for (const {attribute, option, from, to} of list) {
      made = model.setSpan(made, id, attribute, option, from, to);
    }
    return {...made, accepted: [...made.accepted, ...list.map((one) => answerOf(person, one, given))]};
  }

  function reject(doc, id, ghost, given) {
    const person = model.find(doc, id);
    return person ? {...doc, rejected: [...doc.rejected, answerOf(person, ghost, given)]} : doc;
  }

  function same(one, other) {
    return Boolean(one && other) && one.track === other.track && one.from === other.from &&
      one.option === other.option && one.attribute === other.attribute;
  }

  function percent(ghost) {
    // Rounded down: 99.6 in 100 is not certain.
    return Math.floor(100 * ghost.probability) + ' %';
  }

  avaflow.suggestions = {read, ghosts, accept, reject, same, percent};
})(window.avaflow = window.avaflow || {});
