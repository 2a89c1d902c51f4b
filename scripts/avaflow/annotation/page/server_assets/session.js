// Says to the server that this clip is open in this window, for as long as it is; where somebody
// else has it, that is shown above the page.
(function () {
  'use strict';
  const BEAT_MS = HEARTBEAT_SECONDS * 1000;
  const ID = 'avaflow-taken';
  const meta = (name) => document.querySelector('meta[name="avaflow-' + name + '"]').content;
  const headers = {'X-Avaflow-Token': meta('token')};
  const address = (what) => 'api/clips/' + encodeURIComponent(meta('clip')) + '/' + what;

  function show(text) {
    let bar = document.getElementById(ID);
    if (!text) {
      if (bar) bar.remove();
      return;
    }
    if (!bar) {
      bar = document.createElement('div');
      bar.id = ID;
      bar.setAttribute('role', 'alert');
      bar.style.cssText = 'padding:.5em 1em;font:600 14px system-ui,sans-serif;color:#fff;' +
        'background:#8a1c1c;';
      // Where the page says such things itself: over its head it would hide the controls.
      (document.getElementById('notices') || document.body).prepend(bar);
    }
    if (bar.textContent !== text) bar.textContent = text;
  }

  async function beat(what) {
    try {
      const answer = await fetch(address(what), {method: 'POST', headers});
      const told = answer.ok ? null : await answer.json();
      show(answer.status === 409 ? told.error : '');
    } catch {
      // The page itself tells that the server does not answer, when it saves.
    }
  }

  beat('open');
  setInterval(() => beat('heartbeat'), BEAT_MS);
  window.addEventListener('pagehide', () => {
    fetch(address('close'), {method: 'POST', headers, keepalive: true}).catch(() => {});
  });
  // A page that the browser kept for its back button has to take its clip again.
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) beat('open');
  });
})();
