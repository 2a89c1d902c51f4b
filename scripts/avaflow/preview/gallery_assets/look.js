// One person looked at: the whole keyframe, and the video at that second.
(function (avaflow) {
  'use strict';
  const {times, choosing} = avaflow;

  // Seconds before the keyframe at which the video begins to play: what somebody does is seen
  // by how it begins.
  const BEFORE_S = 0.5;
  const $ = (selector) => document.querySelector(selector);

  class Look {
    constructor(names, colourOf) {
      this.names = names;
      this.colourOf = colourOf;
      this.list = [];
      this.at = 0;
      $('#close').addEventListener('click', () => $('#look').close());
      $('#before').addEventListener('click', () => this.step(-1));
      $('#next').addEventListener('click', () => this.step(1));
      $('#look').addEventListener('click', (event) => {
        // A click beside the dialog is one on its backdrop.
        if (event.target === $('#look')) $('#look').close();
      });
      $('#look').addEventListener('close', () => {
        $('#video').pause();
        if (this.closed) this.closed(this.list[this.at]);
      });
      $('#look').addEventListener('keydown', (event) => this.keydown(event));
      $('#keyframe').addEventListener('error', () => this.noKeyframe());
      $('#video').addEventListener('error', () => {
        $('#video-told').textContent = 'The video is not where it was made: expected ' +
          decodeURIComponent(this.source) + ' beside this page.';
      });
    }

    // `list` are the crops to step through, `closed` is called with the one that was looked at.
    open(list, at, closed) {
      Object.assign(this, {list, at, closed});
      this.show();
      if (!$('#look').open) $('#look').showModal();
      $('#next').focus();
    }

    step(steps) {
      const at = this.at + steps;
      if (at < 0 || at >= this.list.length) return;
      this.at = at;
      this.show();
    }

    keydown(event) {
      const {key, target} = event;
      // The video's own controls use arrows and space.
      if (target === $('#video') || event.ctrlKey || event.altKey || event.metaKey) return;
      if (key === 'ArrowLeft' || key === 'ArrowRight') {
        this.step(key === 'ArrowLeft' ? -1 : 1);
        event.preventDefault();
      } else if (key === ' ' && !target.matches('button, a')) {
        const video = $('#video');
        if (video.paused) video.play().catch(() => {});
        else video.pause();
        event.preventDefault();
      }
    }

    show() {
      const item = this.list[this.at];
      const {clip, second} = item;
      $('#look-title').textContent = choosing.who(item) + ': ' + choosing.said(item, this.names);
      $('#look-place').textContent = (this.at + 1) + ' of ' + this.list.length;
      $('#before').disabled = this.at === 0;
      $('#next').disabled = this.at === this.list.length - 1;
      this.showKeyframe(item);
      this.showVideo(item);
      const score = item.score === null ? 'none: no detection is there' : item.score.toFixed(2);
      this.facts([
        ['Clip', clip.clip], ['Split', clip.split], ['Second', String(second)],
        ['Person', item.person ? String(item.person) : 'without a number'],
        ['Box', Math.round((item.box[2] - item.box[0]) * clip.width) + ' × ' + item.tall + ' px'],
        ['Score', score],
      ]);
      const person = item.person ? '&person=' + item.person : '';
      $('#annotate').href = clip.page + '#second=' + second + person;
      $('#sheet').href = clip.sheet;
    }

    facts(rows) {
      $('#facts').replaceChildren(...rows.map(([name, value]) => {
        const row = document.createElement('div');
        const term = document.createElement('dt');
        const text = document.createElement('dd');
        term.textContent = name;
        text.textContent = value;
        text.dir = 'auto';
        row.append(term, text);
        return row;
      }));
    }

    showKeyframe(item) {
      const {clip, second} = item;
      const image = $('#keyframe');
      $('#still').hidden = false;
      $('#still').style.aspectRatio = clip.width + ' / ' + clip.height;
      image.src = clip.keyframes[second];
      image.alt = 'Keyframe ' + second + ' of ' + clip.clip;
      $('#keyframe-told').textContent = 'Keyframe at second ' + second;
      const others = this.others(item);
      $('#marks').replaceChildren(...[...others, item].map((one) => {
        const mark = document.createElement('div');
        const [x1, y1, x2, y2] = one.box.map((side) => 100 * side + '%');
        Object.assign(mark.style, {left: x1, top: y1, borderColor: this.colourOf(one.person)});
        mark.style.width = `calc(${x2} - ${x1})`;
        mark.style.height = `calc(${y2} - ${y1})`;
        mark.className = one === item ? 'mark chosen' : 'mark';
        return mark;
      }));
    }

    others(item) {
      return item.clip.items.filter((one) => one.second === item.second && one !== item);
    }

    noKeyframe() {
      $('#still').hidden = true;
      $('#keyframe-told').textContent = 'The keyframe is not where it was made: expected ' +
        decodeURIComponent(this.list[this.at].clip.keyframes[this.list[this.at].second]) +
        ' beside this folder.';
    }

    showVideo(item) {
      const {clip, second} = item;
      const video = $('#video');
      const shown = second >= clip.begin && second < clip.end;
      const source = shown ? clip.video : clip.whole;
      $('#video-told').textContent = shown ? 'With boxes and actions'
        : 'The clip itself: with boxes are ' + times.clock(clip.begin, 0) + ' to ' +
          times.clock(clip.end, 0);
      if (this.source !== source) {
        this.source = source;
        video.src = source;
      }
      const start = Math.max(0, second - BEFORE_S - (shown ? clip.begin : 0));
      const play = () => {
        video.currentTime = start;
        // A browser may not play before somebody touched the page.
        video.play().catch(() => {});
      };
      video.onloadedmetadata = play;
      if (video.readyState > 0) play();
    }
  }

  avaflow.look = {Look, BEFORE_S};
})(window.avaflow = window.avaflow || {});
