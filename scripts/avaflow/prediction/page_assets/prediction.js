// A video with what is said of everybody in it: boxes over the image, bars, and a timeline.
(function (avaflow) {
  'use strict';
  const {times} = avaflow;

  const THEME = 'avaflow:theme';
  // Persons of a long video that are listed at once; who is seen longest comes first.
  const MOST_LISTED = 40;
  // Bars over the image by person: more would hide the others; the list beside it has all.
  const MOST_BARS = 5;
  // Seconds without a box after which it is not known where somebody was.
  const LONGEST_GAP_S = 1;
  // Lines of text that would fill the image, and the least size of text in pixels.
  const TEXT_SHARE = 28;
  const LEAST_TEXT = 12;
  const WORDS = {right: 'right', false: 'false', missed: 'missed'};
  const MARK_COLOURS = {right: '#2fc79a', false: '#f0a060', missed: '#56b4e9', true: '#a5aebb'};
  const DARK = '#10141a';
  const LIGHT = '#ffffff';

  const $ = (selector) => document.querySelector(selector);

  function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // Dark or light text, whichever is read better on a colour, by WCAG's luminance.
  function textOn(colour) {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? DARK : LIGHT;
  }

  // The whole second whose keyframe is nearest to a frame, of two the later.
  function nearestSecond(frame, fps) {
    return Math.floor((2 * (frame - 1) + fps) / (2 * fps));
  }

  // The place of the last entry whose first number is not above a value; -1 for none.
  function lastUpTo(entries, value) {
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (entries[middle][0] <= value) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  class Page {
    constructor(data) {
      this.data = data;
      this.names = new Map(data.actions);
      this.video = $('#video');
      this.boxes = true;
      this.everybody = false;
      for (const one of data.people) {
        one.told = new Map(one.said.map((entry) => [entry[0], entry]));
        one.colour = one.person ? data.colours[(one.person - 1) % data.colours.length]
          : data.nobody;
        one.title = one.person ? 'Person ' + one.person : 'Somebody';
        if (one.missed) one.title += ', not found';
      }
      this.changes = this.changesOfAll();
      $('#stage').style.setProperty('--aspect', data.width / data.height);
      this.video.src = data.video;
      $('#summary').textContent = data.told;
      for (const [id, name] of data.actions) {
        const option = element('option', '', name);
        option.value = id;
        $('#action').append(option);
      }
      $('#mark-field').hidden = $('#legend').hidden = !data.compared;
      for (const id of ['action', 'mark']) {
        $('#' + id).addEventListener('change', () => this.list());
      }
      $('#more').addEventListener('click', () => {
        this.everybody = true;
        this.list();
      });
      $('#theme').addEventListener('click', () => this.theme());
      $('#keys').addEventListener('click', () => $('#help').showModal());
      $('#people').addEventListener('click', (event) => this.click(event));
      document.addEventListener('keydown', (event) => this.key(event));
      for (const name of ['seeked', 'loadeddata', 'timeupdate', 'pause']) {
        this.video.addEventListener(name, () => this.show());
      }
      this.video.addEventListener('play', () => this.follow());
      window.addEventListener('resize', () => this.show());
      const kept = this.keptTheme();
      if (kept) document.documentElement.dataset.theme = kept;
      this.list();
      this.show();
    }

    // ---------------------------------------------------------------- time

    frame() {
      return times.frameAt(this.video.currentTime, this.data);
    }

    second() {
      return nearestSecond(this.frame(), this.data.fps);
    }

    goTo(frame) {
      const whole = Math.min(this.data.frames, Math.max(1, Math.round(frame)));
      this.video.currentTime = times.middleOf(whole, this.data);
    }

    follow() {
      if (this.video.paused || this.video.ended) return;
      this.show();
      requestAnimationFrame(() => this.follow());
    }

    // Seconds at which somebody begins or ends something, sorted.
    changesOfAll() {
      const found = new Set();
      for (const one of this.data.people) {
        for (const [begin, end] of this.spansOf(one).flatMap(([, spans]) => spans)) {
          found.add(begin).add(end + 1);
        }
      }
      return [...found].sort((one, other) => one - other);
    }

    // ---------------------------------------------------------------- who is where

    // A person's box on a frame, on the line between its neighbours; null where it is not known.
    boxOf(one, frame) {
      const at = lastUpTo(one.boxes, frame);
      if (at < 0) return null;
      const before = one.boxes[at];
      const after = one.boxes[at + 1];
      const scale = 1 / this.data.scale;
      if (before[0] === frame) return before.slice(1).map((side) => side * scale);
      if (!after || after[0] - before[0] > LONGEST_GAP_S * this.data.fps) return null;
      const share = (frame - before[0]) / (after[0] - before[0]);
      return before.slice(1).map((side, at) => (side + (after[at + 1] - side) * share) * scale);
    }

    inView(frame) {
      const second = nearestSecond(frame, this.data.fps);
      const found = [];
      for (const one of this.data.people) {
        const box = this.boxOf(one, frame);
        if (box) {
          const [, state, said] = one.told.get(second) || [second, 'followed', []];
          found.push({one, box, state, said});
        }
      }
      return found;
    }

    // ---------------------------------------------------------------- what is shown

    show() {
      const frame = this.frame();
      const seen = this.inView(frame);
      this.draw(seen);
      $('#clock').textContent = times.clock(this.video.currentTime);
      const share = this.video.currentTime * this.data.fps / this.data.frames;
      const lane = $('#people .lane');
      const cursor = $('#cursor');
      if (lane && cursor) cursor.style.left = lane.offsetLeft + lane.offsetWidth * share + 'px';
      const told = JSON.stringify(seen.map(({one, said, state}) => [one.person, one.missed, said, state]));
      if (told === this.told) return;
      this.told = told;
      $('#now').replaceChildren(...seen.map((each) => this.entry(each)));
    }

    entry({one, said, state}) {
      const made = element('li');
      made.style.borderLeftColor = one.colour;
      made.append(element('h3', '', one.title));
      if (!said.length) {
        const words = state === 'followed' ? 'not scored here' : 'nothing sure';
        made.append(element('span', 'soft', words));
      }
      for (const [action, score, mark] of said) {
        const row = element('div', 'said');
        row.append(element('span', '', this.names.get(action)));
        const value = [score === null ? '' : score.toFixed(2), WORDS[mark] || ''];
        row.append(element('span', mark in WORDS ? 'word-' + mark : '',
                           value.filter(Boolean).join(' ')));
        const share = element('div', 'share');
        const bar = element('span');
        bar.style.width = 100 * (score === null ? 0 : score) + '%';
        bar.style.background = one.colour;
        share.append(bar);
        row.append(share);
        made.append(row);
      }
      return made;
    }

    draw(seen) {
      const canvas = $('#overlay');
      const ratio = window.devicePixelRatio || 1;
      const width = canvas.clientWidth;
      const height = canvas.clientHeight;
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
      if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
      const pen = canvas.getContext('2d');
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      if (!this.boxes) return;
      const text = Math.max(LEAST_TEXT, height / TEXT_SHARE);
      pen.font = text + 'px system-ui, sans-serif';
      pen.textBaseline = 'middle';
      for (const {one, box, state} of seen) this.outline(pen, one, box, state, width, height);
      const taken = [];
      const front = [...seen].sort((a, b) => b.box[3] - a.box[3]);
      for (const each of front) this.panel(pen, each, text, width, height, taken);
    }

    outline(pen, one, [x1, y1, x2, y2], state, width, height) {
      const thick = state === 'acts' ? 3 : 1.5;
      pen.setLineDash(one.missed ? [8, 6] : state === 'followed' ? [3, 5] : []);
      for (const [colour, line] of [[DARK, thick + 2], [one.colour, thick]]) {
        pen.strokeStyle = colour;
        pen.lineWidth = line;
        pen.strokeRect(x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height);
      }
      pen.setLineDash([]);
    }

    panel(pen, {one, box, said}, text, width, height, taken) {
      const rows = said.slice(0, MOST_BARS);
      const row = text * 1.55;
      const pad = text * 0.35;
      const head = one.missed ? (one.person || '?') + ' not found' : String(one.person || '?');
      const values = rows.map(([, score, mark]) =>
        [score === null ? '' : score.toFixed(2), WORDS[mark] || ''].filter(Boolean).join(' '));
      const wide = Math.max(
        pen.measureText(head).width + 2 * pad,
        ...rows.map(([action], at) => pen.measureText(this.names.get(action)).width
          + pen.measureText(values[at]).width + 4 * pad));
      const high = text * 1.35 + rows.length * row;
      const place = this.freePlace(box, wide, high, width, height, taken);
      taken.push(place);
      const [left, top] = place;
      pen.fillStyle = 'rgba(16, 20, 26, 0.78)';
      if (rows.length) pen.fillRect(left, top + text * 1.35, wide, rows.length * row);
      pen.fillStyle = one.colour;
      pen.fillRect(left, top, pen.measureText(head).width + 2 * pad, text * 1.35);
      pen.fillStyle = textOn(one.colour);
      pen.fillText(head, left + pad, top + text * 0.7);
      rows.forEach(([action, score, mark], at) => {
        const y = top + text * 1.35 + at * row;
        pen.fillStyle = LIGHT;
        pen.fillText(this.names.get(action), left + pad, y + text * 0.68);
        pen.fillStyle = MARK_COLOURS[mark] || LIGHT;
        pen.fillText(values[at], left + wide - pad - pen.measureText(values[at]).width,
                     y + text * 0.68);
        this.bar(pen, left + pad, y + row - text * 0.28, wide - 2 * pad, text * 0.18,
                 score === null ? 1 : score, mark, one.colour);
      });
    }

    bar(pen, left, top, wide, high, share, mark, colour) {
      pen.fillStyle = '#3a434e';
      pen.fillRect(left, top, wide, high);
      pen.fillStyle = pen.strokeStyle = MARK_COLOURS[mark] || colour;
      if (mark === 'missed') {
        pen.lineWidth = 1;
        pen.strokeRect(left, top, wide, high);
      } else if (mark === 'false') {
        for (let x = 0; x < wide * share; x += 2 * high) {
          pen.fillRect(left + x, top, Math.min(high, wide * share - x), high);
        }
      } else {
        pen.fillRect(left, top, wide * share, high);
      }
    }

    // Above the box, beside it, below it or in it: where it hides the least of other words.
    freePlace([x1, y1, x2, y2], wide, high, width, height, taken) {
      const corners = [
        [x1 * width, y1 * height - high], [x2 * width - wide, y1 * height - high],
        [x2 * width, y1 * height], [x1 * width - wide, y1 * height],
        [x1 * width, y2 * height], [x1 * width, y1 * height],
        ...taken.flatMap(([, t, , h]) => [[x1 * width, t - high], [x1 * width, t + h]]),
      ];
      let best = null;
      corners.forEach(([x, y], rank) => {
        const left = Math.min(Math.max(0, x), Math.max(0, width - wide));
        const top = Math.min(Math.max(0, y), Math.max(0, height - high));
        const hidden = taken.reduce((sum, [l, t, w, h]) => sum
          + Math.max(0, Math.min(left + wide, l + w) - Math.max(left, l))
          * Math.max(0, Math.min(top + high, t + h) - Math.max(top, t)), 0);
        // Away from the own box nobody knows whose words these are.
        const away = Math.max(0, left - x2 * width, x1 * width - left - wide)
          + Math.max(0, top - y2 * height, y1 * height - top - high);
        const cost = hidden * 60 + rank + 100 * away
          + 20 * (Math.abs(left - x) + Math.abs(top - y));
        if (!best || cost < best[4]) best = [left, top, wide, high, cost];
      });
      return best;
    }

    // ---------------------------------------------------------------- timeline

    // Of a person by action and mark: stretches of seconds, both included.
    spansOf(one) {
      const found = new Map();
      for (const [second, , said] of one.said) {
        for (const [action, , mark] of said) {
          const key = action + ' ' + mark;
          if (!found.has(key)) found.set(key, []);
          const spans = found.get(key);
          const last = spans[spans.length - 1];
          if (last && last[1] === second - 1) last[1] = second; else spans.push([second, second]);
        }
      }
      return [...found].map(([key, spans]) => {
        const [action, mark] = key.split(' ');
        return [{action: Number(action), mark}, spans];
      });
    }

    list() {
      const action = Number($('#action').value);
      const mark = $('#mark').value;
      const rows = [];
      for (const one of this.data.people) {
        const spans = this.spansOf(one).filter(([kind]) =>
          (!action || kind.action === action) && (!mark || kind.mark === mark));
        if (spans.length || !(action || mark)) rows.push([one, spans]);
      }
      const shown = this.everybody ? rows : rows.slice(0, MOST_LISTED);
      $('#more').hidden = shown.length === rows.length;
      $('#nobody').hidden = rows.length > 0;
      const cursor = element('div');
      cursor.id = 'cursor';
      $('#people').replaceChildren(
        ...shown.map(([one, spans]) => this.personRow(one, spans)), ...(rows.length ? [cursor] : []));
      this.show();
    }

    personRow(one, spans) {
      const made = element('div', 'person');
      const button = element('button');
      button.type = 'button';
      const swatch = element('span', 'swatch');
      swatch.style.background = one.colour;
      button.append(swatch, one.title);
      button.dataset.frame = one.boxes.length ? one.boxes[0][0] : 1;
      button.title = 'Go to where this person is seen first';
      const present = element('div', 'lane present');
      for (const [begin, end] of this.presence(one)) {
        present.append(this.span('present', begin, end));
      }
      made.append(button, present);
      const byAction = new Map();
      for (const [kind, stretches] of spans) {
        if (!byAction.has(kind.action)) byAction.set(kind.action, []);
        byAction.get(kind.action).push([kind.mark, stretches]);
      }
      for (const [action, kinds] of [...byAction].sort((a, b) => a[0] - b[0])) {
        const lane = element('div', 'lane');
        lane.setAttribute('role', 'img');
        const told = [];
        for (const [mark, stretches] of kinds) {
          for (const [begin, end] of stretches) {
            const span = this.span(mark, begin * this.data.fps + 1 - this.data.fps / 2,
                                   end * this.data.fps + 1 + this.data.fps / 2);
            if (mark === 'predicted') span.style.background = one.colour;
            const words = (begin === end ? 'second ' + begin : 'seconds ' + begin + ' to ' + end)
              + (mark in WORDS ? ', ' + WORDS[mark] : '');
            span.title = this.names.get(action) + ', ' + words;
            told.push([begin, words]);
            lane.append(span);
          }
        }
        told.sort((a, b) => a[0] - b[0]);
        lane.setAttribute('aria-label', one.title + ', ' + this.names.get(action) + ': '
          + told.map(([, words]) => words).join('; '));
        made.append(element('div', 'name', this.names.get(action)), lane);
      }
      return made;
    }

    // Stretches of frames in which a person is seen.
    presence(one) {
      const found = [];
      for (const [frame] of one.boxes) {
        const last = found[found.length - 1];
        if (last && frame - last[1] <= LONGEST_GAP_S * this.data.fps) last[1] = frame;
        else found.push([frame, frame]);
      }
      return found;
    }

    span(name, begin, end) {
      const made = element('div', 'span ' + name);
      const share = (frame) => Math.min(1, Math.max(0, (frame - 1) / this.data.frames));
      made.style.left = 100 * share(begin) + '%';
      made.style.width = 100 * (share(end) - share(begin)) + '%';
      return made;
    }

    click(event) {
      const button = event.target.closest('button[data-frame]');
      if (button) {
        this.goTo(Number(button.dataset.frame));
        return;
      }
      const lane = event.target.closest('.lane');
      if (!lane) return;
      const place = lane.getBoundingClientRect();
      this.goTo((event.clientX - place.left) / place.width * this.data.frames + 1);
    }

    // ---------------------------------------------------------------- keys, theme

    key(event) {
      if (event.ctrlKey || event.altKey || event.metaKey || $('#help').open) return;
      const at = event.target;
      if (at.closest('select, input')) return;
      const steps = {ArrowLeft: -1, ArrowRight: 1};
      if (event.key in steps) {
        this.goTo(this.frame() + steps[event.key] * this.data.fps * (event.shiftKey ? 10 : 1));
      } else if (event.key === ',' || event.key === '.') {
        this.goTo(this.frame() + (event.key === '.' ? 1 : -1));
      } else if (event.key === ' ' && !at.closest('button, a')) {
        if (this.video.paused) this.video.play(); else this.video.pause();
      } else if (event.key === 'j' || event.key === 'k') {
        this.change(event.key === 'k');
      } else if (event.key === 'b') {
        this.boxes = !this.boxes;
        this.show();
      } else if (event.key === 't') {
        this.theme();
      } else if (event.key === '?') {
        $('#help').showModal();
      } else {
        return;
      }
      event.preventDefault();
    }

    change(on) {
      const now = this.second();
      const found = on ? this.changes.find((second) => second > now)
        : [...this.changes].reverse().find((second) => second < now);
      if (found !== undefined) this.goTo(found * this.data.fps + 1);
    }

    keptTheme() {
      try {
        return localStorage.getItem(THEME);
      } catch {
        return null;
      }
    }

    theme() {
      const root = document.documentElement;
      const now = root.dataset.theme
        || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
      root.dataset.theme = now === 'dark' ? 'light' : 'dark';
      try {
        localStorage.setItem(THEME, root.dataset.theme);
      } catch {
        // A page from the disk may have no storage: the theme is that of the page alone.
      }
    }
  }

  window.addEventListener('DOMContentLoaded', () => {
    avaflow.prediction = new Page(window.AVAFLOW_PREDICTION);
  });
})(window.avaflow = window.avaflow || {});
