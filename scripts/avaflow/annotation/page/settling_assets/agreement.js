// Asks what the annotators of a clip disagree on, one question at a time, and puts the answers into
// the clip's own file: saved by the server the page comes from, or downloaded.
(function () {
  'use strict';
  const {clips, loop} = window.AVAFLOW_AGREEMENT;
  // An answer holds from its keyframe until before the next.
  const SECONDS_EACH = 1;
  // So near to its keyframe the box is where the person was.
  const NEAR_SECONDS = 0.25;
  const PREFIX = 'avaflow:settled:';
  const by = (id) => document.getElementById(id);
  const meta = document.querySelector('meta[name="avaflow-token"]');
  const token = meta ? meta.content : '';
  const online = location.protocol.startsWith('http') && token !== '';

  // ---------------------------------------------------------------- the file

  // All stretches are half-open. What of them lies outside of a second.
  function outside(stretches, second) {
    return stretches.flatMap((one) => [
      {...one, to: Math.min(one.to, second)},
      {...one, from: Math.max(one.from, second + SECONDS_EACH)},
    ]).filter((one) => one.from < one.to);
  }

  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

  function tick(person, {second, attribute, option, single}, holds) {
    const of = (span) => span.attribute === attribute && (single && holds || span.option === option);
    const covers = person.spans.some((span) => span.attribute === attribute &&
      span.option === option && span.from <= second && second < span.to);
    if (covers === holds) return;
    person.spans = [...person.spans.filter((span) => !of(span)),
                    ...outside(person.spans.filter(of), second)];
    if (holds) person.spans.push({attribute, option, from: second, to: second + SECONDS_EACH});
    person.spans.sort((a, b) => a.from - b.from || order(a.attribute, b.attribute) ||
      order(a.option, b.option));
  }

  function judge(person, second, judged) {
    const rest = outside(person.judged.map(([from, to]) => ({from, to})), second);
    if (judged) rest.push({from: second, to: second + SECONDS_EACH});
    person.judged = [];
    for (const {from, to} of rest.sort((a, b) => a.from - b.from)) {
      const last = person.judged.at(-1);
      if (last && from <= last[1]) last[1] = Math.max(last[1], to);
      else person.judged.push([from, to]);
    }
  }

  const isJudged = (person, second) => person.judged.some(([a, b]) => a <= second && second < b);

  // The questions about one person on one keyframe belong together: `items` is all of them.
  function enter(person, items) {
    const {second} = items[0].question;
    const there = items.find((item) => !item.question.attribute);
    if (there) {
      person.removed = person.removed.filter((one) => one !== second);
      if (there.answer === false) {
        person.removed = [...person.removed, second].sort((a, b) => a - b);
      }
    }
    for (const item of items) {
      if (item !== there) tick(person, item.question, item.answer === true);
    }
    judge(person, second, items.every(isSettled));
  }

  // What a file that was saved before answers already.
  function readAnswers(person, items) {
    const {second} = items[0].question;
    const there = items.find((item) => !item.question.attribute);
    if (there && person.removed.includes(second)) {
      there.answer = false;
      return;
    }
    if (!isJudged(person, second)) return;
    for (const item of items) {
      const {attribute, option} = item.question;
      item.answer = !attribute || person.spans.some((span) => span.attribute === attribute &&
        span.option === option && span.from <= second && second < span.to);
    }
  }

  // ---------------------------------------------------------------- questions and answers

  const items = [];
  const places = clips.map((entry) => {
    const place = {entry, file: structuredClone(entry.draft), groups: new Map(),
                   waiting: Promise.resolve(), trouble: '', saved: false};
    for (const question of entry.questions) {
      const key = question.person + ':' + question.second;
      if (!place.groups.has(key)) place.groups.set(key, []);
      const item = {place, question, group: place.groups.get(key), answer: null};
      item.group.push(item);
      items.push(item);
    }
    return place;
  });
  let current = 0;

  // Whoever is not there does nothing: what was asked of them is answered.
  function isSettled(item) {
    return item.answer !== null ||
      item.group.some((other) => !other.question.attribute && other.answer === false);
  }

  function personOf(place, item) {
    return place.file.persons.find((one) => one.id === item.question.person);
  }

  function answer(item, value) {
    item.answer = value;
    const {attribute, single} = item.question;
    if (value && attribute && single) {
      for (const other of item.group) {
        if (other !== item && other.question.attribute === attribute) other.answer = false;
      }
    }
    enter(personOf(item.place, item), item.group);
    item.place.saved = false;
    keep(item.place);
    if (online) save(item.place);
    if (value === null) {
      show();
      return;
    }
    const open = items.findIndex((one, at) => at > current && !isSettled(one));
    go(open >= 0 ? open : items.findIndex((one) => !isSettled(one)));
  }

  // ---------------------------------------------------------------- keeping and saving

  // Answers are kept under what was asked: other annotations ask other questions.
  function keyOf(place) {
    const {clip, questions} = place.entry;
    let hash = 0x811c9dc5;
    for (const character of JSON.stringify([clip, questions])) {
      hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193) >>> 0;
    }
    return PREFIX + clip + ':' + hash.toString(16);
  }

  const itemsOf = (place) => items.filter((item) => item.place === place);

  function keep(place) {
    try {
      localStorage.setItem(keyOf(place), JSON.stringify(itemsOf(place).map((one) => one.answer)));
    } catch {
      // A browser that keeps nothing still saves or downloads.
    }
  }

  function recall(place) {
    let answers = null;
    try {
      answers = JSON.parse(localStorage.getItem(keyOf(place)));
    } catch {
      return;
    }
    if (!Array.isArray(answers)) return;
    itemsOf(place).forEach((item, at) => {
      if (!isSettled(item) && typeof answers[at] === 'boolean') item.answer = answers[at];
    });
    for (const group of place.groups.values()) {
      if (group.some((item) => item.answer !== null)) enter(personOf(place, group[0]), group);
    }
  }

  const address = (place) => 'api/annotations/' + encodeURIComponent(place.entry.clip);

  async function open(place) {
    if (!online) {
      recall(place);
      return;
    }
    try {
      const found = await fetch(address(place), {headers: {'X-Avaflow-Token': token}});
      if (found.ok) {
        place.file = await found.json();
        const known = new Set(place.file.persons.map((one) => one.id));
        if (itemsOf(place).some((item) => !known.has(item.question.person))) {
          place.trouble = 'annotations/' + place.entry.clip + '.json was not settled from these ' +
            'annotations. Move it away and open this page anew, to settle from the beginning.';
          return;
        }
        place.saved = true;
        for (const group of place.groups.values()) readAnswers(personOf(place, group[0]), group);
      } else if (found.status !== 404) place.trouble = (await found.json()).error;
    } catch {
      place.trouble = 'The server does not answer.';
    }
    if (!place.trouble) recall(place);
  }

  function textOf(place) {
    const file = {...place.file, annotator: '',
                  saved: new Date().toISOString().replace(/\.\d+Z$/, 'Z')};
    return JSON.stringify(file, null, 1) + '\n';
  }

  // One after the other. The server knows what this window read and wrote, and saves nothing over
  // what somebody else wrote since.
  function save(place) {
    place.waiting = place.waiting.then(async () => {
      try {
        const told = await fetch(address(place), {
          method: 'PUT', body: textOf(place), headers: {'X-Avaflow-Token': token},
        });
        place.trouble = told.ok ? '' : 'Not saved: ' + (await told.json()).error;
        place.saved = told.ok;
      } catch {
        place.trouble = 'Not saved: the server does not answer.';
      }
      show();
    });
    return place.waiting;
  }

  function download(place) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([textOf(place)], {type: 'application/json'}));
    link.download = place.entry.clip + '.json';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    place.saved = true;
    show();
  }

  // ---------------------------------------------------------------- showing

  const video = by('video');

  function made(name, text, parent) {
    const element = document.createElement(name);
    element.textContent = text;
    if (parent) parent.append(element);
    return element;
  }

  function asked({attribute, option}) {
    return attribute ? attribute + ': ' + option + '?' : 'Is there a person in this box?';
  }

  function stateOf(item) {
    if (item.answer === null) return isSettled(item) ? 'nobody there' : 'open';
    return item.answer ? 'yes' : 'no';
  }

  function show() {
    const item = items[current];
    const done = items.filter(isSettled).length;
    by('progress').textContent = done + ' of ' + items.length + ' settled';
    by('bar').max = items.length || 1;
    by('bar').value = items.length ? done : 1;
    by('troubles').replaceChildren(...places.filter((place) => place.trouble)
      .map((place) => made('p', place.entry.clip + ': ' + place.trouble)));
    by('work').hidden = !item;
    if (item) {
      const {question, place} = item;
      by('where').textContent = place.entry.clip + ', second ' + question.second +
        ', person ' + question.person;
      by('question').textContent = asked(question);
      by('votes').replaceChildren(...Object.entries(question.votes).map(([name, yes]) => {
        const row = made('li', '');
        made('b', name, row);
        made('span', yes ? ' yes' : ' no', row);
        return row;
      }));
      by('state').textContent = 'Answer: ' + stateOf(item);
      for (const id of ['yes', 'no']) by(id).disabled = unusable(place);
    }
    by('list').querySelectorAll('button').forEach((button, at) => {
      button.dataset.state = stateOf(items[at]);
      button.querySelector('span').textContent = stateOf(items[at]);
      button.setAttribute('aria-current', String(at === current));
    });
    places.forEach((place, at) => {
      const row = by('clips').rows[at];
      const own = itemsOf(place);
      row.cells[1].textContent = own.filter(isSettled).length + ' of ' + own.length;
      row.cells[2].textContent = place.saved ? (online ? 'saved' : 'downloaded') : '';
      row.querySelector('button').disabled = unusable(place);
    });
  }

  // A clip whose file could not be read is not written over.
  function unusable(place) {
    return place.trouble !== '' && !place.trouble.startsWith('Not saved');
  }

  function go(at) {
    if (at >= 0 && at < items.length) {
      const changed = at !== current || !video.getAttribute('src');
      current = at;
      if (changed) play(items[at]);
    }
    show();
    const chosen = by('list').querySelectorAll('button')[current];
    if (chosen) chosen.scrollIntoView({block: 'nearest'});
  }

  let range = null;

  function play({place, question}) {
    const facts = place.entry.draft.video;
    const end = facts.frames / facts.fps;
    range = {from: Math.max(0, question.second - loop), to: Math.min(end, question.second + loop),
             at: question.second};
    const [x1, y1, x2, y2] = question.box;
    const percent = (value) => 100 * value + '%';
    Object.assign(by('box').style, {left: percent(x1), top: percent(y1),
                                    width: percent(x2 - x1), height: percent(y2 - y1)});
    const stage = by('stage');
    stage.style.aspectRatio = facts.width + ' / ' + facts.height;
    stage.style.maxWidth = 'calc(70vh * ' + facts.width / facts.height + ')';
    video.src = place.entry.video + '#t=' + range.from + ',' + range.to;
    video.play().catch(() => {});
  }

  function again() {
    video.currentTime = range.from;
    video.play().catch(() => {});
  }

  function watch() {
    if (range) {
      const near = Math.abs(video.currentTime - range.at) <= NEAR_SECONDS;
      by('box').classList.toggle('near', near);
      // A browser stops by itself at the end of a media fragment, others run on.
      if (video.currentTime >= range.to - 0.02) again();
    }
    requestAnimationFrame(watch);
  }

  video.addEventListener('error', () => {
    by('state').textContent = 'The video cannot be played here: ' + video.getAttribute('src');
  });

  function toggle() {
    if (video.paused) video.play().catch(() => {});
    else video.pause();
  }

  const settle = (value) => () => {
    const item = items[current];
    if (item && !unusable(item.place)) answer(item, value);
  };
  const actions = {
    y: settle(true), n: settle(false), u: settle(null), ' ': toggle,
    ArrowRight: () => go(current + 1), ArrowLeft: () => go(current - 1),
  };

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    // On a button the space bar presses it.
    if (!action || (event.key === ' ' && event.target.closest('button'))) return;
    event.preventDefault();
    action();
  });
  by('yes').addEventListener('click', actions.y);
  by('no').addEventListener('click', actions.n);

  items.forEach((item, at) => {
    const row = made('li', '', by('list'));
    const {question, place} = item;
    const button = made('button', place.entry.clip + ', ' + question.second + ' s, person ' +
      question.person + ': ' + (question.attribute ? question.option : 'there?') + ' ', row);
    button.type = 'button';
    made('span', '', button);
    button.addEventListener('click', () => go(at));
  });
  for (const place of places) {
    const row = by('clips').insertRow();
    for (const text of [place.entry.clip, '', '', '']) made('td', text, row);
    const button = made('button', online ? 'Save' : 'Download', row.cells[3]);
    button.type = 'button';
    button.addEventListener('click', () => (online ? save(place) : download(place)));
  }

  Promise.all(places.map(open)).then(() => {
    document.body.dataset.ready = 'yes';
    const first = items.findIndex((item) => !isSettled(item));
    go(first >= 0 ? first : 0);
    watch();
  });
})();
