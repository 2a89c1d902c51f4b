// Beside the video: who is chosen, the attributes with their keys, what can be done.
(function (avaflow) {
  'use strict';
  const {times, tracks, ticks, colours, model, suggestions} = avaflow;

  // Characters of an option that half the panel's width shows.
  const HALF_WIDTH = 12;

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === 'text') made.textContent = value;
      else if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  class Panel {
    constructor(app, root) {
      this.app = app;
      this.root = root;
      this.options = [];
      this.chip = element('span', {class: 'chip'});
      this.name = element('h2');
      this.seen = element('p', {class: 'seen'});
      this.kinds = element('div', {class: 'kinds', role: 'radiogroup', 'aria-label': 'What this is'});
      for (const kind of model.KINDS) {
        this.kinds.append(element('button', {
          type: 'button', role: 'radio', 'data-kind': kind, text: kind === 'person' ? 'Person'
            : kind === 'ignored' ? 'Ignored' : 'Not a person',
          onclick: () => app.setKind(kind),
        }));
      }
      this.attributes = element('div', {class: 'attributes'});
      root.append(
        element('div', {class: 'who'}, this.chip, this.name, this.seen), this.kinds,
        this.spans = element('p', {class: 'unseen'}), this.suggested(), this.attributes, this.hint = element('p', {class: 'hint'}), this.actions());
      this.build();
    }

    build() {
      const {app} = this;
      this.options = [];
      this.attributes.replaceChildren(...app.clip.attributes.map((attribute) => {
        const single = attribute.choose === 'single';
        const list = element('div', {
          class: 'options', role: 'group', 'aria-label': attribute.name,
        });
        if (attribute.options.some((option) => option.length > HALF_WIDTH)) {
          list.classList.add('wide');
        }
        for (const option of attribute.options) list.append(this.option(attribute, option));
        return element('section', {},
          element('h3', {dir: 'auto', text: attribute.name, title: attribute.name},
            element('span', {text: single ? 'one at a time' : 'any'})), list);
      }));
      this.hint.textContent = 'Shift: whole time · Alt: everybody here';
    }

    option(attribute, option) {
      const {app} = this;
      const key = element('kbd', {text: app.keys.shown(app.optionCommand(attribute, option))});
      const button = element('button', {
        type: 'button', 'aria-pressed': 'false', title: option,
        onclick: (event) => app.option(attribute, option,
          event.shiftKey ? 'whole' : event.altKey ? 'everybody' : 'from'),
      }, key, element('span', {class: 'name', dir: 'auto', text: option}),
         element('span', {class: 'swatch'}));
      button.lastChild.style.background = app.colour(attribute.name, option);
      this.options.push({attribute, option, button});
      return button;
    }

    actions() {
      const {app} = this;
      const row = (...names) => element('div', {class: 'row'}, ...names.map((name) => this.action(name)));
      return element('div', {class: 'actions'},
        row('judge', 'judgeHere'), row('join', 'cut', 'swap', 'copy'),
        row('draw', 'box', 'remove', 'fill'));
    }

    action(name) {
      const {app} = this;
      const command = app.keys.command(name);
      const button = element('button', {type: 'button', 'data-command': name,
                                        onclick: () => app.keys.run(name)},
        document.createTextNode(command.short || command.label),
        element('kbd', {text: app.keys.shown(name)}));
      button.title = command.label;
      return button;
    }

    // The ghost that keys are about, and what can be done with it and the others.
    suggested() {
      const row = (...names) => element('div', {class: 'row'}, ...names.map((name) => this.action(name)));
      this.ghosts = element('section', {class: 'suggested', hidden: '', 'aria-label': 'Suggested'});
      if (!this.app.suggested) return this.ghosts;
      this.ghost = element('p', {role: 'status'});
      this.ghosts.append(this.ghost, row('accept', 'reject', 'nextGhost'),
        row('acceptPerson', 'acceptAll'));
      return this.ghosts;
    }

    renderGhosts() {
      const {app} = this;
      const ghost = app.suggested && app.ghost();
      this.ghosts.hidden = !ghost;
      if (!ghost) return;
      const own = app.ghosts();
      const swatch = element('span', {class: 'swatch'});
      swatch.style.background = app.colour(ghost.attribute.name, ghost.option);
      this.ghost.replaceChildren(swatch,
        element('b', {dir: 'auto', text: ghost.option}),
        document.createTextNode(' ' + times.clock(ghost.from) + ' to ' + times.clock(ghost.to) +
          ' · ' + (ghost.sure ? '' : 'unsure, ') + suggestions.percent(ghost)),
        element('span', {class: 'more', text: (own.indexOf(ghost) + 1) + ' of ' + own.length}));
    }

    rekey() {
      this.build();
      for (const button of this.root.querySelectorAll('[data-command]')) {
        button.querySelector('kbd').textContent = this.app.keys.shown(button.dataset.command);
      }
      this.render();
    }

    render() {
      const {app} = this;
      const person = app.person();
      this.root.classList.toggle('nobody', !person);
      if (!person) {
        this.name.textContent = 'Nobody is chosen';
        this.chip.textContent = '';
        this.chip.style.background = 'transparent';
        this.spans.textContent = '';
        this.seen.textContent = 'Click a box, or press Tab.';
      } else this.renderPerson(person);
      this.renderGhosts();
      for (const button of this.kinds.children) {
        button.setAttribute('aria-checked', Boolean(person && person.kind === button.dataset.kind));
        button.disabled = !person;
      }
      this.renderOptions();
    }

    renderPerson(person) {
      const {app} = this;
      const colour = colours.ofPerson(person.id);
      this.chip.textContent = person.id;
      this.chip.style.background = colour;
      this.chip.style.color = colours.textOn(colour);
      this.name.textContent = 'Person ' + person.id;
      const sight = tracks.sight(person, app.clip);
      const {judged, toJudge} = ticks.countsOf(person, app.clip);
      const where = sight ? times.clock(sight[0]) + ' to ' + times.clock(sight[1]) : 'not seen';
      this.seen.textContent = where + ' · ' + (person.kind === 'person'
        ? judged + ' of ' + toJudge + ' s judged' : person.kind);
      // What the timeline draws, for those who hear the page.
      this.spans.textContent = person.spans.map((span) => span.option + ' from ' +
        times.clock(span.from) + ' to ' + times.clock(span.to)).join(', ') || 'No actions yet.';
    }

    // Called on every frame: only what differs is touched.
    renderOptions() {
      const {app} = this;
      const person = app.person();
      const usable = Boolean(person && person.kind === 'person');
      for (const {attribute, option, button} of this.options) {
        const on = usable && model.isSet(person, attribute.name, option, app.player.second);
        const state = on ? 'true' : 'false';
        if (button.getAttribute('aria-pressed') !== state) button.setAttribute('aria-pressed', state);
        if (button.disabled === usable) button.disabled = !usable;
      }
    }
  }

  avaflow.panel = {Panel, element};
})(window.avaflow = window.avaflow || {});
