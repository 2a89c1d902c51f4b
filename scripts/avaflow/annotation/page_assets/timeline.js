// The clip from left to right: a row a person, with spans of actions, what is judged, gaps.
(function (avaflow) {
  'use strict';
  const {times, tracks, ticks, colours, model, suggestions} = avaflow;

  // Pixels of the screen.
  const ROW_PX = 24;
  const LANE_PX = 18;
  const RULER_PX = 22;
  const GRIP_PX = 6;
  const SLIP_PX = 3;
  // Marks of keyframes that stand closer would be a grey bar.
  const KEYFRAME_APART_PX = 5;
  const LABEL_APART_PX = 64;
  // Characters of an attribute's name in its empty lane.
  const NAME_LENGTH = 30;
  // How much of its colour a span has that is only suggested.
  const GHOST_ALPHA = 0.3;
  // Seconds between labels of the ruler.
  const STEPS_S = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];
  // Seconds: the shortest part of a clip that the timeline shows.
  const SHORTEST_S = 2;

  class Timeline {
    constructor(app, root) {
      this.app = app;
      this.ruler = root.querySelector('.ruler');
      this.body = root.querySelector('.body');
      this.inner = root.querySelector('.inner');
      this.rows = root.querySelector('.rows');
      this.canvas = root.querySelector('.inner canvas');
      this.playhead = root.querySelector('.playhead');
      this.heads = new Map();
      this.duration = app.clip.frames / app.clip.fps;
      this.from = 0;
      this.to = this.duration;
      this.drag = null;
      new ResizeObserver(() => this.fit()).observe(this.body);
      this.body.addEventListener('scroll', () => this.render());
      this.canvas.addEventListener('pointerdown', (event) => this.down(event));
      this.canvas.addEventListener('pointermove', (event) => this.move(event));
      this.canvas.addEventListener('pointerup', (event) => this.up(event));
      this.canvas.addEventListener('pointercancel', () => this.stop());
      this.ruler.addEventListener('pointerdown', (event) => this.scrub(event, true));
      this.ruler.addEventListener('pointermove', (event) => event.buttons && this.scrub(event));
      root.addEventListener('wheel', (event) => this.wheel(event), {passive: false});
    }

    // ---------------------------------------------------------------- where things are

    fit() {
      this.width = this.ruler.clientWidth;
      this.height = this.body.clientHeight;
      this.ratio = window.devicePixelRatio || 1;
      for (const [canvas, height] of [[this.ruler, RULER_PX], [this.canvas, this.height]]) {
        canvas.width = Math.round(this.width * this.ratio);
        canvas.height = Math.round(height * this.ratio);
        canvas.style.height = height + 'px';
      }
      this.render();
    }

    x(second) {
      return ((second - this.from) / (this.to - this.from)) * this.width;
    }

    secondAt(x) {
      return this.from + (x / this.width) * (this.to - this.from);
    }

    show(from, to) {
      const length = Math.min(this.duration, Math.max(SHORTEST_S, to - from));
      this.from = Math.max(0, Math.min(from, this.duration - length));
      this.to = this.from + length;
      this.render();
    }

    zoom(factor, around = this.app.player.second) {
      const length = Math.min(this.duration, Math.max(SHORTEST_S, (this.to - this.from) * factor));
      const share = Math.min(1, Math.max(0, (around - this.from) / (this.to - this.from)));
      this.show(around - share * length, around + (1 - share) * length);
    }

    wheel(event) {
      const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (event.ctrlKey) {
        event.preventDefault();
        const x = event.clientX - this.ruler.getBoundingClientRect().left;
        this.zoom(event.deltaY < 0 ? 0.8 : 1.25, this.secondAt(x));
      } else if (sideways) {
        event.preventDefault();
        const away = ((event.deltaX || event.deltaY) / this.width) * (this.to - this.from);
        this.show(this.from + away, this.to + away);
      }
    }

    // The lanes of a person: one an attribute, or of the chosen one, one an option of a
    // `multiple` attribute that is in use.
    lanes(person) {
      const {attributes} = this.app.clip;
      if (person.id !== this.app.chosen) {
        return attributes.map((attribute) => ({attribute, option: null}));
      }
      return attributes.flatMap((attribute) => {
        if (attribute.choose === 'single') return [{attribute, option: null}];
        const ghosts = this.app.ghosts(person);
        const used = attribute.options.filter((option) => person.spans
          .some((span) => span.attribute === attribute.name && span.option === option) ||
          ghosts.some((ghost) => ghost.attribute === attribute && ghost.option === option));
        return (used.length ? used : [null]).map((option) => ({attribute, option}));
      });
    }

    // Where each row is: top and height, from the person's id.
    layout() {
      let top = 0;
      const places = [];
      for (const person of this.app.doc.persons) {
        const chosen = person.id === this.app.chosen;
        const lanes = this.lanes(person);
        const height = chosen ? Math.max(ROW_PX, lanes.length * LANE_PX + 8) : ROW_PX;
        places.push({person, top, height, lanes, chosen});
        top += height;
      }
      this.places = places;
      this.total = top;
    }

    // ---------------------------------------------------------------- drawing

    render() {
      if (!this.width) return;
      this.layout();
      this.inner.style.height = Math.max(this.total, this.height) + 'px';
      this.style = this.app.style();
      this.renderRuler();
      this.renderRows();
      this.renderHeads();
      this.movePlayhead();
    }

    pen(canvas) {
      const pen = canvas.getContext('2d');
      pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      pen.clearRect(0, 0, this.width, canvas.height);
      return pen;
    }

    renderRuler() {
      const pen = this.pen(this.ruler);
      const {style} = this;
      const perSecond = this.width / (this.to - this.from);
      const step = STEPS_S.find((s) => s * perSecond >= LABEL_APART_PX) || STEPS_S.at(-1);
      pen.font = '11px system-ui, sans-serif';
      pen.textBaseline = 'middle';
      pen.fillStyle = style.soft;
      for (let s = Math.ceil(this.from / step) * step; s <= this.to; s += step) {
        const x = this.x(s);
        pen.fillRect(x, 15, 1, 7);
        const text = times.clock(s, step < 1 ? 1 : 0);
        // Half a label says another time.
        if (x + 3 + pen.measureText(text).width <= this.width) pen.fillText(text, x + 3, 9);
      }
      if (perSecond < KEYFRAME_APART_PX) return;
      pen.fillStyle = style.blue;
      for (const {frame} of this.app.clip.keyframes) {
        const x = this.x((frame - 1) / this.app.clip.fps);
        pen.fillRect(x - 1, 17, 3, 5);
      }
    }

    renderRows() {
      const pen = this.pen(this.canvas);
      const top = this.body.scrollTop;
      for (const place of this.places) {
        if (place.top + place.height < top || place.top > top + this.height) continue;
        this.row(pen, place, place.top - top);
      }
    }

    row(pen, {person, height, lanes, chosen}, top) {
      const {clip} = this.app;
      const {style} = this;
      if (chosen) {
        pen.fillStyle = style.chosen;
        pen.fillRect(0, top, this.width, height);
      }
      pen.fillStyle = style.line;
      pen.fillRect(0, top + height - 1, this.width, 1);
      const view = tracks.view(person, clip);
      pen.fillStyle = style.seen;
      for (const [from, to] of view.stretches) {
        const x = this.x((from - 1) / clip.fps);
        pen.fillRect(x, top + 3, Math.max(1.5, this.x(to / clip.fps) - x), height - 8);
      }
      this.gaps(pen, view, top, height);
      if (person.kind !== 'person') return;
      const room = (height - 8) / lanes.length;
      lanes.forEach((lane, n) => this.lane(pen, person, lane, top + 3 + n * room, room, chosen));
      this.keyframes(pen, person, view, top + height - 4);
    }

    // Between first and last sight, where the person is not seen: a line that leads on.
    gaps(pen, view, top, height) {
      const {clip} = this.app;
      pen.strokeStyle = this.style.soft;
      pen.lineWidth = 1;
      pen.setLineDash([2, 4]);
      for (let n = 1; n < view.stretches.length; n++) {
        pen.beginPath();
        pen.moveTo(this.x(view.stretches[n - 1][1] / clip.fps), top + height / 2);
        pen.lineTo(this.x((view.stretches[n][0] - 1) / clip.fps), top + height / 2);
        pen.stroke();
      }
      pen.setLineDash([]);
    }

    spansOf(person, {attribute, option}) {
      return person.spans.filter((span) => span.attribute === attribute.name &&
        (option === null || span.option === option));
    }

    lane(pen, person, lane, top, height, chosen) {
      const several = lane.option === null && lane.attribute.choose !== 'single';
      const spans = this.spansOf(person, lane);
      const ghosts = this.app.ghosts(person).filter((ghost) => ghost.attribute === lane.attribute &&
        (lane.option === null || ghost.option === lane.option));
      const used = several ? lane.attribute.options
        .filter((option) => [...spans, ...ghosts].some((span) => span.option === option)) : [];
      const part = used.length ? height / used.length : height;
      for (const span of spans) {
        const y = top + (used.length ? used.indexOf(span.option) * part : 0);
        this.span(pen, span, y, part, chosen);
      }
      for (const ghost of ghosts) {
        const y = top + (used.length ? used.indexOf(ghost.option) * part : 0);
        this.ghost(pen, ghost, y, part, chosen);
      }
      if (!spans.length && !ghosts.length && chosen) {
        pen.fillStyle = this.style.soft;
        pen.font = '11px system-ui, sans-serif';
        pen.textBaseline = 'middle';
        const [begin] = tracks.sight(person, this.app.clip) || [0];
        const name = lane.attribute.name.slice(0, NAME_LENGTH);
        pen.fillText(name + ': nothing yet', Math.max(4, this.x(begin) + 4),
                     top + height / 2);
      }
    }

    span(pen, span, top, height, chosen) {
      const [x1, x2] = [this.x(span.from), this.x(span.to)];
      if (x2 < 0 || x1 > this.width) return;
      const gap = chosen ? 1 : 0.5;
      const width = Math.max(1.5, x2 - x1 - 1);
      const [y, tall] = [top + gap, Math.max(1.5, height - 2 * gap)];
      pen.fillStyle = this.app.colour(span.attribute, span.option);
      pen.fillRect(x1, y, width, tall);
      if (!chosen) return;
      pen.fillStyle = 'rgba(16,20,26,.45)';
      pen.fillRect(x1, y, 2, tall);
      pen.fillRect(x1 + width - 2, y, 2, tall);
      const left = Math.max(x1, 0) + 6;
      const room = x1 + width - 4 - left;
      if (room < 14) return;
      pen.fillStyle = colours.DARK;
      pen.font = '12px system-ui, sans-serif';
      pen.textBaseline = 'middle';
      pen.save();
      pen.beginPath();
      pen.rect(left, y, room, tall);
      pen.clip();
      pen.fillText(span.option, left, y + tall / 2 + 0.5);
      pen.restore();
    }

    // What is only suggested: an outline, without the body of a span. The focused one is bold.
    ghost(pen, ghost, top, height, chosen) {
      const [x1, x2] = [this.x(ghost.from), this.x(ghost.to)];
      if (x2 < 0 || x1 > this.width) return;
      const focused = chosen && suggestions.same(ghost, this.app.ghost());
      const [x, width] = [x1 + 1, Math.max(2, x2 - x1 - 3)];
      const [y, tall] = [top + 1.5, Math.max(2, height - 3)];
      pen.save();
      pen.fillStyle = this.app.colour(ghost.attribute.name, ghost.option);
      pen.globalAlpha = GHOST_ALPHA;
      pen.fillRect(x, y, width, tall);
      pen.globalAlpha = 1;
      pen.strokeStyle = focused ? this.style.ink : this.style.soft;
      pen.lineWidth = focused ? 2 : 1;
      pen.setLineDash(ghost.sure ? [6, 3] : [2, 4]);
      pen.strokeRect(x, y, width, tall);
      pen.beginPath();
      pen.rect(x + 3, y, width - 6, tall);
      pen.clip();
      if (chosen && width > 20) {
        pen.fillStyle = this.style.ink;
        pen.font = (focused ? 'bold ' : '') + '12px system-ui, sans-serif';
        pen.textBaseline = 'middle';
        pen.fillText(ghost.option + '? ' + suggestions.percent(ghost), Math.max(x, 0) + 5,
                     y + tall / 2 + 0.5);
      }
      pen.restore();
    }

    // A mark on each keyframe with the person: full where it is judged.
    keyframes(pen, person, view, y) {
      const {clip} = this.app;
      const perSecond = this.width / (this.to - this.from);
      for (const [from, to] of person.judged) {
        pen.fillStyle = this.style.green;
        pen.fillRect(this.x(from), y, Math.max(1, this.x(to) - this.x(from)), 3);
      }
      if (perSecond < KEYFRAME_APART_PX) return;
      for (const keyframe of clip.keyframes) {
        if (!view.present.has(keyframe.second)) continue;
        const judged = ticks.isJudged(person, keyframe.second);
        pen.fillStyle = judged ? this.style.green : this.style.soft;
        pen.fillRect(this.x(keyframe.second) - 1, y - (judged ? 1 : 0), 3, judged ? 5 : 3);
      }
    }

    // The buttons at the left: made once a person, moved where the rows are.
    renderHeads() {
      const {app} = this;
      const used = new Set();
      for (const {person, top, height, chosen} of this.places) {
        used.add(person.id);
        const head = this.heads.get(person.id) || this.head(person.id);
        const {toJudge, judged} = ticks.countsOf(person, app.clip);
        const told = person.kind !== 'person' ? person.kind
          : !toJudge ? 'no keyframe' : judged === toJudge ? 'judged' : judged + ' of ' + toJudge;
        const key = [top, height, chosen, told].join();
        if (head.key === key) continue;
        head.key = key;
        head.button.style.transform = 'translateY(' + top + 'px)';
        head.button.style.height = height + 'px';
        head.button.setAttribute('aria-selected', chosen);
        head.button.className = judged === toJudge && toJudge ? 'all' : '';
        head.told.textContent = told === 'judged' ? '✓ judged' : told;
        head.button.setAttribute('aria-label', 'Person ' + person.id + ', ' + told);
      }
      this.rows.setAttribute('aria-activedescendant', app.chosen ? 'row-' + app.chosen : '');
      for (const [id, head] of this.heads) {
        if (used.has(id)) continue;
        head.button.remove();
        this.heads.delete(id);
      }
    }

    head(id) {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('role', 'option');
      button.tabIndex = -1;
      button.id = 'row-' + id;
      const chip = document.createElement('span');
      chip.className = 'chip';
      chip.textContent = id;
      chip.style.background = colours.ofPerson(id);
      chip.style.color = colours.textOn(colours.ofPerson(id));
      const told = document.createElement('span');
      button.append(chip, told);
      button.addEventListener('click', () => this.app.choose(id));
      this.rows.append(button);
      const head = {button, told, key: ''};
      this.heads.set(id, head);
      return head;
    }

    // The chosen row comes into sight.
    reveal() {
      this.layout();
      const place = this.places.find((one) => one.chosen);
      if (!place) return;
      const {scrollTop} = this.body;
      if (place.top < scrollTop) this.body.scrollTop = place.top;
      else if (place.top + place.height > scrollTop + this.height) {
        this.body.scrollTop = place.top + place.height - this.height;
      }
    }

    movePlayhead() {
      const second = this.app.player.second + 0.5 / this.app.clip.fps;
      if (this.to - this.from < this.duration && !this.drag &&
          (second < this.from || second > this.to)) {
        const length = this.to - this.from;
        this.show(second - length / 10, second + (length * 9) / 10);
        return;
      }
      this.playhead.style.transform = 'translateX(' + this.x(second) + 'px)';
    }

    // ---------------------------------------------------------------- the mouse

    scrub(event, begin) {
      if (begin) this.ruler.setPointerCapture(event.pointerId);
      const x = event.clientX - this.ruler.getBoundingClientRect().left;
      this.app.seekSecond(this.secondAt(x));
    }

    place(event) {
      const bounds = this.canvas.getBoundingClientRect();
      const y = event.clientY - bounds.top + this.body.scrollTop;
      const x = event.clientX - bounds.left;
      const row = this.places.find((one) => one.top <= y && y < one.top + one.height);
      return {x, y, row};
    }

    // The end of a span of the chosen person under the pointer.
    gripAt({x, y, row}) {
      if (!row || !row.chosen || row.person.kind !== 'person') return null;
      const room = (row.height - 8) / row.lanes.length;
      const lane = row.lanes[Math.floor((y - row.top - 3) / room)];
      if (!lane) return null;
      let best = null;
      for (const span of this.spansOf(row.person, lane)) {
        for (const end of ['from', 'to']) {
          // Of two spans that touch, the pointer's side decides.
          const away = Math.abs(this.x(span[end]) - x) + (end === 'from') * (x < this.x(span.from));
          if (away <= GRIP_PX && (!best || away < best.away)) best = {span, end, away};
        }
      }
      return best && {...best, attribute: lane.attribute};
    }

    down(event) {
      if (event.button !== 0) return;
      const at = this.place(event);
      this.canvas.setPointerCapture(event.pointerId);
      this.drag = {from: at.x, row: at.row, grip: this.gripAt(at), base: this.app.doc};
    }

    move(event) {
      const at = this.place(event);
      const {drag} = this;
      if (!drag) {
        this.canvas.style.cursor = this.gripAt(at) ? 'ew-resize' : 'default';
        return;
      }
      if (!drag.moved && Math.abs(at.x - drag.from) < SLIP_PX) return;
      drag.moved = true;
      const second = Math.min(this.duration, Math.max(0, this.secondAt(at.x)));
      if (!drag.grip) {
        this.app.seekSecond(second);
        return;
      }
      drag.second = this.snapped(second, drag.grip.end);
      // The picture shows where the end is being put.
      this.app.seekSecond(drag.second);
      this.preview(drag);
    }

    // To the beginning of a frame, where an end lies whatever the browser's pixels say.
    snapped(second) {
      const {clip} = this.app;
      const frame = Math.round(second * clip.fps);
      return times.rounded(Math.min(clip.frames, frame) / clip.fps);
    }

    moved({grip, base, second}, doc = base) {
      return model.moveEnd(doc, this.app.chosen, grip.attribute, grip.span, grip.end, second);
    }

    preview(drag) {
      this.app.preview = this.moved(drag);
      this.render();
    }

    up(event) {
      const {drag} = this;
      this.stop();
      if (!drag) return;
      if (drag.grip && drag.moved && drag.second !== undefined) {
        this.app.edit((doc) => this.moved(drag, doc), drag.grip.span.option + ' changed');
      } else if (!drag.moved) {
        if (drag.row) this.app.choose(drag.row.person.id);
        this.app.seekSecond(this.secondAt(this.place(event).x));
      }
    }

    stop() {
      this.drag = null;
      this.app.preview = null;
      this.render();
    }
  }

  avaflow.timeline = {Timeline};
})(window.avaflow = window.avaflow || {});
