// Every command has a key, shown and changed by `?`.
(function (avaflow) {
  'use strict';
  const {element} = avaflow.panel;

  const KEPT = 'avaflow:keys';
  const NAMES = {
    ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', ' ': 'Space', Escape: 'Esc',
    Delete: 'Del', Backspace: '⌫', Control: 'Ctrl', PageUp: 'PgUp', PageDown: 'PgDn',
  };
  // Tried for a command whose own keys are taken by the options of the config.
  const SPARE = [...'ghikoprtuvwaefmq;,./\'\\', 'F2', 'F3', 'F4', 'F7', 'F8', 'F9', 'F10'];
  const ALONE = ['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'CapsLock', 'Dead', 'Process'];

  // What was pressed, as text: modifiers that count, then the key. Digits and, with Alt, letters
  // are taken by their place on the keyboard, because what they write differs by layout.
  function pressed(event) {
    if (ALONE.includes(event.key)) return '';
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    const letter = /^Key([A-Z])$/.exec(event.code);
    let key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (digit) key = digit[1];
    else if (event.altKey && letter && !/^[a-z]$/.test(key)) key = letter[1].toLowerCase();
    const parts = [];
    // AltGr, which some keyboards need for brackets, is told as Ctrl and Alt.
    if (event.getModifierState('AltGraph')) return key;
    if (event.ctrlKey || event.metaKey) parts.push('Ctrl');
    if (event.altKey) parts.push('Alt');
    // `?` is written with Shift on one keyboard and without on another.
    const plain = key.length === 1 && !/^[\p{L}\d ]$/u.test(key);
    if (event.shiftKey && !plain) parts.push('Shift');
    return [...parts, key].join('+');
  }

  function shownKey(key) {
    if (!key) return '';
    const parts = key.endsWith('++') ? [...key.slice(0, -2).split('+'), '+'] : key.split(/\+(?=.)/);
    return parts.map((part) => NAMES[part] || (part.length === 1 ? part.toUpperCase() : part))
      .join('+');
  }

  class Keys {
    constructor() {
      this.commands = new Map();
      this.own = kept();
    }

    // `keys`: the first that is free is the command's. `fixed` keys are not changed.
    add(name, group, label, keys, run, more = {}) {
      this.commands.set(name, {name, group, label, keys, run, ...more});
    }

    // Options of the config first: their keys are what an annotator types most.
    settle() {
      const used = new Map();
      const take = (command, key) => {
        command.key = key;
        used.set(key, command.name);
      };
      const all = [...this.commands.values()];
      for (const command of all) command.key = '';
      for (const command of all) {
        const own = this.own[command.name];
        if (own && !used.has(own)) take(command, own);
      }
      for (const command of [...all.filter((c) => c.option), ...all.filter((c) => !c.option)]) {
        if (command.key) continue;
        const key = [...command.keys, ...(command.keys.length ? SPARE : [])]
          .find((one) => one && !used.has(one) && !this.ofOption(one, used));
        if (key) take(command, key);
      }
      this.used = used;
    }

    // Whether a key with Shift or Alt already says more of an option than its own key does.
    ofOption(key, used) {
      const bare = /^(?:Shift|Alt)\+(.)$/.exec(key);
      const command = bare && this.commands.get(used.get(bare[1]));
      return Boolean(command && command.option);
    }

    command(name) {
      return this.commands.get(name);
    }

    run(name) {
      const command = this.commands.get(name);
      if (command) command.run();
    }

    shown(name) {
      const command = this.commands.get(name);
      return command ? shownKey(command.key) : '';
    }

    change(name, key) {
      const other = [...this.commands.values()].find((one) => one.key === key && one.name !== name);
      const before = this.commands.get(name).key;
      this.own[name] = key;
      // The command that had the key gets the one that is free now.
      if (other) this.own[other.name] = before;
      this.settle();
      try {
        localStorage.setItem(KEPT, JSON.stringify(this.own));
      } catch {
        // Keys hold until the page is closed.
      }
    }

    reset() {
      this.own = {};
      this.settle();
      try {
        localStorage.removeItem(KEPT);
      } catch {
        // Nothing was kept.
      }
    }

    // The command of a key press: itself, or an option with Shift or Alt.
    find(key) {
      if (this.used.has(key)) return {command: this.commands.get(this.used.get(key)), how: 'from'};
      for (const [prefix, how] of [['Shift+', 'whole'], ['Alt+', 'everybody']]) {
        if (!key.startsWith(prefix)) continue;
        const command = this.commands.get(this.used.get(key.slice(prefix.length)));
        if (command && command.option) return {command, how};
      }
      return null;
    }
  }

  function kept() {
    try {
      return JSON.parse(localStorage.getItem(KEPT)) || {};
    } catch {
      return {};
    }
  }

  // ---------------------------------------------------------------- the page of keys

  // Fills the dialog; `changed` is called after a key was changed.
  function help(dialog, keys, changed) {
    const groups = new Map();
    for (const command of keys.commands.values()) {
      if (!groups.has(command.group)) groups.set(command.group, []);
      groups.get(command.group).push(command);
    }
    const lists = [...groups].map(([group, commands]) => element('section', {},
      element('h3', {text: group}),
      ...commands.map((command) => {
        const button = element('button', {
          type: 'button', class: 'key', text: shownKey(command.key) || 'none',
          'aria-label': command.label + ': ' + (shownKey(command.key) || 'no key') + '. Change.',
          onclick: () => listen(button),
        });
        button.dataset.command = command.name;
        return element('p', {}, element('span', {dir: 'auto', text: command.label}), button);
      })));
    const listen = (button) => {
      for (const other of dialog.querySelectorAll('.listening')) other.classList.remove('listening');
      button.classList.add('listening');
      button.textContent = 'press a key';
      dialog.listening = button;
    };
    const fill = () => help(dialog, keys, changed);
    dialog.replaceChildren(
      element('header', {}, element('h2', {id: 'help-title', text: 'Keys'}),
        element('button', {type: 'button', text: 'As they were', onclick: () => {
          keys.reset();
          changed();
          fill();
        }}),
        element('button', {type: 'button', text: 'Close', autofocus: '', onclick: () => dialog.close()})),
      element('p', {class: 'about', text: 'Click a key to change it. An action’s key sets it from ' +
        'here on, with Shift for the person’s whole time, with Alt for everybody in the picture. ' +
        'A number chooses a person where it is no action’s key. The wheel zooms the video, with ' +
        'Ctrl the timeline. F6 goes from part to part.'}),
      element('div', {class: 'groups'}, ...lists));
    dialog.onkeydown = (event) => {
      if (!dialog.listening) return;
      event.preventDefault();
      event.stopPropagation();
      const key = pressed(event);
      if (!key) return;
      const {command} = dialog.listening.dataset;
      dialog.listening = null;
      if (key !== 'Escape') keys.change(command, key);
      changed();
      fill();
      const again = [...dialog.querySelectorAll('.key')].find((b) => b.dataset.command === command);
      if (again) again.focus();
    };
  }

  avaflow.keys = {Keys, pressed, shownKey, help};
})(window.avaflow = window.avaflow || {});
