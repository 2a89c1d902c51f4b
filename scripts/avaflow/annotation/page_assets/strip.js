// What the chosen person does on each keyframe, one crop beside the other.
(function (avaflow) {
  'use strict';
  const {times, tracks, ticks} = avaflow;

  // Pixels of the screen.
  const CELL_PX = 68;
  const CROP_PX = 62;
  const TALL_PX = 64;
  // Cells made beyond both edges, so that scrolling shows no holes.
  const SPARE = 4;
  // Images of keyframes that are kept.
  const KEPT_IMAGES = 240;
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

    // Anew: another person, other boxes.
    render() {
      const {app} = this;
      const person = app.person();
      const present = person ? tracks.view(person, app.clip).present : new Map();
      const same = this.present === present;
      this.person = person;
      if (!same) {
        this.present = present;
        this.shown = app.clip.keyframes.filter((one) => present.has(one.second));
        for (const cell of this.cells.values()) cell.button.remove();
        this.cells.clear();
        this.inner.style.width = this.shown.length * CELL_PX + 'px';
      }
      this.title.textContent = !person ? 'No person is chosen.'
        : this.shown.length ? '' : 'Person ' + person.id + ' is on no keyframe.';
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
      const keyframe = this.shown[n];
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
      button.addEventListener('click', () => this.app.seekFrame(keyframe.frame));
      this.inner.append(button);
      this.cells.set(n, {button, held, key: ''});
      this.crop(canvas, keyframe, this.present.get(keyframe.second).box);
    }

    update(n) {
      const {app, person} = this;
      const {second} = this.shown[n];
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
        if (one.frame <= frame) current = n;
      });
      for (const [n, {button}] of this.cells) {
        const exact = n === current && this.shown[n].frame === frame;
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
