// Where work is kept: a draft in this browser after every change, and the file, by download or,
// where the page comes from the workflow's server, sent there.
(function (avaflow) {
  'use strict';
  const {model} = avaflow;

  // Milliseconds that changes are gathered before they are sent, so that a drag sends once.
  const SEND_AFTER_MS = 300;
  // The same for files of more than so many characters, which take their time to write and send.
  const LARGE = 1000000;
  const SEND_LARGE_AFTER_MS = 3000;
  // Milliseconds until a server that did not answer is asked again.
  const AGAIN_AFTER_MS = 5000;
  // Milliseconds without any input after which the annotator counts as away.
  const AWAY_AFTER_MS = 60000;
  // Characters of a server's message that are shown.
  const MESSAGE_LENGTH = 300;
  // Milliseconds until a clip that somebody else had is tried again.
  const TAKEN_FOR_MS = 15000;
  // Edits by which two windows tell whether one has all of the other's.
  const REMEMBERED_EDITS = 60;
  const PREFIX = 'avaflow:draft:';
  const ANCHORS = 'avaflow:anchors:';

  // Which tracks a draft speaks of: its person 3 is somebody else where the tracker ran anew.
  function digestOf(clip) {
    let hash = 0x811c9dc5;
    const add = (value) => {
      for (const character of String(value)) {
        hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193) >>> 0;
      }
    };
    add([clip.fps, clip.frames, clip.keyframes.map((one) => one.frame)]);
    for (const {id, frames, boxes} of clip.tracks) {
      add([id, frames.length, frames[0], frames.at(-1), boxes[0], boxes.at(-1),
           boxes[boxes.length >> 1]]);
    }
    return hash.toString(16).padStart(8, '0');
  }

  function token() {
    const given = [...document.querySelectorAll('meta[name="avaflow-token"]')];
    return given.map((one) => one.content).find((text) => text) || '';
  }

  class Store {
    // `told(kind, text)` is called whenever what is saved changes: kinds are `clean`, `draft`,
    // `sending`, `saved`, `trouble`, and `conflict` where the file was changed by somebody else.
    constructor(clip, told) {
      this.clip = clip;
      this.told = told;
      this.annotator = clip.annotator || '';
      this.digest = digestOf(clip);
      this.group = PREFIX + JSON.stringify([clip.clip, this.annotator]) + ':';
      this.key = this.group + this.digest;
      this.stamp = '';
      // The edits that the draft holds, the newest last, of whatever window they are.
      this.lineage = [];
      this.worked = (clip.finished && clip.finished.seconds_worked) || 0;
      this.lastInput = 0;
      this.savedAs = (clip.finished && clip.finished.saved) || '';
      this.savedDoc = null;
      this.keeps = true;
      this.online = location.protocol.startsWith('http') && token() !== '';
      this.sending = false;
      this.taken = false;
      this.sent = 0;
    }

    // ---------------------------------------------------------------- opening

    // The state to begin with, and what has to be said about it.
    open() {
      const {clip} = this;
      const notices = [];
      let began = null;
      try {
        if (clip.finished) began = model.opened(model.check(clip.finished, clip), clip);
      } catch (error) {
        notices.push({text: 'The finished file is not opened: ' + error.message + '.'});
      }
      const made = began || model.opened({persons: []}, clip);
      this.savedDoc = began ? made : null;
      this.beginning = made;
      const draft = this.read();
      let state = {doc: made};
      if (draft && JSON.stringify(draft.doc) !== JSON.stringify(made)) {
        state = {doc: draft.doc};
        notices.push(this.draftNotice(draft, began));
        this.savedDoc = draft.clean ? state.doc : null;
      }
      if (draft) {
        this.stamp = draft.stamp;
        this.worked = Math.max(this.worked, draft.seconds_worked);
        this.lineage = draft.lineage || [];
      }
      notices.push(...this.otherDrafts());
      this.opening = state.doc;
      return {state, notices};
    }

    draftNotice(draft, began) {
      const at = new Date(draft.at).toLocaleString();
      const other = began && draft.savedAs !== this.savedAs;
      const text = draft.clean ? 'Opened: what you saved at ' : 'Opened: your draft of ';
      const more = other ? ' The finished file is another one.' : '';
      const label = began ? 'Open the finished file instead' : 'Begin anew instead';
      return {text: text + at + '.' + more, choices: [{label, doc: this.beginning}]};
    }

    // Drafts of this clip from before its tracks were made anew: never opened over other
    // people, never thrown away unasked.
    otherDrafts() {
      const found = [];
      for (const key of this.keys()) {
        if (!key.startsWith(this.group) || key === this.key) continue;
        const draft = parsed(this.get(key));
        if (!draft) continue;
        const at = new Date(draft.at).toLocaleString();
        found.push({
          text: 'The clip was made anew since your draft of ' + at + '. Download it, put it ' +
            'among the annotations and run the workflow: it is carried over.',
          choices: [
            {label: 'Download it', act: () => this.downloadOld(key, draft), stays: true},
            {label: 'Drop it', act: () => this.drop(key),
             sure: 'Drop this draft? It is gone then.'},
          ],
        });
      }
      return found;
    }

    downloadOld(key, draft) {
      const digest = key.slice(this.group.length);
      const anchors = parsed(this.get(ANCHORS + JSON.stringify([this.clip.clip]) + digest)) || {};
      const persons = draft.doc.persons.map((one) => ({
        ...one,
        tracks: one.tracks.map((stretch) => ({
          ...stretch,
          anchors: (anchors[stretch.track] || [])
            .filter(([frame]) => stretch.from <= frame && frame <= stretch.to),
        })),
      }));
      const old = {...this.clip, ...draft.about, tracks: []};
      this.download(model.serialise({...draft.doc, persons}, old, this.about(draft.seconds_worked)));
    }

    // ---------------------------------------------------------------- the draft

    keys() {
      try {
        return Object.keys(localStorage);
      } catch {
        return [];
      }
    }

    get(key) {
      try {
        return localStorage.getItem(key);
      } catch {
        return null;
      }
    }

    set(key, text) {
      try {
        localStorage.setItem(key, text);
        return true;
      } catch {
        return false;
      }
    }

    drop(key) {
      try {
        localStorage.removeItem(key);
      } catch {
        // A browser that keeps nothing has nothing to drop.
      }
    }

    read() {
      const draft = parsed(this.get(this.key));
      // Drafts from before answers were part of the work hold none.
      if (draft) {
        const {persons, answered = [], accepted = [], rejected = []} = draft.doc;
        draft.doc = {persons, answered, accepted, rejected};
      }
      return draft;
    }

    // What another window on this clip wrote since this one last looked, if anything.
    fresh() {
      const draft = this.read();
      if (!draft || draft.stamp === this.stamp) return null;
      this.stamp = draft.stamp;
      this.worked = Math.max(this.worked, draft.seconds_worked);
      this.lineage = draft.lineage || [];
      if (draft.clean) Object.assign(this, {savedDoc: draft.doc, savedAs: draft.savedAs});
      return {doc: draft.doc};
    }

    // `edit` names what was done; see App.takeOver.
    write(state, edit) {
      const {clip} = this;
      if (edit) this.lineage = [...this.lineage, edit].slice(-REMEMBERED_EDITS);
      this.last = state;
      this.stamp = Date.now().toString(36) + Math.random().toString(36).slice(2);
      // While another state is on its way, the file is about to hold that one.
      const clean = state.doc === this.savedDoc && !this.sending;
      const counts = avaflow.ticks.counts(state.doc, clip);
      this.keeps = this.set(this.key, JSON.stringify({
        stamp: this.stamp, at: new Date().toISOString(), clip: clip.clip, clean,
        lineage: this.lineage, savedAs: this.savedAs, seconds_worked: this.worked, counts,
        about: {fps: clip.fps, frames: clip.frames, width: clip.width, height: clip.height,
                start: clip.start},
        doc: state.doc,
      }));
      if (this.keeps) this.writeAnchors();
      if (clean) {
        // What was to be sent is undone.
        clearTimeout(this.timer);
        this.waiting = null;
        this.tell('clean');
      } else if (this.online && !this.taken) this.send(state);
      else this.tell('draft');
    }

    // Written once for these tracks: without them a draft says nothing to tracks made anew.
    writeAnchors() {
      const key = ANCHORS + JSON.stringify([this.clip.clip]) + this.digest;
      if (this.anchored || this.get(key)) return;
      this.anchored = true;
      const anchors = {};
      for (const track of this.clip.tracks) {
        anchors[track.id] = this.clip.keyframes.flatMap(({frame}) => {
          const at = avaflow.tracks.indexOf(track.frames, frame);
          return track.frames[at] === frame ? [[frame, ...track.boxes[at]]] : [];
        });
      }
      this.set(key, JSON.stringify(anchors));
    }

    tell(kind, text = '') {
      this.told(kind, text);
    }

    // ---------------------------------------------------------------- time

    // Time between inputs counts as work, unless the annotator went away.
    input(now = Date.now()) {
      const passed = now - this.lastInput;
      if (this.lastInput && passed < AWAY_AFTER_MS) this.worked += passed / 1000;
      this.lastInput = now;
    }

    about(worked = this.worked) {
      return {
        annotator: this.annotator,
        saved: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        seconds_worked: Math.round(worked),
      };
    }

    // ---------------------------------------------------------------- the file

    address() {
      return 'api/annotations/' + encodeURIComponent(this.clip.clip);
    }

    // What the server has of this clip now, or null.
    async latest() {
      try {
        const answer = await fetch(this.address(), {headers: {'X-Avaflow-Token': token()}});
        if (!answer.ok) return null;
        return model.check(JSON.parse(await answer.text()), this.clip);
      } catch {
        return null;
      }
    }

    name() {
      return this.clip.clip + (this.annotator ? '.' + this.annotator : '') + '.json';
    }

    download(text) {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([text], {type: 'application/json'}));
      link.download = this.name();
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    }

    save(state) {
      this.taken = false;
      if (this.online) {
        this.send(state, 0);
        return;
      }
      const about = this.about();
      this.download(model.serialise(state.doc, this.clip, about));
      this.savedAs = about.saved;
      this.savedDoc = state.doc;
      this.write(state);
      this.tell('saved', this.name());
    }

    retry() {
      if (!this.taken) return;
      this.taken = false;
      if (this.last && this.last.doc !== this.savedDoc) this.send(this.last, 0);
    }

    // The file as it would be saved now, where it cannot be.
    downloadNow(state) {
      this.download(model.serialise(state.doc, this.clip, this.about()));
    }

    send(state, after = this.sent > LARGE ? SEND_LARGE_AFTER_MS : SEND_AFTER_MS) {
      this.waiting = state;
      this.tell('sending');
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.sendNow(), after);
    }

    async sendNow() {
      if (this.sending || !this.waiting) return;
      const state = this.waiting;
      this.waiting = null;
      this.sending = true;
      const about = this.about();
      const body = model.serialise(state.doc, this.clip, about);
      this.sent = body.length;
      let answer = null;
      try {
        answer = await fetch(this.address(), {
          method: 'PUT',
          headers: {'Content-Type': 'application/json', 'X-Avaflow-Token': token()},
          body,
        });
      } catch {
        // Told below: the server did not answer.
      }
      this.sending = false;
      await this.answered(answer, state, about);
    }

    async answered(answer, state, about) {
      if (answer && answer.ok) {
        this.savedAs = about.saved;
        this.savedDoc = state.doc;
        if (this.waiting) this.send(this.waiting);
        else {
          this.write(state);
          this.tell('saved', new Date().toLocaleTimeString());
        }
        return;
      }
      const message = answer ? (await messageOf(answer)) : 'The server does not answer.';
      // It may have written the file all the same.
      if (!answer) this.savedDoc = null;
      if (answer && answer.status === 409) {
        this.taken = true;
        this.tell('trouble', 'Taken by somebody else: ' + message);
        setTimeout(() => this.retry(), TAKEN_FOR_MS);
        return;
      }
      if (answer && [412, 428].includes(answer.status)) {
        this.taken = true;
        this.tell('conflict', message);
        return;
      }
      this.tell('trouble', 'Not saved: ' + message);
      if (!answer || answer.status >= 500) this.send(this.waiting || state, AGAIN_AFTER_MS);
    }
  }

  async function messageOf(answer) {
    let text = '';
    try {
      text = await answer.text();
      const told = JSON.parse(text);
      text = told.message || told.error || text;
    } catch {
      // Plain text is shown as it is.
    }
    return String(text || answer.statusText || answer.status).slice(0, MESSAGE_LENGTH);
  }

  function parsed(text) {
    try {
      return text ? JSON.parse(text) : null;
    } catch {
      return null;
    }
  }

  // By clip, for the index: counts of its newest draft in this browser, whether it is `clean`,
  // that is saved, and the seconds worked on it.
  function draftCounts() {
    const found = new Map();
    let keys = [];
    try {
      keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    } catch {
      return found;
    }
    for (const key of keys) {
      const draft = parsed(localStorage.getItem(key));
      if (!draft || (found.has(draft.clip) && found.get(draft.clip).at > draft.at)) continue;
      const {at, clean, seconds_worked} = draft;
      found.set(draft.clip, {...draft.counts, at, clean, seconds_worked});
    }
    return found;
  }

  avaflow.store = {Store, digestOf, draftCounts};
})(window.avaflow = window.avaflow || {});
