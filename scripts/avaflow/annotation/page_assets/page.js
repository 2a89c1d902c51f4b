// The page of a clip: puts the parts together, and is what their keys and buttons do.
(function (avaflow) {
  'use strict';
  const {times, model, tracks, ticks, colours, suggestions} = avaflow;
  const {element} = avaflow.panel;

  // Milliseconds in which a further digit belongs to the same number.
  const NUMBER_MS = 700;
  // Milliseconds that a message stays.
  const MESSAGE_MS = 6000;
  // Pixels of the video that one press of an arrow key moves a box by.
  const NUDGE_PX = 2;
  // Of the picture: a box drawn without a mouse begins in the middle, this wide and tall.
  const NEW_BOX = [0.44, 0.25, 0.56, 0.75];
  // Edits of this window that another one may not know of yet.
  const RECENT_EDITS = 20;
  const THEME = 'avaflow:theme';

  const $ = (selector) => document.querySelector(selector);

  class App {
    constructor(clip) {
      this.clip = clip;
      this.chosen = 0;
      this.mode = null;
      this.preview = null;
      this.digits = '';
      this.recent = [];
      this.colour = colours.ofOptions(clip.attributes);
      this.suggested = suggestions.read(window.AVAFLOW_SUGGESTIONS, clip);
      this.focused = null;
      this.store = new avaflow.store.Store(clip, (kind, text) => this.showSaved(kind, text));
      const {state, notices} = this.store.open();
      this.history = new model.History(state);
      this.keys = new avaflow.keys.Keys();
      this.addCommands();
      this.keys.settle();
      this.player = new avaflow.player.Player(clip, $('#video'), $('#still'), {
        moved: () => this.moved(),
        turned: () => this.showControls(),
        failed: () => this.notice({
          text: 'This browser cannot play the video. Its keyframes are shown instead, one a second.',
        }),
      });
      this.panel = new avaflow.panel.Panel(this, $('#panel'));
      this.timeline = new avaflow.timeline.Timeline(this, $('#timeline'));
      this.strip = new avaflow.strip.Strip(this, $('#strip'));
      this.boxes = new avaflow.boxes.Boxes(this, $('#stage'), $('#picture'), $('#overlay'));
      this.wire();
      notices.forEach((one) => this.notice(one));
      // Else somebody would annotate anew over what was finished.
      if (clip.trouble) {
        this.notice({text: 'A file of this clip is there and was not opened: ' + clip.trouble});
      }
      const unsaved = this.store.savedDoc !== state.doc && state.doc !== this.store.beginning;
      if (this.store.online) this.takeServers(unsaved);
      else if (unsaved) this.store.write(state);
      else this.showSaved('clean');
      const first = this.nextToJudge(0) || this.doc.persons[0];
      if (first) this.choose(first.id, true);
      this.player.seek(clip.keyframes.length ? clip.keyframes[0].frame : 1);
      this.goToAddress();
      window.addEventListener('hashchange', () => this.goToAddress());
      this.refresh();
      this.showControls();
      // Milliseconds since the page was asked for.
      this.openedAfter = performance.now();
    }

    get doc() {
      return this.preview || this.history.present.doc;
    }

    person(id = this.chosen) {
      return model.find(this.doc, id);
    }

    // ---------------------------------------------------------------- changing

    edit(change, text) {
      return this.editState((state) => {
        const doc = change(state.doc);
        return doc === state.doc ? state : {...state, doc};
      }, text);
    }

    // What another window did since is taken over first, so that neither's work is lost.
    editState(change, text) {
      this.preview = null;
      this.takeOver();
      if (!this.history.apply(change, {text, chosen: this.chosen})) return false;
      const id = Date.now().toString(36) + Math.random().toString(36).slice(2, 8);
      this.recent = [...this.recent, {id, change}].slice(-RECENT_EDITS);
      this.written(text, id);
      return true;
    }

    written(text, id) {
      this.store.write(this.history.present, id);
      if (!this.person()) this.chosen = 0;
      this.refresh();
      if (text) this.say(text);
    }

    // Where two windows wrote at one moment, the later one did not know of the earlier one's
    // edit: whoever finds an edit of its own missing makes it again.
    takeOver() {
      const fresh = this.store.fresh();
      if (!fresh) return false;
      this.history.apply(() => fresh);
      const missing = this.recent.filter(({id}) => !this.store.lineage.includes(id));
      for (const {id, change} of missing) {
        this.history.apply(change);
        this.store.write(this.history.present, id);
      }
      return true;
    }

    // The server may hold newer work than this page was made with: that comes first, but for a
    // draft that it has not seen.
    async takeServers(unsaved) {
      const file = await this.store.latest();
      const theirs = file && model.opened(file, this.clip);
      const news = file && file.saved !== this.store.savedAs;
      if (news && unsaved) {
        this.notice({
          text: 'Somebody saved this clip at ' + new Date(file.saved).toLocaleString() +
            ', after your draft began.',
          choices: [{label: 'Open what was saved', doc: theirs}],
        });
        this.showSaved('draft');
      } else if (news) this.openServers(file);
      else if (unsaved) this.store.write(this.history.present);
      else this.showSaved('clean');
    }

    openServers(file) {
      const doc = model.opened(file, this.clip);
      this.history.apply((state) => ({...state, doc}));
      Object.assign(this.store, {savedAs: file.saved, savedDoc: doc});
      this.written('Opened as it was saved last; undo brings the other back.');
    }

    undo() {
      this.takeOver();
      const step = this.history.undo();
      if (step) this.wentBack(step, 'Undone');
      else this.say('Nothing to undo.');
    }

    redo() {
      const step = this.history.redo();
      if (step) this.wentBack(step, 'Done again');
      else this.say('Nothing to redo.');
    }

    // Whom it was about is chosen, so that it can be seen what changed.
    wentBack({text, chosen}, done) {
      if (this.person(chosen)) this.chosen = chosen;
      this.written(done + (text ? ': ' + text.replace(/\.$/, '') + '.' : '.'));
      this.timeline.reveal();
    }

    // ---------------------------------------------------------------- showing

    moved() {
      this.boxes.moved();
      this.timeline.movePlayhead();
      this.panel.renderOptions();
      this.strip.follow();
      this.showTime();
    }

    refresh() {
      this.panel.render();
      this.timeline.render();
      this.strip.render();
      this.boxes.render();
      const {judged, toJudge} = ticks.counts(this.doc, this.clip);
      $('#progress').textContent = judged + ' of ' + toJudge + ' s judged';
      $('#bar').style.width = (toJudge ? (100 * judged) / toJudge : 0) + '%';
      const waiting = this.doubts().length;
      $('#doubts').hidden = !waiting;
      $('#doubts').firstChild.textContent = waiting + (waiting === 1 ? ' doubt ' : ' doubts ');
      $('#undo').disabled = !this.history.past.length;
      $('#redo').disabled = !this.history.future.length;
      this.showMode();
    }

    showTime() {
      const {player, clip} = this;
      const keyframe = clip.keyframes.find((one) => one.frame === player.frame);
      $('#time').textContent = times.clock(player.second) + ' / ' +
        times.clock(clip.frames / clip.fps);
      $('#frame').textContent = 'frame ' + player.frame + (keyframe ? ' · keyframe' : '');
    }

    showControls() {
      const {player} = this;
      if (!player) return;
      $('#play').textContent = player.playing ? 'Pause' : 'Play';
      $('#play').append(element('kbd', {text: this.keys.shown('play')}));
      $('#rate').value = String(player.rate);
      $('#loop').setAttribute('aria-pressed', Boolean(player.loop));
      this.showTime();
      this.boxes && this.boxes.render();
    }

    // Colours of the page for what is drawn on canvases.
    style() {
      if (this.styles) return this.styles;
      const computed = getComputedStyle(document.documentElement);
      this.styles = {};
      for (const name of ['ink', 'soft', 'line', 'seen', 'chosen', 'green', 'blue']) {
        this.styles[name] = computed.getPropertyValue('--' + name).trim();
      }
      return this.styles;
    }

    say(text) {
      const told = $('#told');
      told.textContent = told.title = text;
      clearTimeout(this.silence);
      this.silence = setTimeout(() => (told.textContent = told.title = ''), MESSAGE_MS);
    }

    showSaved(kind, text = '') {
      const lost = this.store && !this.store.keeps && kind !== 'saved';
      const told = {
        clean: this.store && this.store.savedAs ? 'All is saved.' : 'Nothing is changed yet.',
        draft: 'Not saved yet; a draft is kept in this browser.',
        sending: 'Saving …',
        saved: 'Saved: ' + text,
        trouble: text,
        conflict: 'Not saved: the file was changed by somebody else.',
      }[kind];
      if (kind === 'conflict') this.conflict(text);
      const saved = $('#saved');
      saved.textContent = lost ? 'This browser keeps no draft: save often.' : told;
      // A server's words may be longer than the room for them.
      saved.title = saved.textContent;
      saved.className = lost || kind === 'conflict' ? 'trouble' : kind;
    }

    // A line above the page. Of its choices `doc` is opened, `act` is done after the question
    // `sure`, if there is one; the line goes unless it `stays`.
    notice({text, choices = []}) {
      const line = element('div', {class: 'notice', role: 'status'},
        element('span', {dir: 'auto', text}));
      for (const {label, doc, act, sure, stays} of [...choices, {label: 'Close'}]) {
        line.append(element('button', {type: 'button', text: label, onclick: () => {
          if (sure && !confirm(sure)) return;
          if (doc) this.edit(() => doc, 'Opened; undo brings the other back.');
          if (act) act();
          if (!stays) line.remove();
        }}));
      }
      $('#notices').append(line);
    }

    // Somebody else saved this clip meanwhile: which of the two counts is the annotator's choice.
    conflict(message) {
      if (this.conflicting) return;
      this.conflicting = true;
      this.notice({text: message, choices: [
        {label: 'Download my work', act: () => this.store.downloadNow(this.history.present),
         stays: true},
        {label: 'Open what was saved', act: async () => {
          const file = await this.store.latest();
          this.conflicting = this.store.taken = false;
          if (file) this.openServers(file);
        }},
      ]});
    }

    // ---------------------------------------------------------------- choosing

    choose(id, quiet = false) {
      if (this.mode && this.mode.target) {
        const {target} = this.mode;
        this.leave();
        target(id);
        return;
      }
      if (!model.find(this.doc, id)) {
        this.say('There is no person ' + id + '.');
        return;
      }
      this.chosen = id;
      // A picture that follows somebody follows whoever is chosen.
      if (this.boxes.following) this.zoomTo(this.person());
      this.refresh();
      this.timeline.reveal();
      if (!quiet) this.say('Person ' + id + ' is chosen.');
    }

    // Among those in the picture, or among all where nobody is.
    chooseNext(steps) {
      const {doc, clip, player} = this;
      const here = doc.persons.filter((one) => tracks.boxAt(one, player.frame, clip));
      const among = here.length ? here : doc.persons;
      if (!among.length) return;
      const at = among.findIndex((one) => one.id === this.chosen);
      const next = at < 0 ? (steps > 0 ? 0 : among.length - 1)
        : (at + steps + among.length) % among.length;
      this.choose(among[next].id);
    }

    chooseRow(steps) {
      const {persons} = this.doc;
      if (!persons.length) return;
      const at = persons.findIndex((one) => one.id === this.chosen);
      this.choose(persons[Math.min(persons.length - 1, Math.max(0, at + steps))].id);
    }

    nextToJudge(after) {
      const open = this.doc.persons.filter((one) => {
        const {toJudge, judged} = ticks.countsOf(one, this.clip);
        return judged < toJudge;
      });
      return open.find((one) => one.id > after) || open[0];
    }

    // A link to somebody on a keyframe ends in `#second=3&person=2`.
    goToAddress() {
      const told = new URLSearchParams(location.hash.slice(1));
      const keyframe = this.clip.keyframes.find((one) => String(one.second) === told.get('second'));
      if (keyframe) this.player.seek(keyframe.frame);
      const person = Number(told.get('person'));
      if (model.find(this.doc, person)) this.choose(person, true);
    }

    goToNext(why = '') {
      const next = this.nextToJudge(this.chosen);
      if (!next) {
        this.say(why + 'Everybody is judged.');
        return;
      }
      this.choose(next.id, true);
      const {present} = tracks.view(next, this.clip);
      const first = this.clip.keyframes.find(({second}) =>
        present.has(second) && !ticks.isJudged(next, second));
      if (first) this.player.seek(first.frame);
      this.say(why + 'Person ' + next.id + ' is next.');
    }

    // Digits one after the other; taken at once where no longer number begins with them.
    digit(digit, taken) {
      clearTimeout(this.number);
      this.digits += digit;
      const wanted = this.digits;
      const longer = this.doc.persons.some(({id}) =>
        String(id) !== wanted && String(id).startsWith(wanted));
      const take = () => {
        this.digits = '';
        taken(Number(wanted));
      };
      if (longer) this.number = setTimeout(take, NUMBER_MS);
      else take();
    }

    // ---------------------------------------------------------------- times

    seekFrame(frame) {
      this.player.pause();
      this.player.seek(frame);
    }

    seekSecond(second) {
      this.seekFrame(times.frameAt(second, this.clip));
    }

    keyframe() {
      return avaflow.player.nearestKeyframe(this.clip, this.player.frame);
    }

    onKeyframe() {
      return this.clip.keyframes.length > 0 && this.keyframe().frame === this.player.frame;
    }

    toKeyframe() {
      const keyframe = this.keyframe();
      this.seekFrame(keyframe.frame);
      return keyframe.second;
    }

    stepKeyframe(direction) {
      const {clip, player} = this;
      const ahead = clip.keyframes.filter(({frame}) => (frame - player.frame) * direction > 0);
      const next = direction > 0 ? ahead[0] : ahead.at(-1);
      if (next) this.seekFrame(next.frame);
    }

    toSight(end) {
      const person = this.person();
      if (!person) return;
      const view = tracks.view(person, this.clip);
      if (view.last) this.seekFrame(end < 0 ? view.first : view.last);
    }

    // ---------------------------------------------------------------- actions

    optionCommand(attribute, option) {
      return 'option:' + JSON.stringify([attribute.name, option]);
    }

    // `how`: from here on, for the whole presence, for everybody in the picture.
    option(attribute, option, how) {
      const {clip, player} = this;
      if (how === 'everybody') {
        this.everybody(attribute, option);
        return;
      }
      const person = this.person();
      if (!person) {
        this.say('Choose a person first.');
        return;
      }
      const sight = tracks.sight(person, clip);
      if (!sight || person.kind !== 'person') {
        this.say('Person ' + person.id + ' is ' + (sight ? person.kind : 'not seen') + '.');
        return;
      }
      if (how === 'whole') {
        this.edit((doc) => model.toggleWhole(doc, person.id, attribute, option, ...sight),
                  option + ': the whole time of person ' + person.id);
        return;
      }
      this.fromHere(person, attribute, option, sight);
    }

    fromHere(person, attribute, option, [first, last]) {
      const {player} = this;
      const now = times.secondOf(player.frame, this.clip);
      const ends = model.isSet(person, attribute.name, option, now);
      const late = player.playing && !ends
        ? ((this.clip.settings || {}).reaction_ms || 0) / 1000 * player.rate : 0;
      const at = times.rounded(Math.max(first, now - late));
      if (at >= last || now < first) {
        this.say('Person ' + person.id + ' is not seen here.');
        return;
      }
      this.edit((doc) => model.toggleFrom(doc, person.id, attribute, option, at, last),
                option + (ends ? ' ends at ' : ' from ') + times.clock(at) + ', person ' + person.id);
    }

    everybody(attribute, option) {
      const {clip, player} = this;
      const people = this.doc.persons
        .filter((one) => one.kind === 'person' && tracks.boxAt(one, player.frame, clip))
        .map((one) => ({id: one.id, end: tracks.sight(one, clip)[1]}));
      if (!people.length) {
        this.say('Nobody is in the picture here.');
        return;
      }
      const at = times.secondOf(player.frame, clip);
      this.edit((doc) => model.toggleEverybody(doc, people, attribute, option, at),
                option + ': ' + people.length + ' in the picture, at ' + times.clock(at));
    }

    judge() {
      const person = this.person();
      const sight = person && tracks.sight(person, this.clip);
      if (!sight || person.kind !== 'person') {
        this.goToNext();
        return;
      }
      this.edit((doc) => model.judge(doc, person.id, ...sight),
                'Person ' + person.id + ' is judged.');
      this.goToNext('Person ' + person.id + ' is judged. ');
    }

    // From where the judged stretch before this moment ends, to this frame.
    judgeHere() {
      const person = this.person();
      const sight = person && tracks.sight(person, this.clip);
      if (!sight) return;
      const to = Math.min(sight[1], times.endOf(this.player.frame, this.clip));
      const ends = person.judged.map(([, end]) => end).filter((end) => end <= to);
      const from = Math.max(sight[0], ...ends);
      this.edit((doc) => model.judge(doc, person.id, from, to),
                'Judged up to ' + times.clock(to) + ', person ' + person.id);
    }

    unjudge() {
      const person = this.person();
      if (!person) return;
      this.edit((doc) => model.unjudge(doc, person.id, 0, this.clip.frames),
                'Nothing of person ' + person.id + ' is judged any more.');
    }

    setKind(kind) {
      const person = this.person();
      if (!person) return;
      const turned = person.kind === kind ? 'person' : kind;
      this.edit((doc) => model.setKind(doc, person.id, turned),
                'Person ' + person.id + ': ' + turned);
    }

    // ---------------------------------------------------------------- boxes

    mend(id, second, box) {
      this.edit((doc) => model.mend(doc, id, second, box), 'Box mended at second ' + second);
    }

    // Somebody new, or another box of the person that was asked for.
    drawn(second, box) {
      const whose = this.mode && this.mode.person;
      this.leave();
      if (whose) {
        this.mend(whose, second, box);
        this.choose(whose, true);
        return;
      }
      const id = Math.max(0, ...this.doc.persons.map((one) => one.id)) + 1;
      this.edit((doc) => model.draw(doc, second, box),
                'Person ' + id + ' drawn at second ' + second + '.');
      this.choose(id, true);
    }

    removeBox() {
      const person = this.person();
      if (!person) return;
      const second = this.toKeyframe();
      if (!tracks.view(person, this.clip).present.has(second)) {
        this.say('Person ' + person.id + ' has no box at second ' + second + '.');
        return;
      }
      this.edit((doc) => model.remove(doc, person.id, second),
                'No box of person ' + person.id + ' at second ' + second);
      if (!this.person(person.id)) {
        this.say('Person ' + person.id + ' is gone: that was the last box.');
      }
    }

    // On the keyframes between this mended box and the one before it.
    fill() {
      const person = this.person();
      if (!person) return;
      const second = this.keyframe().second;
      const last = person.boxes.find((one) => one.second === second);
      const first = person.boxes.filter((one) => one.second < second).at(-1);
      if (!last || !first) {
        this.say('Mend or draw the box on two keyframes first; then here, on the later one.');
        return;
      }
      const between = this.clip.keyframes.map((one) => one.second)
        .filter((s) => first.second < s && s < second);
      this.edit((doc) => model.fill(doc, person.id, between, first, last),
                between.length + ' boxes between second ' + first.second + ' and ' + second);
    }

    // The chosen person's box by arrow keys.
    boxMode() {
      const person = this.person();
      if (!person) return;
      const second = this.toKeyframe();
      const step = (dx, dy, size) => {
        const here = this.person(person.id);
        if (!here) return;
        const seen = tracks.boxAt(here, this.player.frame, this.clip);
        const [x1, y1, x2, y2] = seen ? seen.box : this.likelyBox(here, second);
        const [w, h] = [(dx * NUDGE_PX) / this.clip.width, (dy * NUDGE_PX) / this.clip.height];
        const box = size ? [x1, y1, x2 + w, y2 + h] : [x1 + w, y1 + h, x2 + w, y2 + h];
        if (box[2] - box[0] > 0 && box[3] - box[1] > 0) this.mend(person.id, second, box);
      };
      const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
      this.enter({
        name: 'box',
        text: 'Box of person ' + person.id + ' at second ' + second +
          ': arrows move it, with Shift its lower right corner. Enter: done.',
        keys: (key) => {
          const move = moves[key.replace('Shift+', '')];
          if (!move) return false;
          step(...move, key.startsWith('Shift+'));
          return true;
        },
        // Every press is kept at once: there is nothing left to cancel.
        choices: [['Done', 'Enter', () => this.leave()]],
      });
    }

    // Where somebody without a box may be: as on the nearest keyframe with one, else in the middle.
    likelyBox(person, second) {
      const {present} = tracks.view(person, this.clip);
      const [near] = [...present.keys()].sort((a, b) => Math.abs(a - second) - Math.abs(b - second));
      return near === undefined ? NEW_BOX : present.get(near).box;
    }

    // `id`: whose box it is; without, somebody new.
    drawMode(id = 0) {
      const second = this.toKeyframe();
      this.enter({
        name: 'draw',
        person: id,
        text: id ? 'Draw the box of person ' + id + ' at second ' + second +
            '; or Enter, then arrows.'
          : 'Draw somebody new at second ' + second + ', or type whose box it is. Without a ' +
            'mouse: Enter, then arrows.',
        keys: (key) => {
          if (/^\d$/.test(key)) {
            this.digit(key, (number) => this.person(number) && this.drawMode(number));
          } else if (key === 'Enter') {
            this.drawn(second, id ? this.likelyBox(this.person(id), second) : NEW_BOX);
            this.boxMode();
          } else return false;
          return true;
        },
      });
    }

    // ---------------------------------------------------------------- identities

    // Asks for a second person, by click or number, and does something with both.
    withAnother(name, question, act) {
      const person = this.person();
      if (!person) {
        this.say('Choose a person first.');
        return;
      }
      this.enter({
        name,
        text: question.replace('%', person.id) + ' Click, or type the number.',
        target: (id) => {
          if (id === person.id || !this.person(id)) this.say('Expected another person than ' + person.id + '.');
          else act(person.id, id);
        },
      });
    }

    join() {
      this.withAnother('join', 'Who is the same as person %?', (a, b) => {
        const [one, other] = [a, b].map((id) => tracks.view(this.person(id), this.clip).present);
        const both = [...one.keys()].filter((second) => other.has(second)).length;
        const text = 'Person ' + b + ' is person ' + a + ' now.';
        this.edit((doc) => model.join(doc, a, b, this.clip, this.clip.attributes), text);
        this.choose(a, true);
        if (both) {
          this.say(text + ' Both were on ' + both + (both === 1 ? ' keyframe' : ' keyframes') +
            ': there the boxes of ' + a + ' count.');
        }
      });
    }

    swap() {
      this.withAnother('swap', 'With whom is person % swapped from here on?', (a, b) => {
        const done = this.edit((doc) => model.swap(doc, a, b, this.player.frame, this.clip),
                               'Person ' + a + ' and ' + b + ' are swapped from here on.');
        if (!done) this.say('There is nothing to swap: one of them is seen only before or after.');
      });
    }

    copy() {
      this.withAnother('copy', 'Who does the same as person %?', (a, b) => {
        const sight = tracks.sight(this.person(b), this.clip);
        this.edit((doc) => model.copySpans(doc, a, b, this.clip.attributes, sight),
                  'Person ' + b + ' does what person ' + a + ' does.');
        this.choose(b, true);
      });
    }

    cut() {
      const person = this.person();
      if (!person) return;
      const done = this.edit((doc) => model.cut(doc, person.id, this.player.frame, this.clip),
                             'Person ' + person.id + ' is cut at ' + times.clock(this.player.second));
      if (!done) {
        this.say('There is nothing of person ' + person.id + ' on one side of here.');
        return;
      }
      const id = Math.max(...this.doc.persons.map((one) => one.id));
      this.choose(id, true);
      this.say('From here on it is person ' + id + '.');
    }

    // ---------------------------------------------------------------- suggestions

    ghosts(person = this.person()) {
      return suggestions.ghosts(this.doc, person, this.clip, this.suggested);
    }

    // The ghost that keys are about: the one gone to last, or the first of the chosen person.
    ghost() {
      const own = this.ghosts();
      return own.find((one) => suggestions.same(one, this.focused)) || own[0] || null;
    }

    nextGhost() {
      const own = this.ghosts();
      if (!own.length) {
        this.say(this.chosen ? 'Nothing is suggested of person ' + this.chosen + '.'
          : 'Choose a person first.');
        return;
      }
      const at = own.findIndex((one) => suggestions.same(one, this.focused));
      this.focused = own[(at + 1) % own.length];
      const {from, to} = this.focused;
      const shown = this.clip.keyframes.find(({second}) => from <= second && second < to);
      if (shown) this.seekFrame(shown.frame);
      this.refresh();
    }

    // What comes after an answered ghost is focused next.
    answerGhost(answered, done) {
      const ghost = this.ghost();
      if (!ghost) {
        this.nextGhost();
        return;
      }
      const own = this.ghosts();
      this.focused = own[own.indexOf(ghost) + 1] || null;
      const id = this.chosen;
      this.edit((doc) => answered(doc, id, ghost), ghost.option + ' from ' +
        times.clock(ghost.from) + ' to ' + times.clock(ghost.to) + ' ' + done + ', person ' + id);
    }

    acceptGhost() {
      this.answerGhost((doc, id, ghost) =>
        suggestions.accept(doc, id, [ghost], this.suggested), 'accepted');
    }

    rejectGhost() {
      this.answerGhost((doc, id, ghost) =>
        suggestions.reject(doc, id, ghost, this.suggested), 'is not so');
    }

    // What is sure of these people becomes spans; where nothing of it is left, what is not.
    acceptOf(people, whose) {
      const all = (doc, id) => suggestions.ghosts(doc, model.find(doc, id), this.clip,
        this.suggested);
      const sure = people.some(({id}) => all(this.doc, id).some((one) => one.sure));
      const own = (doc, id) => all(doc, id).filter((one) => one.sure === sure);
      const count = people.reduce((sum, {id}) => sum + own(this.doc, id).length, 0);
      if (!count) {
        this.say('Nothing is suggested of ' + whose + '.');
        return;
      }
      this.edit((doc) => people.reduce((made, {id}) =>
        suggestions.accept(made, id, own(made, id), this.suggested), doc),
      count + (sure ? '' : ' unsure') + (count === 1 ? ' suggestion' : ' suggestions') +
        ' accepted of ' + whose);
    }

    acceptOfPerson() {
      const person = this.person();
      if (person) this.acceptOf([person], 'person ' + person.id);
      else this.say('Choose a person first.');
    }

    acceptOfEverybody() {
      this.acceptOf(this.doc.persons, 'everybody');
    }

    // ---------------------------------------------------------------- doubts

    holder(track) {
      return this.doc.persons.find((one) => one.tracks.some((stretch) => stretch.track === track));
    }

    doubts() {
      const {doc} = this.history.present;
      return (this.clip.doubts || []).filter((doubt) => {
        if (model.isAnswered(doc, doubt)) return false;
        const people = doubt.tracks.map((track) => this.holder(track));
        if (!people.every((one) => one && one.kind === 'person')) return false;
        return doubt.kind !== 'join' || people[0] !== people[1];
      });
    }

    nextDoubt() {
      const [doubt] = this.doubts();
      if (!doubt) {
        this.leave();
        this.say('No doubts are left.');
        return;
      }
      const people = doubt.tracks.map((track) => this.holder(track).id);
      this.leave();
      this.choose(people[0], true);
      this.seekFrame(doubt.frame);
      const joins = doubt.kind === 'join';
      const text = joins ? 'Are person ' + people[0] + ' and person ' + people[1] + ' the same?'
        : 'Is person ' + people[0] + ' a person?';
      this.enter({
        name: 'doubt',
        text,
        people,
        frame: doubt.frame,
        choices: [['Yes', 'y', () => this.answer(doubt, people, true)],
                  ['No', 'n', () => this.answer(doubt, people, false)],
                  ['Later', 'Escape', () => this.leave()]],
      });
    }

    answer(doubt, people, yes) {
      const joins = doubt.kind === 'join';
      const {clip} = this;
      this.leave();
      const who = joins ? people.join(' and ') : people[0];
      this.edit((before) => {
        let doc = model.answer(before, doubt);
        if (joins && yes) doc = model.join(doc, ...people, clip, clip.attributes);
        if (!joins && !yes) doc = model.setKind(doc, people[0], 'not a person');
        return doc;
      }, (yes ? 'yes' : 'no') + ' to the doubt about person ' + who);
      this.nextDoubt();
    }

    // ---------------------------------------------------------------- modes

    enter(mode) {
      this.mode = mode;
      this.digits = '';
      this.showMode();
      this.boxes.render();
      this.strip.render();
    }

    leave() {
      clearTimeout(this.number);
      this.digits = '';
      const asked = this.mode && this.mode.people;
      this.mode = null;
      this.showMode();
      if (asked) this.strip.render();
    }

    showMode() {
      const banner = $('#mode');
      const {mode} = this;
      banner.hidden = !mode;
      if (!mode || banner.shown === mode) {
        if (!mode) banner.shown = null;
        return;
      }
      banner.shown = mode;
      const choices = mode.choices || [['Cancel', 'Escape', () => this.leave()]];
      banner.replaceChildren(element('span', {text: mode.text}),
        ...choices.map(([label, key, act]) => element('button', {type: 'button', onclick: act},
          document.createTextNode(label),
          element('kbd', {text: avaflow.keys.shownKey(key)}))));
    }

    modeKey(key) {
      const {mode} = this;
      const choice = (mode.choices || []).find((one) => one[1] === key);
      if (choice) choice[2]();
      else if (key === 'Escape') this.leave();
      else if (mode.target && /^\d$/.test(key)) this.digit(key, (id) => this.choose(id));
      else if (!(mode.keys && mode.keys(key))) return false;
      return true;
    }

    // ---------------------------------------------------------------- keys

    addCommands() {
      const {keys, clip} = this;
      const fps = clip.fps;
      for (const attribute of clip.attributes) {
        attribute.options.forEach((option, n) => {
          const given = attribute.keys && attribute.keys[n];
          keys.add(this.optionCommand(attribute, option), 'Actions: ' + attribute.name, option,
                   given ? [String(given).toLowerCase()] : [],
                   () => this.option(attribute, option, 'from'), {option: true});
        });
      }
      const add = (group, ...rows) => rows.forEach(([name, label, pressed, run, short]) =>
        keys.add(name, group, label, pressed, run, {short}));
      add('Judging',
        ['judge', 'This person is judged; on to the next', ['Enter'], () => this.judge(), 'Judged'],
        ['judgeHere', 'Judged up to here', ['Shift+Enter'], () => this.judgeHere(), 'Up to here'],
        ['unjudge', 'Take the judgement back', ['Backspace'], () => this.unjudge()],
        ['next', 'Next person to judge', ['n'], () => this.goToNext()],
        ['copy', 'Copy these actions to another person', ['y'], () => this.copy(), 'Copy']);
      add('Choosing',
        ['nextPerson', 'Next person in the picture', ['Tab'], () => this.chooseNext(1)],
        ['previousPerson', 'Person before', ['Shift+Tab'], () => this.chooseNext(-1)],
        ['down', 'Next row', ['ArrowDown'], () => this.chooseRow(1)],
        ['up', 'Row before', ['ArrowUp'], () => this.chooseRow(-1)],
        ['number', 'Choose by number', ['p'], () => this.enter({
          name: 'number', text: 'Which person? Type the number.',
          target: (id) => this.choose(id),
        })]);
      add('Playing',
        ['play', 'Play or pause', [' '], () => this.player.toggle()],
        ['back', 'A frame back', ['ArrowLeft'], () => this.player.step(-1)],
        ['forward', 'A frame forward', ['ArrowRight'], () => this.player.step(1)],
        ['keyframeBack', 'Keyframe before', ['Shift+ArrowLeft'], () => this.stepKeyframe(-1)],
        ['keyframeForward', 'Next keyframe', ['Shift+ArrowRight'], () => this.stepKeyframe(1)],
        ['secondsBack', 'Five seconds back', ['PageUp'], () => this.player.step(-5 * fps)],
        ['secondsForward', 'Five seconds forward', ['PageDown'], () => this.player.step(5 * fps)],
        ['first', 'First sight of this person', ['Home'], () => this.toSight(-1)],
        ['last', 'Last sight of this person', ['End'], () => this.toSight(1)],
        ['slower', 'Slower', ['-'], () => this.player.changeRate(-1)],
        ['faster', 'Faster', ['+', '='], () => this.player.changeRate(1)],
        ['loop', 'Loop around this keyframe', ['l'], () => this.player.toggleLoop()],
        ['mute', 'Sound on or off', ['m'], () => this.mute()]);
      add('Boxes',
        ['draw', 'Draw a new person', ['d'], () => this.drawMode(), 'Draw'],
        ['box', 'Move this box by arrow keys', ['b'], () => this.boxMode(), 'Move'],
        ['remove', 'Delete this box', ['Delete'], () => this.removeBox(), 'Delete'],
        ['fill', 'Fill boxes in from the mended one before', ['f'], () => this.fill(), 'Fill']);
      add('Who is who',
        ['join', 'Join with another person', ['j'], () => this.join(), 'Join'],
        ['cut', 'Cut: somebody else from here on', ['c'], () => this.cut(), 'Cut'],
        ['swap', 'Swap with another from here on', ['s'], () => this.swap(), 'Swap'],
        ['notPerson', 'Not a person', ['x'], () => this.setKind('not a person')],
        ['ignored', 'Ignore', ['i'], () => this.setKind('ignored')],
        ['doubt', 'Next doubt', ['q'], () => this.nextDoubt()]);
      if (this.suggested) {
        add('Suggestions',
          ['accept', 'Accept this suggestion', ['a'], () => this.acceptGhost(), 'Accept'],
          ['reject', 'It is not so', ['r'], () => this.rejectGhost(), 'Not so'],
          ['nextGhost', 'Next suggestion', ['g'], () => this.nextGhost(), 'Next'],
          ['acceptPerson', 'Accept all that is sure of this person; again: all', ['Shift+a'],
           () => this.acceptOfPerson(), 'All of person'],
          ['acceptAll', 'Accept all that is sure of everybody; again: all', ['Alt+a'],
           () => this.acceptOfEverybody(), 'Of all']);
      }
      add('Page',
        ['undo', 'Undo', ['Ctrl+z'], () => this.undo()],
        ['redo', 'Redo', ['Ctrl+y'], () => this.redo()],
        ['save', 'Save', ['Ctrl+s'], () => this.save()],
        ['zoom', 'Zoom to this person, or back', ['z'], () => this.zoomToPerson()],
        ['timelineIn', 'Timeline nearer', [']'], () => this.timeline.zoom(0.6)],
        ['timelineOut', 'Timeline farther', ['['], () => this.timeline.zoom(1 / 0.6)],
        ['help', 'This list of keys', ['?'], () => this.showKeys()],
        ['parts', 'From part to part', ['F6'], () => this.nextPart(1)],
        ['partsBack', 'Part before', ['Shift+F6'], () => this.nextPart(-1)]);
    }

    keydown(event) {
      if (event.isComposing || document.querySelector('dialog[open]')) return;
      const key = avaflow.keys.pressed(event);
      const {target} = event;
      if (!key || target.matches('input, textarea, select')) return;
      const inside = $('#stage').contains(target) || target === document.body;
      // Elsewhere than on the video the browser's own keys do what they always do.
      if (!inside && ['Tab', 'Shift+Tab'].includes(key)) return;
      if (target.matches('button, a') && ['Enter', ' '].includes(key)) return;
      if (this.handle(key)) event.preventDefault();
    }

    handle(key) {
      if (this.mode && this.modeKey(key)) return true;
      const found = this.keys.find(key === 'Ctrl+Shift+z' ? this.keys.command('redo').key : key);
      if (found) {
        const {command, how} = found;
        if (how === 'from') command.run();
        else {
          const [name, option] = JSON.parse(command.name.slice('option:'.length));
          this.option(this.clip.attributes.find((one) => one.name === name), option, how);
        }
        return true;
      }
      if (/^\d$/.test(key)) {
        this.digit(key, (id) => this.choose(id));
        return true;
      }
      // Alone, Alt opens a menu in some browsers, in the midst of work.
      return key.startsWith('Alt+');
    }

    nextPart(direction) {
      const parts = [$('#stage'), $('#panel button:not([disabled])'), $('#strip .cells'),
                     $('#timeline .rows'), $('#save')];
      const at = parts.findIndex((part) => part && (part === document.activeElement ||
        (part.closest('section, aside, header') || part).contains(document.activeElement)));
      parts[(Math.max(0, at) + direction + parts.length) % parts.length].focus();
    }

    mute() {
      const {video} = this.player;
      video.muted = !video.muted;
      this.say(video.muted ? 'Sound off.' : 'Sound on.');
    }

    zoomToPerson() {
      const person = this.person();
      const seen = person && tracks.boxAt(person, this.player.frame, this.clip);
      if (this.boxes.zoom > 1 || !seen) this.boxes.setZoom(1);
      else this.zoomTo(person);
    }

    // Who is not in the picture is followed from where they come into it.
    zoomTo(person) {
      const seen = tracks.boxAt(person, this.player.frame, this.clip);
      if (seen) {
        const [x1, y1, x2, y2] = seen.box;
        const zoom = 0.6 / Math.max(x2 - x1, y2 - y1, 0.05);
        this.boxes.setZoom(Math.max(1.5, zoom), [(x1 + x2) / 2, (y1 + y2) / 2]);
      }
      this.boxes.following = person.id;
    }

    save() {
      this.store.save(this.history.present);
    }

    showKeys() {
      const dialog = $('#help');
      avaflow.keys.help(dialog, this.keys, () => {
        this.panel.rekey();
        this.showControls();
        this.labelButtons();
      });
      dialog.showModal();
    }

    labelButtons() {
      for (const button of document.querySelectorAll('header [data-key], #controls [data-key]')) {
        const {key} = button.dataset;
        const kbd = button.querySelector('kbd') || button.appendChild(element('kbd'));
        kbd.textContent = this.keys.shown(key);
        button.title = this.keys.command(key).label;
      }
    }

    // ---------------------------------------------------------------- wiring

    wire() {
      document.addEventListener('keydown', (event) => this.keydown(event));
      // A button pressed by mouse gives the keys back to the video.
      document.addEventListener('click', (event) => {
        const button = event.target.closest('button');
        if (event.detail && button && !button.closest('dialog')) $('#stage').focus({preventScroll: true});
      });
      for (const button of document.querySelectorAll('header [data-key], #controls [data-key]')) {
        button.addEventListener('click', () => this.keys.run(button.dataset.key));
      }
      this.labelButtons();
      for (const rate of avaflow.player.RATES) {
        $('#rate').append(element('option', {value: rate, text: rate + ' ×'}));
      }
      $('#rate').addEventListener('change', (event) => {
        this.player.setRate(Number(event.target.value));
        $('#stage').focus({preventScroll: true});
      });
      $('#theme').addEventListener('click', () => this.turnTheme());
      const dark = matchMedia('(prefers-color-scheme: dark)');
      dark.addEventListener('change', () => this.themeTurned());
      for (const kind of ['pointerdown', 'keydown', 'wheel']) {
        document.addEventListener(kind, () => this.store.input(), {passive: true, capture: true});
      }
      this.wireWindows();
    }

    // Another window on the same clip: both hold the same work, and say so.
    wireWindows() {
      window.addEventListener('storage', (event) => {
        if (event.key === this.store.key) this.otherWindow();
      });
      window.addEventListener('focus', () => this.otherWindow(true));
      if (!window.BroadcastChannel) return;
      try {
        this.channel = new BroadcastChannel(this.store.key);
      } catch {
        return;
      }
      this.channel.onmessage = (event) => {
        if (event.data === 'hello') this.channel.postMessage('here');
        this.sayOtherWindow();
      };
      this.channel.postMessage('hello');
    }

    otherWindow(quiet) {
      if (!this.takeOver()) return;
      if (!this.person()) this.chosen = 0;
      this.refresh();
      // Saved by the window where it was done, and by this one if that one may not.
      if (this.history.present.doc === this.store.savedDoc) this.showSaved('clean');
      else if (this.store.online && !this.store.taken) this.store.send(this.history.present);
      else this.showSaved('draft');
      if (!quiet) this.sayOtherWindow();
    }

    sayOtherWindow() {
      if (this.toldOther) return;
      this.toldOther = true;
      this.notice({text: 'This clip is open in another window too. Both show the same work.'});
    }

    turnTheme() {
      const root = document.documentElement;
      const dark = root.dataset.theme === 'dark' ||
        (!root.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
      setTheme(dark ? 'light' : 'dark');
      this.themeTurned();
    }

    themeTurned() {
      this.styles = null;
      this.timeline.render();
    }
  }

  function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(THEME, theme);
    } catch {
      // Holds until the page is closed.
    }
  }

  function openTheme() {
    try {
      const theme = localStorage.getItem(THEME);
      if (theme) document.documentElement.dataset.theme = theme;
    } catch {
      // As the system has it.
    }
  }

  openTheme();
  if (window.AVAFLOW_CLIP) avaflow.app = new App(window.AVAFLOW_CLIP);
  else if (document.querySelector('#stage')) {
    document.querySelector('#told').textContent =
      'The data of this clip is missing: expected a script beside this page, named like it. ' +
      'Run the workflow again.';
  }
  avaflow.page = {App};
})(window.avaflow = window.avaflow || {});
