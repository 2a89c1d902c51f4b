// Boxes over the picture: drawn on each frame, chosen, drawn, moved and resized by the mouse.
(function (avaflow) {
  'use strict';
  const {colours, tracks, ticks} = avaflow;

  // Pixels of the screen: how near a handle is hit, and how far a hand shakes in a click.
  const HANDLE_PX = 9;
  const SLIP_PX = 4;
  // Of the picture: less is a slip of the hand, no person.
  const SMALLEST = 0.004;
  const MAX_ZOOM = 8;
  // Beyond so many boxes, actions are written only above the chosen person's.
  const NAMED_BOXES = 6;
  // Characters of the actions that stand above a box.
  const LABEL_LENGTH = 28;

  class Boxes {
    constructor(app, stage, picture, canvas) {
      Object.assign(this, {app, stage, picture, canvas});
      this.pen = canvas.getContext('2d');
      this.zoom = 1;
      this.centre = [0.5, 0.5];
      this.following = 0;
      this.drag = null;
      new ResizeObserver(() => this.fit()).observe(stage);
      canvas.addEventListener('pointerdown', (event) => this.down(event));
      canvas.addEventListener('pointermove', (event) => this.move(event));
      canvas.addEventListener('pointerup', (event) => this.up(event));
      canvas.addEventListener('pointercancel', () => this.cancel());
      canvas.addEventListener('wheel', (event) => this.wheel(event), {passive: false});
    }

    // ---------------------------------------------------------------- where things are

    fit() {
      const {clientWidth: width, clientHeight: height} = this.stage;
      const ratio = window.devicePixelRatio || 1;
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.size = [width, height];
      this.place();
      this.render();
    }

    place() {
      const [width, height] = this.size;
      const {clip} = this.app;
      const scale = Math.min(width / clip.width, height / clip.height) * this.zoom;
      const [w, h] = [clip.width * scale, clip.height * scale];
      // Within the picture's edges: no more empty room than the picture leaves anyway.
      const place = (middle, whole, room) => (whole <= room ? (room - whole) / 2
        : Math.min(0, Math.max(room - whole, room / 2 - middle * whole)));
      this.area = {x: place(this.centre[0], w, width), y: place(this.centre[1], h, height), w, h};
      const {x, y} = this.area;
      this.picture.style.cssText =
        `width:${w}px;height:${h}px;transform:translate(${x}px,${y}px)`;
    }

    // Another frame: where the picture follows somebody it moves, too.
    moved() {
      const person = this.following && this.app.person(this.following);
      const seen = person && tracks.boxAt(person, this.app.player.frame, this.app.clip);
      if (seen) {
        this.centre = [(seen.box[0] + seen.box[2]) / 2, (seen.box[1] + seen.box[3]) / 2];
        this.place();
      }
      this.render();
    }

    toScreen(box) {
      const {x, y, w, h} = this.area;
      return [x + box[0] * w, y + box[1] * h, x + box[2] * w, y + box[3] * h];
    }

    toPicture(event) {
      const bounds = this.canvas.getBoundingClientRect();
      const {x, y, w, h} = this.area;
      return [(event.clientX - bounds.left - x) / w, (event.clientY - bounds.top - y) / h];
    }

    setZoom(zoom, centre = this.centre) {
      this.zoom = Math.min(MAX_ZOOM, Math.max(1, zoom));
      this.centre = this.zoom === 1 ? [0.5, 0.5] : centre;
      this.following = 0;
      this.place();
      this.render();
    }

    wheel(event) {
      event.preventDefault();
      const at = this.toPicture(event);
      const zoom = this.zoom * (event.deltaY < 0 ? 1.25 : 0.8);
      // What is under the pointer stays under it.
      const share = this.zoom / Math.min(MAX_ZOOM, Math.max(1, zoom));
      this.setZoom(zoom, this.centre.map((c, n) => at[n] + (c - at[n]) * share));
    }

    // ---------------------------------------------------------------- drawing

    shown() {
      const {doc, clip, player} = this.app;
      const found = [];
      for (const person of doc.persons) {
        const seen = tracks.boxAt(person, player.frame, clip);
        if (seen) found.push({person, ...seen});
      }
      return found;
    }

    render() {
      if (!this.area) return;
      const {pen, app} = this;
      const ratio = window.devicePixelRatio || 1;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, ...this.size);
      const shown = this.shown();
      const few = shown.length <= NAMED_BOXES;
      const asked = (app.mode && app.mode.people) || [];
      for (const one of shown) {
        if (one.person.id !== app.chosen) this.box(one, asked.includes(one.person.id), few);
      }
      const own = shown.find((one) => one.person.id === app.chosen);
      if (own) this.box(this.drag && this.drag.box ? {...own, box: this.drag.box} : own, true, true);
      if (this.drag && this.drag.kind === 'draw' && this.drag.box) {
        pen.setLineDash([4, 3]);
        pen.strokeStyle = '#ffffff';
        this.outline(this.toScreen(this.drag.box), 2, '#ffffff', 'rgba(0,0,0,.7)');
        pen.setLineDash([]);
      }
    }

    outline([x1, y1, x2, y2], width, colour, edge) {
      const {pen} = this;
      pen.lineWidth = width + 2;
      pen.strokeStyle = edge;
      pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
      pen.lineWidth = width;
      pen.strokeStyle = colour;
      pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
    }

    box({person, box, sure}, chosen, named) {
      const {pen, app} = this;
      const plain = person.kind === 'person';
      const colour = plain ? colours.ofPerson(person.id) : '#b8bec8';
      const at = this.toScreen(box);
      pen.globalAlpha = plain || chosen ? 1 : 0.6;
      pen.setLineDash(sure && plain ? [] : [6, 4]);
      this.outline(at, chosen ? 3 : 1.5, colour, colours.edgeOfPerson(person.id));
      pen.setLineDash([]);
      this.label(person, at, colour, chosen, named);
      pen.globalAlpha = 1;
      const own = person.id === app.chosen;
      if (own && app.onKeyframe() && !app.player.playing) this.handles(at, colour);
    }

    label(person, [x1, y1], colour, chosen, named) {
      const {pen, app} = this;
      const second = app.player.second;
      let text = String(person.id);
      if (person.kind === 'not a person') text += ' ✕';
      else if (person.kind === 'ignored') text += ' ignored';
      else {
        if (ticks.isJudged(person, second)) text += ' ✓';
        const held = named ? ticks.optionsAt(person, second, app.clip.attributes) : [];
        const names = held.map((one) => one.option).join(', ');
        if (names) {
          text += '  ' + (names.length > LABEL_LENGTH ? names.slice(0, LABEL_LENGTH) + '…' : names);
        }
      }
      pen.font = (chosen ? '600 ' : '') + '13px system-ui, sans-serif';
      const width = pen.measureText(text).width + 10;
      const x = Math.max(0, Math.min(x1 - 1, this.size[0] - width));
      const y = y1 >= 19 ? y1 - 19 : Math.max(0, y1);
      pen.fillStyle = colour;
      pen.fillRect(x, y, width, 18);
      pen.fillStyle = colours.textOn(colour);
      pen.textBaseline = 'middle';
      pen.fillText(text, x + 5, y + 9.5);
    }

    handles([x1, y1, x2, y2], colour) {
      const {pen} = this;
      const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
      for (const [x, y] of [[x1, y1], [mx, y1], [x2, y1], [x1, my], [x2, my], [x1, y2], [mx, y2],
                            [x2, y2]]) {
        pen.fillStyle = '#ffffff';
        pen.fillRect(x - 4, y - 4, 8, 8);
        pen.lineWidth = 1.5;
        pen.strokeStyle = colours.luminance(colour) > 0.6 ? '#10141a' : colour;
        pen.strokeRect(x - 4, y - 4, 8, 8);
      }
    }

    // ---------------------------------------------------------------- the mouse

    // Which edges of the chosen box are at this place: a text of n, e, s, w; '' is inside, null
    // is outside.
    gripAt(event) {
      const person = this.app.person();
      const seen = person && tracks.boxAt(person, this.app.player.frame, this.app.clip);
      if (!seen) return null;
      const bounds = this.canvas.getBoundingClientRect();
      const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
      const [x1, y1, x2, y2] = this.toScreen(seen.box);
      if (x < x1 - HANDLE_PX || x > x2 + HANDLE_PX || y < y1 - HANDLE_PX || y > y2 + HANDLE_PX) {
        return null;
      }
      const near = (a, b) => Math.abs(a - b) <= HANDLE_PX;
      return (near(y, y1) ? 'n' : near(y, y2) ? 's' : '') + (near(x, x1) ? 'w' : near(x, x2) ? 'e' : '');
    }

    hits(event) {
      const [x, y] = this.toPicture(event);
      const inside = this.shown().filter(({box}) =>
        box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3]);
      const size = ({box}) => (box[2] - box[0]) * (box[3] - box[1]);
      return inside.sort((a, b) => size(a) - size(b)).map((one) => one.person.id);
    }

    down(event) {
      if (event.button !== 0) return;
      const {app} = this;
      this.stage.focus({preventScroll: true});
      this.canvas.setPointerCapture(event.pointerId);
      const at = this.toPicture(event);
      const from = [event.clientX, event.clientY];
      if (app.mode && app.mode.name === 'draw') {
        this.drag = {kind: 'draw', at, from, second: app.toKeyframe()};
        return;
      }
      const grip = app.mode ? null : this.gripAt(event);
      this.drag = {kind: grip === null ? 'pan' : 'mend', grip, at, from, centre: this.centre};
    }

    move(event) {
      if (!this.drag) {
        this.cursor(event);
        return;
      }
      const {drag} = this;
      const away = Math.hypot(event.clientX - drag.from[0], event.clientY - drag.from[1]);
      if (!drag.moved && away < SLIP_PX) return;
      if (!drag.moved && drag.kind === 'mend' && !this.beginMending()) return;
      drag.moved = true;
      const at = this.toPicture(event);
      if (drag.kind === 'draw') {
        drag.box = [Math.min(at[0], drag.at[0]), Math.min(at[1], drag.at[1]),
                    Math.max(at[0], drag.at[0]), Math.max(at[1], drag.at[1])];
      } else if (drag.kind === 'mend') drag.box = this.gripped(drag, at);
      else if (this.zoom > 1) {
        const {w, h} = this.area;
        this.centre = [drag.centre[0] - (event.clientX - drag.from[0]) / w,
                       drag.centre[1] - (event.clientY - drag.from[1]) / h];
        this.following = 0;
        this.place();
      }
      this.render();
    }

    // A box is mended on a keyframe: elsewhere the player goes to the nearest one first.
    beginMending() {
      const {app, drag} = this;
      if (app.player.playing || !app.onKeyframe()) {
        app.toKeyframe();
        app.say('Boxes are mended on keyframes: this is the nearest one.');
        this.drag = null;
        return false;
      }
      drag.start = tracks.boxAt(app.person(), app.player.frame, app.clip).box;
      return true;
    }

    gripped({grip, start, at: from}, at) {
      const [dx, dy] = [at[0] - from[0], at[1] - from[1]];
      let [x1, y1, x2, y2] = start;
      if (!grip) return [x1 + dx, y1 + dy, x2 + dx, y2 + dy];
      if (grip.includes('w')) x1 += dx;
      if (grip.includes('e')) x2 += dx;
      if (grip.includes('n')) y1 += dy;
      if (grip.includes('s')) y2 += dy;
      return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
    }

    cursor(event) {
      const grip = this.app.mode ? null : this.gripAt(event);
      const drawing = this.app.mode && this.app.mode.name === 'draw';
      this.canvas.style.cursor = drawing ? 'crosshair'
        : grip ? grip + '-resize' : grip === '' ? 'move' : 'default';
    }

    up(event) {
      const {drag, app} = this;
      this.drag = null;
      if (!drag) return;
      const box = drag.box;
      const enough = box && box[2] - box[0] > SMALLEST && box[3] - box[1] > SMALLEST;
      if (drag.kind === 'draw') {
        if (enough) app.drawn(drag.second, box);
      } else if (drag.kind === 'mend' && drag.moved) {
        if (enough) app.mend(app.chosen, app.keyframe().second, box);
      } else if (!drag.moved) this.click(event);
      this.render();
    }

    cancel() {
      this.drag = null;
      this.render();
    }

    // The smallest box at this place; clicked again, the next larger one.
    click(event) {
      const hits = this.hits(event);
      if (!hits.length) return;
      const again = hits.indexOf(this.app.chosen);
      this.app.choose(hits[(again + 1) % hits.length]);
    }
  }

  avaflow.boxes = {Boxes};
})(window.avaflow = window.avaflow || {});
