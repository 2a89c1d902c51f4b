// The list of all clips: what is done, and what helps most to do next.
(function (avaflow) {
  'use strict';
  const {times} = avaflow;

  const STATES = {open: 'open', begun: 'begun', finished: 'finished'};
  const THEME = 'avaflow:theme';
  const $ = (selector) => document.querySelector(selector);

  // A clip as it is shown: what a draft in this browser knows counts before the file's numbers,
  // and what was saved here since the last run, which shows by the time worked on it.
  function withDraft(clip, drafts) {
    const draft = drafts.get(clip.clip);
    if (!draft) return clip;
    const worked = Math.round(draft.seconds_worked);
    if (draft.clean && worked <= (clip.seconds_worked || 0)) return clip;
    const whole = draft.clean && draft.toJudge && draft.judged === draft.toJudge;
    return {
      ...clip, kept: draft.clean ? 'saved here' : 'draft here', judged: draft.judged,
      to_judge: draft.toJudge, ticks: draft.ticks,
      seconds_worked: draft.clean ? worked : clip.seconds_worked,
      state: clip.state === 'finished' || whole ? 'finished' : 'begun',
    };
  }

  // Unfinished ones first, of these the suggested, of these what is begun, then by name.
  function ordered(clips) {
    const last = (clip) => (clip.state === 'finished' ? 1 : 0);
    // Where all is judged, somebody only has to say that it is finished.
    const begun = (clip) => (clip.state !== 'begun' ? 1 : clip.judged < clip.to_judge ? 0 : 2);
    return [...clips].sort((a, b) => last(a) - last(b) || (b.priority || 0) - (a.priority || 0) ||
      begun(a) - begun(b) || (a.clip < b.clip ? -1 : a.clip > b.clip ? 1 : 0));
  }

  // Ticks an hour and seconds of work left, from the clips whose time is recorded.
  function rates(clips) {
    const timed = clips.filter((clip) => clip.seconds_worked > 0);
    const sum = (list, key) => list.reduce((total, clip) => total + clip[key], 0);
    const worked = sum(timed, 'seconds_worked');
    const judged = sum(timed, 'judged');
    const left = clips.reduce((total, clip) => total + Math.max(0, clip.to_judge - clip.judged), 0);
    return {
      ticksAnHour: worked ? Math.round((sum(timed, 'ticks') / worked) * 3600) : null,
      secondsLeft: judged ? (left / judged) * worked : null,
      left,
    };
  }

  function summary(clips) {
    if (!clips.length) return 'There are no clips yet.';
    const finished = clips.filter((clip) => clip.state === 'finished').length;
    const {ticksAnHour, secondsLeft, left} = rates(clips);
    const parts = [finished + ' of ' + clips.length + ' clips are finished', left + ' s to judge'];
    if (ticksAnHour !== null) parts.push(ticksAnHour + ' ticks an hour');
    if (secondsLeft !== null && left) parts.push('about ' + times.duration(secondsLeft) + ' left');
    return parts.join(' · ');
  }

  // What `snakemake suggestions` says of the order, where it was asked.
  function queued(clips, told) {
    if (!told || told.version !== 1) return clips;
    const known = new Map(Object.entries(told.clips));
    return clips.map((clip) => {
      const own = known.get(clip.clip);
      return own ? {...clip, priority: own.priority, reason: own.reason} : clip;
    });
  }

  function cell(text, name = '') {
    const made = document.createElement('td');
    if (name) made.className = name;
    made.textContent = text;
    return made;
  }

  function row(clip) {
    const made = document.createElement('tr');
    const name = cell('');
    const link = document.createElement('a');
    link.href = clip.page;
    link.textContent = clip.clip;
    link.title = clip.clip;
    link.dir = 'auto';
    name.append(link);
    if (clip.reason && clip.state !== 'finished') {
      const why = document.createElement('span');
      why.className = 'reason';
      why.dir = 'auto';
      why.textContent = why.title = clip.reason;
      name.append(why);
    }
    const state = cell(STATES[clip.state] || clip.state, 'state-' + clip.state);
    if (clip.kept) state.append(' (' + clip.kept + ')');
    const judged = cell('', 'judged');
    const amount = document.createElement('span');
    amount.className = 'amount';
    amount.textContent = clip.judged + ' of ' + clip.to_judge + ' s';
    const part = document.createElement('span');
    part.className = 'part';
    const bar = document.createElement('span');
    bar.style.width = share(clip.judged, clip.to_judge);
    part.append(bar);
    judged.append(amount, part);
    const worked = clip.seconds_worked ? times.duration(clip.seconds_worked) : '';
    made.append(name, state, judged, cell(clip.persons, 'number'), cell(clip.keyframes, 'number'),
                cell(clip.ticks, 'number'), cell(worked, 'number'), cell(clip.split));
    return made;
  }

  function share(part, whole) {
    return (whole ? (100 * Math.min(part, whole)) / whole : 0) + '%';
  }

  function show(clips) {
    const state = $('#state').value;
    const name = $('#name').value.trim().toLowerCase();
    const shown = clips.filter((clip) => (!state || clip.state === state) &&
      clip.clip.toLowerCase().includes(name));
    $('#clips').replaceChildren(...shown.map(row));
    $('#none').hidden = shown.length > 0;
  }

  function open(data) {
    const drafts = avaflow.store.draftCounts();
    const clips = ordered(queued(data.clips, window.AVAFLOW_QUEUE)
      .map((clip) => withDraft(clip, drafts)));
    $('#summary').textContent = summary(clips);
    const sum = (key) => clips.reduce((total, clip) => total + clip[key], 0);
    $('#share').style.width = share(sum('judged'), sum('to_judge'));
    const next = clips.find((clip) => clip.state !== 'finished');
    $('#go').hidden = !next;
    if (next) {
      $('#go').href = next.page;
      $('#go').textContent = (next.state === 'begun' ? 'Go on with ' : 'Begin ') + next.clip;
    }
    show(clips);
    for (const part of ['#state', '#name']) $(part).oninput = () => show(clips);
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
  if (window.AVAFLOW_INDEX) {
    open(window.AVAFLOW_INDEX);
    // Somebody who comes back from a clip sees what was done there.
    window.addEventListener('pageshow', (event) => event.persisted && open(window.AVAFLOW_INDEX));
  } else {
    $('#summary').textContent = 'The list of clips is missing: expected index.js beside this ' +
      'page. Run the workflow again.';
  }
  avaflow.index = {ordered, rates, summary};
})(window.avaflow = window.avaflow || {});
