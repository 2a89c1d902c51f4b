// Label checks: one loop after another, and a key for each to keep the label or to mend it.
(function (avaflow) {
  'use strict';

  const THEME = 'avaflow:theme';
  const KINDS = {
    tick: 'a tick', shift: 'a clip at other seconds', swap: 'persons changed for one another',
    looks: 'tracks that change persons', count: 'a clip unlike the others',
  };
  const FIELDS = ['kind', 'action', 'clip'];

  const $ = (selector) => document.querySelector(selector);

  function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function option(value, text) {
    const made = element('option', '', text);
    made.value = value;
    return made;
  }

  const seconds = (check) => (check.first === check.last
    ? 'second ' + check.first : 'seconds ' + check.first + ' to ' + check.last);
  const persons = (check) => check.persons.map((one) => one.id).join(' and ');
  const who = (check) => (check.whole ? 'the clip'
    : 'person' + (check.persons.length > 1 ? 's ' : ' ') + persons(check));

  // What is kept: in the file that the run read, in this browser, and, by the server, saved at once.
  class Kept {
    constructor(data) {
      this.data = data;
      this.place = 'avaflow:kept-checks:' + location.pathname.replace(/^\/[\w-]{20,}\//, '/');
      this.saved = new Map(data.kept.map((one) => [one.key, one]));
      this.own = new Map();
      const token = $('meta[name="avaflow-token"]');
      this.token = token ? token.content : '';
      this.trouble = '';
      try {
        const found = JSON.parse(localStorage.getItem(this.place) || '[]');
        for (const one of found) if (typeof one.key === 'string') this.own.set(one.key, one);
      } catch {
        this.trouble = 'This browser keeps nothing: save the file before you leave.';
      }
    }

    has(check) {
      return this.own.has(check.key);
    }

    async change(check, keep) {
      const entry = {
        key: check.key, clip: check.clip,
        told: [check.kind, seconds(check), who(check), check.labelled].join(', '),
      };
      if (keep) this.own.set(check.key, entry);
      else this.own.delete(check.key);
      this.store();
      if (this.token) await this.send({keep: keep ? [entry] : [], drop: keep ? [] : [check.key]});
    }

    store() {
      try {
        localStorage.setItem(this.place, JSON.stringify([...this.own.values()]));
      } catch {
        this.trouble = 'This browser keeps nothing: save the file before you leave.';
      }
    }

    async send(change) {
      try {
        const answer = await fetch('api/kept', {
          method: 'POST', body: JSON.stringify(change), headers: {'X-Avaflow-Token': this.token},
        });
        this.trouble = answer.ok ? '' : (await answer.json()).error;
      } catch {
        this.trouble = 'The server does not answer: what you keep stays in this browser, save the file.';
      }
    }

    // As Python writes it, so that the same content gives the same bytes.
    text() {
      const all = new Map([...this.saved, ...this.own]);
      const kept = [...all.keys()].sort().map((key) => {
        const {clip, told} = all.get(key);
        return {key, clip, told};
      });
      const {format, version} = this.data;
      return JSON.stringify({format, version, kept}, null, 1) + '\n';
    }
  }

  class Checks {
    constructor(data) {
      this.data = data;
      this.kept = new Kept(data);
      this.undo = [];
      this.source = '';
      this.still = matchMedia('(prefers-reduced-motion: reduce)').matches;
      for (const note of data.notes) $('#notes').append(element('p', 'note', note));
      if (data.left) {
        $('#notes').append(element('p', 'note', data.left.toLocaleString('en') +
          ' more checks are in checks.csv: keep or mend these first, and run again.'));
      }
      this.offer();
      $('#filters').addEventListener('input', () => this.show());
      $('#filters').addEventListener('submit', (event) => event.preventDefault());
      $('#filters').addEventListener('reset', () => setTimeout(() => this.show()));
      $('#list').addEventListener('click', (event) => {
        const button = event.target.closest('button');
        if (button) this.go(this.shown.indexOf(button.check));
      });
      $('#keep').addEventListener('click', () => this.keep());
      $('#before').addEventListener('click', () => this.step(-1));
      $('#next').addEventListener('click', () => this.step(1));
      $('#save').addEventListener('click', () => this.save());
      $('#ask').addEventListener('click', () => $('#help').showModal());
      $('#close').addEventListener('click', () => $('#help').close());
      document.addEventListener('keydown', (event) => this.keydown(event));
      $('#video').addEventListener('error', () => {
        $('#where').textContent = 'The video is not where it was made: expected ' +
          decodeURIComponent(this.source) + ' beside this folder.';
      });
      this.show();
      const draw = () => {
        this.draw();
        requestAnimationFrame(draw);
      };
      draw();
    }

    // ---------------------------------------------------------------- what is listed

    offer() {
      const {checks} = this.data;
      const counted = (of) => {
        const counts = new Map();
        for (const check of checks) counts.set(of(check), (counts.get(of(check)) || 0) + 1);
        counts.delete('');
        return counts;
      };
      for (const [kind, count] of counted((one) => one.kind)) {
        $('#kind').append(option(kind, KINDS[kind] + ' (' + count + ')'));
      }
      for (const field of ['action', 'clip']) {
        const counts = counted((one) => one[field]);
        for (const name of [...counts.keys()].sort()) {
          $('#' + field).append(option(name, name + ' (' + counts.get(name) + ')'));
        }
      }
    }

    fits(check) {
      return FIELDS.every((field) => !$('#' + field).value || check[field] === $('#' + field).value);
    }

    show(wanted) {
      const before = wanted || this.check;
      const own = this.data.checks.filter((check) => this.fits(check));
      this.shown = own.filter((check) => $('#done').checked || !this.kept.has(check));
      $('#list').replaceChildren(...this.shown.map((check) => this.row(check)));
      const kept = own.filter((check) => this.kept.has(check)).length;
      $('#progress').textContent = kept.toLocaleString('en') + ' of ' +
        own.length.toLocaleString('en') + ' kept';
      $('#bar').max = Math.max(1, own.length);
      $('#bar').value = kept;
      this.go(Math.max(0, this.shown.indexOf(before)));
    }

    row(check) {
      const entry = element('li');
      const button = element('button', this.kept.has(check) ? 'kept' : '');
      button.type = 'button';
      button.check = check;
      const told = element('span', 'what', check.kind !== 'tick'
        ? KINDS[check.kind] : check.labelled + ' → ' + check.predicted);
      const place = element('span', 'place', check.clip + ', ' + seconds(check) +
        (check.whole ? '' : ', ' + who(check)));
      button.append(element('span', 'score', check.score.toFixed(2)), told, place);
      entry.append(button);
      return entry;
    }

    // ---------------------------------------------------------------- one of them

    go(at) {
      const check = this.shown[at];
      const same = check === this.check;
      this.at = at;
      this.check = check;
      $('#looking').hidden = !check;
      $('#none').hidden = Boolean(check);
      for (const button of document.querySelectorAll('#list button')) {
        const own = button.check === check;
        if (own) button.setAttribute('aria-current', 'true');
        else button.removeAttribute('aria-current');
        if (own) button.scrollIntoView({block: 'nearest'});
      }
      if (!check) {
        $('#none').textContent = this.data.checks.length
          ? 'Nothing is left to look at here.' : 'Nothing to look at.';
        $('#video').pause();
        return;
      }
      this.tell(check);
      if (!same) this.load(check);
    }

    tell(check) {
      $('#title').textContent = check.whole ? check.clip + ': ' + KINDS[check.kind]
        : who(check) + ': ' + (check.persons.length > 1 ? KINDS[check.kind]
          : 'labelled ' + check.labelled + ', looks like ' + check.predicted);
      $('#reason').textContent = check.reason;
      $('#where').textContent = check.clip + ', ' + seconds(check) + '; the loop is around second ' +
        check.look + '. How likely a fault is there: ' + check.score.toFixed(2);
      const [first] = check.persons;
      const person = first ? '&person=' + first.id : '';
      $('#mend').href = this.data.clips[check.clip].page + '#second=' + check.look + person;
      $('#keep').setAttribute('aria-pressed', String(this.kept.has(check)));
      $('#before').disabled = this.at === 0;
      $('#next').disabled = this.at === this.shown.length - 1;
      if (this.kept.trouble) $('#where').textContent = this.kept.trouble;
      $('#strips').replaceChildren(...check.persons.map((one) => this.strip(check, one)));
      $('#marks').replaceChildren(...check.persons.map((one) => {
        const mark = element('div', 'mark');
        mark.style.borderColor = one.colour;
        mark.append(element('span', '', String(one.id)));
        mark.firstChild.style.background = one.colour;
        mark.course = one.boxes;
        return mark;
      }));
    }

    strip(check, person) {
      const table = element('table');
      table.append(element('caption', '', 'Person ' + person.id));
      const rows = [['second'], ['labelled'], ['looks like']];
      for (const one of person.strip) rows.forEach((row, at) => row.push(String(one[at])));
      rows.forEach((row, at) => {
        const line = element('tr');
        row.forEach((text, column) => {
          const cell = element(at === 0 || column === 0 ? 'th' : 'td', '', text);
          if (at === 0 || column === 0) cell.scope = at === 0 ? 'col' : 'row';
          if (column > 0) {
            const [second, , , agree] = person.strip[column - 1];
            if (!agree && at > 0) cell.className = 'apart';
            if (second === check.look) cell.classList.add('look');
          }
          line.append(cell);
        });
        table.append(line);
      });
      return table;
    }

    // ---------------------------------------------------------------- its loop

    load(check) {
      const film = this.data.clips[check.clip];
      const video = $('#video');
      $('#stage').style.aspectRatio = film.width + ' / ' + film.height;
      const begin = () => {
        video.currentTime = this.still ? check.look : check.begin;
        // A browser may not play before somebody touched the page.
        if (!this.still) video.play().catch(() => {});
      };
      if (this.source !== film.video) {
        this.source = film.video;
        video.src = film.video;
      }
      video.onloadedmetadata = begin;
      if (video.readyState > 0) begin();
    }

    draw() {
      const {check} = this;
      const video = $('#video');
      if (!check) return;
      if (video.ended || video.currentTime >= check.end) {
        video.currentTime = check.begin;
        if (video.ended && !this.still) video.play().catch(() => {});
      }
      for (const mark of $('#marks').children) {
        const box = between(mark.course, video.currentTime);
        mark.hidden = !box;
        if (!box) continue;
        const [x1, y1, x2, y2] = box;
        Object.assign(mark.style, {
          left: 100 * x1 + '%', top: 100 * y1 + '%',
          width: 100 * (x2 - x1) + '%', height: 100 * (y2 - y1) + '%',
        });
      }
    }

    // ---------------------------------------------------------------- what is done

    step(steps) {
      const at = this.at + steps;
      if (at >= 0 && at < this.shown.length) this.go(at);
    }

    async keep() {
      const {check, at} = this;
      if (!check) return;
      const keep = !this.kept.has(check);
      const next = this.shown[at + 1] || this.shown[at - 1];
      this.undo.push(check);
      const done = this.kept.change(check, keep);
      this.show($('#done').checked ? check : next);
      await done;
      this.troubled();
    }

    async back() {
      const check = this.undo.pop();
      if (!check) return;
      const done = this.kept.change(check, !this.kept.has(check));
      this.show(check);
      await done;
      this.troubled();
    }

    troubled() {
      if (this.kept.trouble) $('#where').textContent = this.kept.trouble;
    }

    save() {
      const link = element('a');
      const blob = new Blob([this.kept.text()], {type: 'application/octet-stream'});
      link.href = URL.createObjectURL(blob);
      link.download = this.data.file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }

    keydown(event) {
      const {key, target} = event;
      if (event.ctrlKey || event.altKey || event.metaKey || $('#help').open) return;
      const field = target.closest('select, input');
      if (key === 'Escape' && field) field.blur();
      if (field) return;
      // On a button or a link these two do what it says.
      if (target.closest('button, a') && (key === 'Enter' || key === ' ')) return;
      const video = $('#video');
      const to = {
        k: () => this.keep(), m: () => this.mend(), Enter: () => this.mend(),
        ArrowRight: () => this.step(1), n: () => this.step(1), ArrowDown: () => this.step(1),
        ArrowLeft: () => this.step(-1), p: () => this.step(-1), ArrowUp: () => this.step(-1),
        u: () => this.back(), s: () => this.save(), f: () => $('#kind').focus(),
        '?': () => $('#help').showModal(),
        ' ': () => {
          this.still = !video.paused;
          if (video.paused) video.play().catch(() => {});
          else video.pause();
        },
      }[key.length === 1 ? key.toLowerCase() : key];
      if (!to) return;
      event.preventDefault();
      to();
    }

    mend() {
      if (this.check) $('#mend').click();
    }
  }

  // The box of a course at a time, on the line between its neighbours; null beyond its ends.
  function between(course, time) {
    const at = course.findIndex(([second]) => second >= time);
    if (at < 0) return null;
    if (course[at][0] === time) return course[at].slice(1);
    if (at === 0) return null;
    const [one, other] = [course[at - 1], course[at]];
    if (other[0] - one[0] > 1) return null;
    const share = (time - one[0]) / (other[0] - one[0]);
    return one.slice(1).map((side, place) => side + share * (other[place + 1] - side));
  }

  function theme(value) {
    const root = document.documentElement;
    try {
      if (value) localStorage.setItem(THEME, value);
      const kept = localStorage.getItem(THEME);
      if (kept) root.dataset.theme = kept;
    } catch {
      if (value) root.dataset.theme = value;
    }
  }

  theme();
  $('#theme').addEventListener('click', () => {
    const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    theme((document.documentElement.dataset.theme || system) === 'dark' ? 'light' : 'dark');
  });
  if (window.AVAFLOW_CHECKS) avaflow.checks = new Checks(window.AVAFLOW_CHECKS);
  else {
    $('#progress').textContent = 'The checks are missing: expected index.js beside this page. ' +
      'Run the workflow again.';
  }
})(window.avaflow = window.avaflow || {});
