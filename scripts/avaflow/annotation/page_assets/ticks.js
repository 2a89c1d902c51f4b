// From spans to ticks on keyframes: the rule by which labels are read from the file.
(function (avaflow) {
  'use strict';

  function isJudged(person, second) {
    return person.judged.some(([from, to]) => from <= second && second < to);
  }

  // The options that hold at a second, in the order of the attributes.
  function optionsAt(person, second, attributes) {
    const found = [];
    for (const attribute of attributes) {
      for (const option of attribute.options) {
        if (avaflow.model.isSet(person, attribute.name, option, second)) {
          found.push({attribute: attribute.name, option});
        }
      }
    }
    return found;
  }

  // What the file says: rows of labels, boxes that nobody judged, keyframes judged without a
  // single tick, keyframes on which nobody was judged.
  function labels(doc, clip) {
    const made = {rows: [], unticked: [], nobody: [], excluded: []};
    const people = doc.persons.filter((one) => one.kind !== 'not a person')
      .map((one) => [one, avaflow.tracks.view(one, clip).present]);
    for (const {second} of clip.keyframes) {
      let judged = 0;
      let rows = 0;
      for (const [one, present] of people) {
        const seen = present.get(second);
        if (!seen) continue;
        if (one.kind === 'ignored' || !isJudged(one, second)) {
          made.unticked.push({second, person: one.id, box: seen.box});
          continue;
        }
        judged += 1;
        for (const {attribute, option} of optionsAt(one, second, clip.attributes)) {
          rows += 1;
          made.rows.push({second, person: one.id, box: seen.box, attribute, option});
        }
      }
      if (!judged) made.excluded.push(second);
      else if (!rows) made.nobody.push(second);
    }
    return made;
  }

  const counted = new WeakMap();

  // Of one person: keyframes to judge, judged ones, ticks on them.
  function countsOf(person, clip) {
    const known = counted.get(person);
    if (known) return known;
    const made = {toJudge: 0, judged: 0, ticks: 0};
    if (person.kind === 'person') {
      for (const second of avaflow.tracks.view(person, clip).present.keys()) {
        made.toJudge += 1;
        if (!isJudged(person, second)) continue;
        made.judged += 1;
        made.ticks += optionsAt(person, second, clip.attributes).length;
      }
    }
    counted.set(person, made);
    return made;
  }

  function counts(doc, clip) {
    const made = {toJudge: 0, judged: 0, ticks: 0};
    for (const one of doc.persons) {
      const own = countsOf(one, clip);
      for (const key of Object.keys(made)) made[key] += own[key];
    }
    return made;
  }

  avaflow.ticks = {isJudged, optionsAt, labels, countsOf, counts};
})(window.avaflow = window.avaflow || {});
