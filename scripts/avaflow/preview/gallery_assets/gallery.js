// The gallery: crops of all persons, by action side by side, so that a wrong label stands out.
(function (avaflow) {
  'use strict';
  const {choosing} = avaflow;

  // Crops that one look of the page takes up at once: a screen and what is just below it.
  const STEP = 120;
  // Crops of a group while there are several: enough to see what the group is like.
  const OF_GROUP = 24;
  // Clips that are offered by name; in longer lists nobody looks.
  const MOST_OFFERED = 500;
  const THEME = 'avaflow:theme';
  const FIELDS = ['action', 'state', 'split', 'clip', 'person', 'score-least', 'score-most',
                  'height-least', 'height-most', 'group', 'sort'];

  const $ = (selector) => document.querySelector(selector);

  function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function option(value, text) {
    const made = element('option', '', text);
    made.value = value;
    return made;
  }

  class Gallery {
    constructor(data) {
      this.data = data;
      this.names = new Map(data.actions.map(({id, name}) => [id, name]));
      this.items = choosing.items(data);
      for (const clip of data.clips) clip.items = [];
      for (const item of this.items) item.clip.items.push(item);
      this.look = new avaflow.look.Look(this.names, (person) => this.colourOf(person));
      this.offer();
      this.takeAddress();
      const form = $('#filters form');
      form.addEventListener('input', () => this.show());
      form.addEventListener('submit', (event) => event.preventDefault());
      form.addEventListener('reset', () => setTimeout(() => this.show()));
      window.addEventListener('hashchange', () => {
        this.takeAddress();
        this.show();
      });
      $('#groups').addEventListener('click', (event) => this.click(event));
      $('#groups').addEventListener('keydown', (event) => this.keydown(event));
      this.watcher = new IntersectionObserver((seen) => {
        if (seen.some((one) => one.isIntersecting)) this.addMore();
      }, {rootMargin: '800px'});
      this.show();
    }

    // The same as on sheets and in videos; person 0 has no number.
    colourOf(person) {
      const {colours, nobody} = this.data;
      return person ? colours[(person - 1) % colours.length] : nobody;
    }

    offer() {
      const counts = new Map();
      for (const item of this.items) {
        for (const id of item.actions) counts.set(id, (counts.get(id) || 0) + 1);
      }
      $('#action').append(option('', 'all'), ...this.data.actions.map(({id, name}) =>
        option(id, name + ' (' + (counts.get(id) || 0) + ')')));
      const splits = [...new Set(this.data.clips.map((clip) => clip.split))];
      $('#split').append(...splits.map((split) => option(split, split)));
      $('#clips').append(...this.data.clips.slice(0, MOST_OFFERED).map((clip) =>
        option(clip.clip, clip.clip)));
    }

    // ---------------------------------------------------------------- what is wanted

    wanted() {
      const text = (id) => $('#' + id).value.trim();
      const number = (id) => (text(id) === '' ? null : Number(text(id)));
      return {
        action: number('action'), state: text('state'), split: text('split'),
        clip: text('clip').toLowerCase(), person: number('person'),
        scoreLeast: number('score-least'), scoreMost: number('score-most'),
        heightLeast: number('height-least'), heightMost: number('height-most'),
      };
    }

    // The address holds what is chosen, for links, and for somebody who comes back.
    takeAddress() {
      const told = new URLSearchParams(location.hash.slice(1));
      for (const id of FIELDS) if (told.has(id)) $('#' + id).value = told.get(id);
      // What no choice is called like chooses nothing.
      for (const select of document.querySelectorAll('#filters select')) {
        if (select.selectedIndex < 0) select.selectedIndex = 0;
      }
    }

    keepAddress() {
      const told = new URLSearchParams();
      for (const id of FIELDS) {
        const field = $('#' + id);
        const first = field.options ? field.options[0].value : '';
        if (field.value !== first) told.set(id, field.value);
      }
      history.replaceState(null, '', '#' + told);
    }

    choose(only) {
      for (const [id, value] of Object.entries(only)) $('#' + id).value = value;
      this.show();
      scrollTo(0, 0);
    }

    // ---------------------------------------------------------------- what is shown

    show() {
      this.keepAddress();
      const wanted = this.wanted();
      const order = $('#sort').value;
      const list = this.items.filter((item) => choosing.fits(item, wanted));
      this.groups = choosing.groups(list, $('#group').value, this.data, wanted);
      const several = this.groups.length > 1;
      this.waiting = [];
      for (const group of this.groups) {
        group.items = choosing.sorted(group.items, order);
        group.shown = several ? Math.min(OF_GROUP, group.items.length) : group.items.length;
        for (let from = 0; from < group.shown; from += STEP) {
          this.waiting.push({group, from, to: Math.min(group.shown, from + STEP)});
        }
      }
      this.waiting.reverse();
      const clips = new Set(list.map((item) => item.clip)).size;
      $('#summary').textContent = counted(list.length, 'crop', 'crops') + ' of ' + counted(clips, 'clip', 'clips') +
        (list.length < this.items.length ? ', of ' + this.items.length.toLocaleString('en') : '');
      $('#groups').replaceChildren();
      $('#none').hidden = list.length > 0;
      this.addMore();
    }

    addMore() {
      let room = STEP;
      while (this.waiting.length && room > 0) {
        const slice = this.waiting.pop();
        room -= slice.to - slice.from;
        this.addSlice(slice);
      }
      // Looks again where all that was added is still on the screen.
      this.watcher.disconnect();
      if (this.waiting.length) this.watcher.observe($('#more'));
    }

    addSlice({group, from, to}) {
      if (from === 0) $('#groups').append(this.section(group));
      const list = element('ul', 'crops');
      for (let at = from; at < to; at += 1) list.append(this.crop(group, at));
      $('#groups').lastElementChild.append(list);
    }

    section(group) {
      const section = element('section');
      const head = element('h2', '', group.name);
      head.dir = 'auto';
      head.append(element('span', 'count', group.items.length.toLocaleString('en')));
      section.append(head);
      if (group.shown < group.items.length) {
        const all = element('button', 'all', 'Show all ' + group.items.length.toLocaleString('en'));
        all.type = 'button';
        all.setAttribute('aria-label', all.textContent + ' of ' + group.name);
        all.addEventListener('click', () => this.choose(group.only));
        head.append(all);
      }
      return section;
    }

    crop(group, at) {
      const item = group.items[at];
      const entry = element('li');
      const button = element('button', 'crop ' + item.state);
      button.type = 'button';
      button.item = item;
      button.group = group;
      button.at = at;
      const name = choosing.who(item) + ' in ' + item.clip.clip + ', second ' + item.second +
        ': ' + choosing.said(item, this.names);
      button.setAttribute('aria-label', name);
      button.title = name;
      const picture = element('span', 'picture');
      Object.assign(picture.style, {
        width: item.width + 'px', height: item.height + 'px',
        backgroundImage: 'url("' + item.image + '")',
        backgroundPosition: -item.x + 'px ' + -item.y + 'px',
      });
      button.style.setProperty('--person', this.colourOf(item.person));
      const under = element('span', 'under');
      const chip = element('span', 'number', item.person ? String(item.person) : '?');
      const place = element('span', 'place', item.clip.clip);
      place.dir = 'auto';
      under.append(chip, element('span', 'second', item.second + ' s'), place);
      button.append(picture, under);
      entry.append(button);
      return entry;
    }

    // ---------------------------------------------------------------- what is done

    click(event) {
      const button = event.target.closest('.crop');
      if (!button) return;
      const {group, at} = button;
      this.look.open(group.items, at, (item) => this.focus(group, item, button));
    }

    // Back on the crop that was looked at last, if it is on the page.
    focus(group, item, opened) {
      const all = [...document.querySelectorAll('.crop')];
      const found = all.find((one) => one.group === group && one.item === item);
      (found || opened).focus();
    }

    keydown(event) {
      const button = event.target.closest('.crop');
      if (!button || event.ctrlKey || event.altKey || event.metaKey) return;
      const to = {
        ArrowRight: () => beside(button, 1), ArrowLeft: () => beside(button, -1),
        ArrowDown: () => above(button, 1), ArrowUp: () => above(button, -1),
      }[event.key];
      if (!to) return;
      event.preventDefault();
      const next = to();
      if (next) next.focus();
    }
  }

  function counted(number, one, several) {
    return number.toLocaleString('en') + ' ' + (number === 1 ? one : several);
  }

  function beside(button, steps) {
    const all = [...document.querySelectorAll('.crop')];
    return all[all.indexOf(button) + steps];
  }

  // The crop nearest below or above: the first row that lies farther, there the least aside.
  function above(button, direction) {
    const own = button.getBoundingClientRect();
    const middle = own.left + own.width / 2;
    const all = [...document.querySelectorAll('.crop')];
    const at = all.indexOf(button);
    let row = null;
    let best = null;
    for (let i = at + direction; i >= 0 && i < all.length; i += direction) {
      const place = all[i].getBoundingClientRect();
      if (Math.abs(place.bottom - own.bottom) < 2) continue;
      if (row !== null && Math.abs(place.bottom - row) > 2) break;
      row = place.bottom;
      const aside = Math.abs(place.left + place.width / 2 - middle);
      if (!best || aside < best.aside) best = {aside, crop: all[i]};
    }
    return best && best.crop;
  }

  function theme(value) {
    const root = document.documentElement;
    try {
      if (value) localStorage.setItem(THEME, value);
      const kept = localStorage.getItem(THEME);
      if (kept) root.dataset.theme = kept;
    } catch {
      if (value) root.dataset.theme = value;
    }
  }

  theme();
  $('#theme').addEventListener('click', () => {
    const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    theme((document.documentElement.dataset.theme || system) === 'dark' ? 'light' : 'dark');
  });
  // On a phone the crops come first.
  if (matchMedia('(max-width: 640px)').matches) $('#filters').open = false;
  if (window.AVAFLOW_PREVIEW) avaflow.gallery = new Gallery(window.AVAFLOW_PREVIEW);
  else {
    $('#summary').textContent = 'The crops are missing: expected index.js beside this page. ' +
      'Run the workflow again.';
  }
})(window.avaflow = window.avaflow || {});
