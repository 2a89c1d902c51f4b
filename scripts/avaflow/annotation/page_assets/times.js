// Seconds and frames of a clip, by the rules of avaflow.times: frame 1 begins at second 0.
(function (avaflow) {
  'use strict';

  // Seconds. A frame's beginning, computed as (frame - 1) / fps, must not fall into the frame
  // before it by a rounding error.
  const EPSILON_S = 1e-6;
  // Decimals of a second in the file: a thirtieth of a frame at 30 frames a second.
  const DECIMALS = 3;

  function frameAt(second, clip) {
    const frame = Math.floor((second + EPSILON_S) * clip.fps) + 1;
    return Math.min(clip.frames, Math.max(1, frame));
  }

  function secondOf(frame, clip) {
    return rounded((frame - 1) / clip.fps);
  }

  // Where to seek for a frame: at its very beginning players may show the one before.
  function middleOf(frame, clip) {
    return (frame - 0.5) / clip.fps;
  }

  function endOf(frame, clip) {
    return rounded(frame / clip.fps);
  }

  function rounded(second) {
    return Number(second.toFixed(DECIMALS));
  }

  function clock(second, decimals = 1) {
    const scale = 10 ** decimals;
    const whole = Math.round(Math.max(0, second) * scale);
    const minutes = Math.floor(whole / (60 * scale));
    const rest = ((whole - minutes * 60 * scale) / scale).toFixed(decimals);
    return minutes + ':' + rest.padStart(decimals ? 3 + decimals : 2, '0');
  }

  function duration(seconds) {
    const minutes = Math.round(seconds / 60);
    if (seconds < 60) return Math.round(seconds) + ' s';
    if (minutes < 60) return minutes + ' min';
    return Math.floor(minutes / 60) + ' h ' + String(minutes % 60).padStart(2, '0') + ' min';
  }

  avaflow.times = {frameAt, secondOf, middleOf, endOf, rounded, clock, duration};
})(window.avaflow = window.avaflow || {});
