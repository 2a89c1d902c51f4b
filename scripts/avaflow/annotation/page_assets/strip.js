// What the chosen person does on each keyframe, one crop beside the other.
(function (avaflow) {
  'use strict';
  const {times, tracks, ticks, colours} = avaflow;

  // Pixels of the screen.
  const CELL_PX = 68;
  const CROP_PX = 62;
  const TALL_PX = 64;
  // Cells made beyond both edges, so that scrolling shows no holes.
  const SPARE = 4;
  // Images of keyframes that are kept.
  const KEPT_IMAGES = 240;
  // Crops of each of two persons who may be one, on both sides of the doubt.
  const COMPARED = 6;
  // Of a box's size, shown around it: what hands hold lies outside the box at times.
  const MARGIN = 0.12;

  class Strip {
    constructor(app, root) {
      this.app = app;
      this.root = root;
      this.scroller = root.querySelector('.cells');
      this.inner = root.querySelector('.inner');
      this.title = root.querySelector('.title');
      this.cells = new Map();
      this.images = new Map();
      this.scroller.addEventListener('scroll', () => this.renderCells());
      new ResizeObserver(() => this.renderCells()).observe(this.scroller);
      this.scroller.addEventListener('wheel', (event) => {
        if (event.ctrlKey || event.deltaX) return;
        event.preventDefault();
        this.scroller.scrollLeft += event.deltaY;
      }, {passive: false});
    }

    // What is to be seen: the chosen person, or, side by side, two who may be one.
    wanted() {
      const {app} = this;
      const {mode} = app;
      const all = (person) => {
        const {present} = tracks.view(person, app.clip);
        return app.clip.keyframes.filter((one) => present.has(one.second))
          .map((keyframe) => ({keyframe, person, box: present.get(keyframe.second).box}));
      };
      if (mode && mode.people && mode.people.length === 2) {
        const [one, other] = mode.people.map((id) => app.person(id)).map((p) => (p ? all(p) : []));
        return [...one.filter(({keyframe}) => keyframe.frame <= mode.frame).slice(-COMPARED),
                ...other.filter(({keyframe}) => keyframe.frame >= mode.frame).slice(0, COMPARED)];
      }
      const person = app.person();
      return person ? all(person) : [];
    }

    // Anew: another person, other boxes.
    render() {
      const {app} = this;
      const wanted = this.wanted();
      const key = JSON.stringify([Boolean(app.mode && app.mode.people),
        wanted.map((one) => [one.person.id, one.keyframe.frame, one.box])]);
      const same = this.key === key;
      this.key = key;
      this.shown = wanted;
      if (!same) {
        for (const cell of this.cells.values()) cell.button.remove();
        this.cells.clear();
        this.inner.style.width = this.shown.length * CELL_PX + 'px';
      }
      this.title.textContent = !app.person() ? 'No person is chosen.'
        : this.shown.length ? '' : 'Person ' + app.chosen + ' is on no keyframe.';
      this.title.hidden = !this.title.textContent;
      this.renderCells();
      if (!same) this.follow();
    }

    renderCells() {
      if (!this.shown) return;
      const left = this.scroller.scrollLeft;
      const from = Math.max(0, Math.floor(left / CELL_PX) - SPARE);
      const to = Math.min(this.shown.length,
                          Math.ceil((left + this.scroller.clientWidth) / CELL_PX) + SPARE);
      for (const [n, cell] of this.cells) {
        if (n >= from && n < to) continue;
        cell.button.remove();
        this.cells.delete(n);
      }
      for (let n = from; n < to; n++) {
        if (!this.cells.has(n)) this.make(n);
        this.update(n);
      }
      this.mark();
    }

    make(n) {
      const {keyframe, person, box} = this.shown[n];
      const button = document.createElement('button');
      button.type = 'button';
      button.tabIndex = -1;
      button.style.left = n * CELL_PX + 'px';
      const canvas = document.createElement('canvas');
      const ratio = window.devicePixelRatio || 1;
      canvas.width = CROP_PX * ratio;
      canvas.height = TALL_PX * ratio;
      const second = document.createElement('span');
      second.className = 'second';
      second.textContent = times.clock(keyframe.second, 0);
      const held = document.createElement('span');
      held.className = 'held';
      button.append(canvas, second, held);
      if (this.app.mode && this.app.mode.people) {
        const chip = document.createElement('span');
        chip.className = 'chip';
        chip.textContent = person.id;
        chip.style.background = colours.ofPerson(person.id);
        chip.style.color = colours.textOn(colours.ofPerson(person.id));
        button.append(chip);
      }
      button.addEventListener('click', () => this.app.seekFrame(keyframe.frame));
      this.inner.append(button);
      this.cells.set(n, {button, held, key: ''});
      this.crop(canvas, keyframe, box);
    }

    update(n) {
      const {app} = this;
      const {person, keyframe: {second}} = this.shown[n];
      const cell = this.cells.get(n);
      const options = ticks.optionsAt(person, second, app.clip.attributes);
      const judged = ticks.isJudged(person, second);
      const key = JSON.stringify([options, judged]);
      if (cell.key === key) return;
      cell.key = key;
      cell.button.classList.toggle('judged', judged);
      cell.held.replaceChildren(...options.map(({attribute, option}) => {
        const mark = document.createElement('span');
        mark.textContent = option;
        mark.style.background = app.colour(attribute, option);
        return mark;
      }));
      const names = options.map((one) => one.option).join(', ') || 'nothing';
      cell.button.title = names;
      cell.button.setAttribute('aria-label', 'Second ' + second + ': ' + names +
        (judged ? ', judged' : ', not judged'));
    }

    // The keyframe that the player shows, or has shown last.
    mark() {
      const {frame} = this.app.player;
      let current = -1;
      this.shown.forEach((one, n) => {
        if (one.keyframe.frame <= frame && one.person.id === this.app.chosen) current = n;
      });
      for (const [n, {button}] of this.cells) {
        const exact = n === current && this.shown[n].keyframe.frame === frame;
        if (n === current) button.setAttribute('aria-current', exact ? 'true' : 'step');
        else button.removeAttribute('aria-current');
      }
      return current;
    }

    follow() {
      if (!this.shown) return;
      const current = Math.max(0, this.mark());
      const {scrollLeft, clientWidth} = this.scroller;
      const x = current * CELL_PX;
      if (x < scrollLeft || x + CELL_PX > scrollLeft + clientWidth) {
        this.scroller.scrollLeft = x - clientWidth / 3;
      }
    }

    crop(canvas, keyframe, box) {
      const image = this.image(keyframe.image);
      const draw = () => {
        const [w, h] = [image.naturalWidth, image.naturalHeight];
        if (!w) return;
        const [bw, bh] = [(box[2] - box[0]) * w * (1 + MARGIN), (box[3] - box[1]) * h * (1 + MARGIN)];
        const scale = Math.min(canvas.width / Math.max(1, bw), canvas.height / Math.max(1, bh));
        const [sw, sh] = [canvas.width / scale, canvas.height / scale];
        const middle = [((box[0] + box[2]) / 2) * w, ((box[1] + box[3]) / 2) * h];
        canvas.getContext('2d').drawImage(image, middle[0] - sw / 2, middle[1] - sh / 2, sw, sh,
                                          0, 0, canvas.width, canvas.height);
        canvas.dataset.drawn = 'yes';
      };
      if (image.complete) draw();
      else image.addEventListener('load', draw);
    }

    image(address) {
      let image = this.images.get(address);
      if (image) return image;
      image = new Image();
      image.src = address;
      this.images.set(address, image);
      if (this.images.size > KEPT_IMAGES) this.images.delete(this.images.keys().next().value);
      return image;
    }
  }

  avaflow.strip = {Strip};
})(window.avaflow = window.avaflow || {});
