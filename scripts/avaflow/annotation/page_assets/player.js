// The clip's video, shown frame by frame; where the browser cannot play it, its keyframes.
(function (avaflow) {
  'use strict';
  const {frameAt, middleOf} = avaflow.times;

  const RATES = [0.25, 0.5, 0.75, 1, 1.5, 2, 3];
  // Where the rate is kept, for the clips that follow.
  const KEPT_RATE = 'avaflow:rate';
  // Seconds on each side of a keyframe that a loop shows.
  const LOOP_S = 1;

  class Player {
    // `moved(frame)` is called whenever another frame is shown, `failed()` once if the video
    // cannot be played.
    constructor(clip, video, still, {moved, turned, failed}) {
      Object.assign(this, {clip, video, still, moved, turned});
      this.frame = 1;
      this.rate = keptRate();
      this.loop = null;
      this.stills = false;
      this.running = false;
      this.images = new Map();
      video.addEventListener('error', () => this.fallBack(failed));
      video.addEventListener('loadedmetadata', () => {
        // Sound alone is played where the codec of the picture is not known.
        if (!video.videoWidth) this.fallBack(failed);
        else if (this.frame > 1) this.seek(this.frame);
      });
      video.addEventListener('seeked', () => this.sought());
      video.addEventListener('play', () => turned());
      video.addEventListener('pause', () => turned());
      video.addEventListener('ended', () => this.at(clip.frames));
      // Loading sets a video's rate back to its default.
      video.defaultPlaybackRate = video.playbackRate = this.rate;
      video.src = clip.video;
      this.watch();
    }

    get second() {
      return (this.frame - 1) / this.clip.fps;
    }

    get playing() {
      return this.stills ? this.running : !this.video.paused && !this.video.ended;
    }

    // The frame on the screen, as exactly as the browser tells.
    watch() {
      const {video, clip} = this;
      if (!video.requestVideoFrameCallback) {
        const look = () => {
          if (this.playing && !this.stills) this.at(frameAt(video.currentTime, clip));
          requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
        return;
      }
      const shown = (now, metadata) => {
        // Answers to an earlier seek are not where a later one went.
        if (!this.stills && this.playing && !this.seeking) {
          this.at(frameAt(metadata.mediaTime + 0.5 / clip.fps, clip));
        }
        video.requestVideoFrameCallback(shown);
      };
      video.requestVideoFrameCallback(shown);
    }

    at(frame) {
      if (this.loop && this.playing && (frame > this.loop.to || frame < this.loop.from)) {
        this.seek(this.loop.from);
        return;
      }
      if (frame === this.frame) return;
      this.frame = frame;
      if (this.stills) this.showStill();
      this.moved(frame);
    }

    seek(frame) {
      const wanted = Math.min(this.clip.frames, Math.max(1, Math.round(frame)));
      // Who goes elsewhere is not taken back: the loop comes along.
      if (this.loop && (wanted < this.loop.from || wanted > this.loop.to)) {
        this.loop = this.loopAround(wanted);
      }
      if (!this.stills) {
        // One seek at a time: the last one asked for is made when the one under way is done.
        if (this.seeking) this.next = wanted;
        else this.seekVideo(wanted);
      }
      const same = wanted === this.frame;
      this.frame = wanted;
      if (this.stills) this.showStill();
      if (!same) this.moved(wanted);
    }

    seekVideo(frame) {
      if (this.video.readyState < 1) return;
      this.seeking = true;
      this.video.currentTime = middleOf(frame, this.clip);
    }

    sought() {
      this.seeking = false;
      const {next} = this;
      this.next = null;
      if (next) this.seekVideo(next);
    }

    play() {
      if (this.frame >= this.clip.frames) this.seek(1);
      if (this.stills) this.runStills();
      else this.video.play().catch(() => this.turned());
    }

    pause() {
      if (this.stills) {
        this.running = false;
        this.turned();
        return;
      }
      if (!this.playing) return;
      this.video.pause();
      // The picture stops in the middle of a frame; the next key counts from there.
      if (!this.seeking) this.seek(frameAt(this.video.currentTime, this.clip));
    }

    toggle() {
      if (this.playing) this.pause();
      else this.play();
    }

    step(frames) {
      this.pause();
      this.seek(this.frame + frames);
    }

    setRate(rate) {
      this.rate = rate;
      this.video.defaultPlaybackRate = this.video.playbackRate = rate;
      try {
        localStorage.setItem(KEPT_RATE, String(rate));
      } catch {
        // Holds until the page is closed.
      }
      this.turned();
    }

    changeRate(steps) {
      const at = RATES.indexOf(this.rate) + steps;
      this.setRate(RATES[Math.min(RATES.length - 1, Math.max(0, at))]);
    }

    toggleLoop() {
      if (this.loop) this.loop = null;
      else {
        this.loop = this.loopAround(this.frame);
        this.seek(this.loop.from);
        this.play();
      }
      this.turned();
    }

    // Around the nearest keyframe; around the frame itself where none is near.
    loopAround(frame) {
      const {clip} = this;
      const reach = LOOP_S * clip.fps;
      const near = nearestKeyframe(clip, frame).frame;
      const middle = Math.abs(near - frame) <= reach ? near : frame;
      return {from: Math.max(1, middle - reach), to: Math.min(clip.frames, middle + reach)};
    }

    // ---------------------------------------------------------------- without a video

    fallBack(failed) {
      if (this.stills) return;
      this.stills = true;
      this.seeking = false;
      this.video.hidden = true;
      this.still.hidden = false;
      this.showStill();
      failed();
      this.turned();
    }

    showStill() {
      const shown = nearestKeyframe(this.clip, this.frame);
      if (shown && this.still.getAttribute('src') !== shown.image) this.still.src = shown.image;
    }

    runStills() {
      this.running = true;
      let last = performance.now();
      let exact = this.frame;
      const tick = (now) => {
        if (!this.running) return;
        exact += ((now - last) / 1000) * this.clip.fps * this.rate;
        last = now;
        if (exact >= this.clip.frames) {
          this.at(this.clip.frames);
          this.pause();
          return;
        }
        this.at(Math.floor(exact));
        if (this.loop && exact > this.loop.to) exact = this.loop.from;
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
      this.turned();
    }
  }

  function keptRate() {
    try {
      const rate = Number(localStorage.getItem(KEPT_RATE));
      return RATES.includes(rate) ? rate : 1;
    } catch {
      return 1;
    }
  }

  function nearestKeyframe(clip, frame) {
    let best = null;
    for (const one of clip.keyframes) {
      if (!best || Math.abs(one.frame - frame) < Math.abs(best.frame - frame)) best = one;
    }
    return best || {second: 0, frame: 1, image: ''};
  }

  avaflow.player = {Player, RATES, nearestKeyframe};
})(window.avaflow = window.avaflow || {});
