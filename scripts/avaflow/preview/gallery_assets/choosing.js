// Which persons are shown, in which groups and in which order. Touches nothing of the page.
(function (avaflow) {
  'use strict';

  // What is known of a person, and how a group of such is called.
  const STATES = {
    acts: 'with an action',
    idle: 'judged, no action',
    unjudged: 'not judged',
    followed: 'not annotated yet',
  };

  // One entry a person and keyframe, in the order of clips and times.
  function items(data) {
    const found = [];
    for (const clip of data.clips) {
      for (const crop of clip.crops) {
        const [second, person, state, actions, box, score, image, x, y, width, height] = crop;
        found.push({
          clip, second, person, state, actions, box, score,
          image: clip.images[image], x, y, width, height,
          tall: Math.round((box[3] - box[1]) * clip.height),
        });
      }
    }
    return found;
  }

  function within(value, least, most) {
    if (least === null && most === null) return true;
    return value !== null && (least === null || value >= least) && (most === null || value <= most);
  }

  function fits(item, wanted) {
    return (!wanted.action || item.actions.includes(wanted.action)) &&
      (!wanted.state || item.state === wanted.state) &&
      (!wanted.split || item.clip.split === wanted.split) &&
      (!wanted.clip || item.clip.clip.toLowerCase().includes(wanted.clip)) &&
      (wanted.person === null || item.person === wanted.person) &&
      within(item.score, wanted.scoreLeast, wanted.scoreMost) &&
      within(item.tall, wanted.heightLeast, wanted.heightMost);
  }

  // Who has no score is last, whichever way it is sorted.
  function byScore(direction) {
    const of = (item) => (item.score === null ? Infinity : direction * item.score);
    return (a, b) => (of(a) === of(b) ? 0 : of(a) - of(b));
  }

  const ORDERS = {
    small: (a, b) => a.tall - b.tall,
    large: (a, b) => b.tall - a.tall,
    unsure: byScore(1),
    sure: byScore(-1),
  };

  function sorted(list, order) {
    return ORDERS[order] ? [...list].sort(ORDERS[order]) : list;
  }

  // What somebody who wants all of a group has to choose is its `only`.
  function groups(list, how, data, wanted) {
    const found = new Map();
    const put = (key, name, only, item) => {
      if (!found.has(key)) found.set(key, {key, name, only, items: []});
      found.get(key).items.push(item);
    };
    if (how === 'action') {
      for (const {id, name} of data.actions) {
        found.set('action ' + id, {key: 'action ' + id, name, only: {action: id}, items: []});
      }
    }
    for (const item of list) {
      if (how === 'action') {
        for (const id of item.actions) {
          if (!wanted.action || wanted.action === id) put('action ' + id, '', {}, item);
        }
        if (!item.actions.length) {
          put(item.state, STATES[item.state], {state: item.state}, item);
        }
      } else if (how === 'person') {
        const {clip} = item.clip;
        put(clip + ' ' + item.person, who(item) + ' of ' + clip,
            {clip, person: item.person}, item);
      } else if (how === 'clip') {
        put(item.clip.clip, item.clip.clip, {clip: item.clip.clip}, item);
      } else {
        put('all', 'All', {}, item);
      }
    }
    return [...found.values()].filter((group) => group.items.length);
  }

  function who(item) {
    return item.person ? 'Person ' + item.person : 'A person without a number';
  }

  function said(item, names) {
    return item.actions.length ? item.actions.map((id) => names.get(id)).join(', ')
      : STATES[item.state];
  }

  avaflow.choosing = {STATES, items, fits, sorted, groups, who, said};
})(window.avaflow = window.avaflow || {});
