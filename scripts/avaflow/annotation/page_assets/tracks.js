// Where a person is: the boxes of the person's stretches of tracks and those mended by hand.
(function (avaflow) {
  'use strict';
  const {frameAt} = avaflow.times;

  // Seconds. Between two detections that are farther apart than this nobody knows where the
  // person was: no box is drawn.
  const GAP_S = 1.05;
  // Seconds. Two mended boxes closer than this are joined by a line where no track is between:
  // the person was there. The reader of labels has the same rule.
  const MENDED_GAP_S = 3;
  // Seconds on each side of a mended box over which the track bends to it.
  const BEND_S = 0.5;

  const tracksOf = new WeakMap();
  const views = new WeakMap();

  function trackById(clip) {
    let byId = tracksOf.get(clip);
    if (!byId) {
      byId = new Map(clip.tracks.map((track) => [track.id, track]));
      tracksOf.set(clip, byId);
    }
    return byId;
  }

  // The first index whose frame is not before `frame`.
  function indexOf(frames, frame) {
    let low = 0;
    let high = frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (frames[middle] < frame) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Of a track that is another now only the boxes are known that its file remembers.
  function ofAnchors({anchors}) {
    const sorted = [...anchors].sort((a, b) => a[0] - b[0]);
    return {frames: sorted.map((one) => one[0]), boxes: sorted.map((one) => one.slice(1))};
  }

  // The detections of a person by frame; the first stretch wins where two hold a frame.
  function detections(person, clip) {
    const byId = trackById(clip);
    const lists = [];
    for (const stretch of person.tracks) {
      const track = stretch.anchors ? ofAnchors(stretch) : byId.get(stretch.track);
      if (!track) continue;
      const from = indexOf(track.frames, stretch.from);
      const to = indexOf(track.frames, stretch.to + 1);
      if (to > from) lists.push([track.frames.slice(from, to), track.boxes.slice(from, to)]);
    }
    lists.sort((a, b) => a[0][0] - b[0][0]);
    const apart = lists.every((list, n) => !n || list[0][0] > lists[n - 1][0].at(-1));
    if (apart) {
      return {frames: lists.flatMap((list) => list[0]), boxes: lists.flatMap((list) => list[1])};
    }
    const boxes = new Map();
    for (const [frames, list] of lists) {
      frames.forEach((frame, n) => boxes.has(frame) || boxes.set(frame, list[n]));
    }
    const frames = [...boxes.keys()].sort((a, b) => a - b);
    return {frames, boxes: frames.map((frame) => boxes.get(frame))};
  }

  // All that is derived from a person's boxes, made once for as long as they stay the same.
  function view(person, clip) {
    const known = views.get(person.tracks);
    if (known && known.mended === person.boxes && known.removed === person.removed &&
        known.clip === clip) return known;
    const made = detections(person, clip);
    made.mended = person.boxes;
    made.removed = person.removed;
    made.clip = clip;
    made.hands = person.boxes.map((one) => ({frame: frameAt(one.second, clip), box: one.box}))
      .sort((a, b) => a.frame - b.frame);
    made.present = presence(person, made, clip);
    const ends = [...made.hands.map((one) => one.frame)];
    if (made.frames.length) ends.push(made.frames[0], made.frames.at(-1));
    made.first = ends.length ? Math.min(...ends) : 0;
    made.last = ends.length ? Math.max(...ends) : 0;
    made.stretches = stretches(made, clip);
    views.set(person.tracks, made);
    return made;
  }

  // By second of a keyframe: the box there. `hand` where it was mended, `line` where it lies
  // on the line between two mended ones.
  function presence(person, made, clip) {
    const present = new Map();
    const removed = new Set(person.removed);
    const mended = new Map(person.boxes.map((one) => [one.second, one.box]));
    for (const keyframe of clip.keyframes) {
      if (removed.has(keyframe.second)) continue;
      const hand = mended.get(keyframe.second);
      const at = indexOf(made.frames, keyframe.frame);
      if (hand) present.set(keyframe.second, {box: hand, how: 'hand'});
      else if (made.frames[at] === keyframe.frame) {
        present.set(keyframe.second, {box: made.boxes[at], how: 'track'});
      } else {
        const box = onLine(made, keyframe.frame, clip);
        if (box) present.set(keyframe.second, {box, how: 'line'});
      }
    }
    return present;
  }

  function onLine(made, frame, clip) {
    const after = made.hands.findIndex((one) => one.frame > frame);
    if (after < 1) return null;
    const [one, other] = [made.hands[after - 1], made.hands[after]];
    if ((other.frame - one.frame) / clip.fps >= MENDED_GAP_S) return null;
    const at = indexOf(made.frames, one.frame + 1);
    if (at < made.frames.length && made.frames[at] < other.frame) return null;
    return between(one.box, other.box, (frame - one.frame) / (other.frame - one.frame));
  }

  function between(a, b, share) {
    return a.map((value, n) => value + (b[n] - value) * share);
  }

  // The box to draw on any frame, or null. `sure` is false between distant detections.
  function boxAt(person, frame, clip) {
    const made = view(person, clip);
    const removed = person.removed.length &&
      person.removed.some((s) => Math.abs(frame - frameAt(s, clip)) < clip.fps / 2);
    if (removed) return null;
    const exact = made.hands.find((one) => one.frame === frame);
    if (exact) return {box: exact.box, how: 'hand', sure: true};
    const found = onTrack(made, frame, clip);
    if (!found) {
      const box = onLine(made, frame, clip);
      return box && {box, how: 'line', sure: false};
    }
    return bent(found, made, frame, clip);
  }

  function onTrack(made, frame, clip) {
    const at = indexOf(made.frames, frame);
    if (made.frames[at] === frame) return {box: made.boxes[at], how: 'track', sure: true};
    if (!at || at === made.frames.length) return null;
    const [one, other] = [made.frames[at - 1], made.frames[at]];
    const gap = other - one;
    if (gap > GAP_S * clip.fps) return null;
    const box = between(made.boxes[at - 1], made.boxes[at], (frame - one) / gap);
    return {box, how: 'track', sure: gap <= clip.fps / 2};
  }

  // The track near a mended box goes through it: what the hand moved, half a second around.
  function bent(found, made, frame, clip) {
    const reach = BEND_S * clip.fps;
    for (const hand of made.hands) {
      const away = Math.abs(hand.frame - frame);
      if (away >= reach) continue;
      const own = onTrack(made, hand.frame, clip);
      if (!own) continue;
      const share = 1 - away / reach;
      const box = found.box.map((v, n) => v + (hand.box[n] - own.box[n]) * share);
      return {box, how: 'track', sure: found.sure};
    }
    return found;
  }

  // Stretches of frames over which the person is seen without a gap.
  function stretches(made, clip) {
    const frames = [...new Set([...made.frames, ...made.hands.map((one) => one.frame)])]
      .sort((a, b) => a - b);
    const found = [];
    for (const frame of frames) {
      const last = found.at(-1);
      const near = last && (frame - last[1] <= GAP_S * clip.fps || onLine(made, frame - 1, clip));
      if (near) last[1] = frame;
      else found.push([frame, frame]);
    }
    return found;
  }

  // Seconds from first to last sight, half-open.
  function sight(person, clip) {
    const made = view(person, clip);
    if (!made.last) return null;
    return [avaflow.times.secondOf(made.first, clip), avaflow.times.endOf(made.last, clip)];
  }

  avaflow.tracks = {view, boxAt, sight, indexOf, trackById, between, MENDED_GAP_S};
})(window.avaflow = window.avaflow || {});
