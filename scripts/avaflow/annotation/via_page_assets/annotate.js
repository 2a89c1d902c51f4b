// Runs inside the user's own VIA 3 page, after VIA has started. Opens the clip's project
// and adds what VIA lacks for this work. Each part that reaches into VIA stands alone and
// is left out if that part of VIA is not as expected, so that annotating always works.
(function () {
  'use strict';

  // Hues a golden angle apart: neighbouring person ids never look alike.
  var GOLDEN_ANGLE_DEG = 137.508;
  var NOBODY = '#ffffff';
  // Pixels of the screen. VIA's numbers stand 20 above a box; a hand shakes by less than 4
  // in a click, and hits a handle of 7 around.
  var LABEL_HEIGHT_PX = 22;
  var LABEL_WIDTH_PX = 30;
  var SLIP_PX = 4;
  var HANDLE_PX = 7;
  // Milliseconds after a change until the draft is written, so that a drag writes once.
  var DRAFT_DELAY_MS = 400;

  var opened = window.VIA_OPENED || {};
  var clip = VIA_PROJECT.project.pname;

  function personId() {
    return via.d.store.config.ui.spatial_region_label_attribute_id;
  }
  function personOf(mid) {
    var entry = via.d.store.metadata[mid];
    return entry && entry.av ? String(entry.av[personId()] || '').trim() : '';
  }
  function colourOf(person) {
    if (person === '') return NOBODY;
    var number = /^[0-9]+$/.test(person) ? Number(person) : 0;
    return 'hsl(' + ((number * GOLDEN_ANGLE_DEG) % 360).toFixed(1) + ', 90%, 60%)';
  }
  function isTicked(mid) {
    var av = via.d.store.metadata[mid].av || {};
    return Object.keys(av).some(function (aid) {
      return aid !== personId() && av[aid] !== '';
    });
  }
  function isBox(mid) {
    return via.d.store.metadata[mid].xy.length > 1;
  }
  function optionally(name, part) {
    try {
      part();
    } catch (error) {
      console.warn('avaflow: ' + name + ' is not available in this VIA: ' + error);
    }
  }
  // Puts a function around one of VIA's; throws where VIA has none of that name.
  function around(object, name, wrapper) {
    var original = object[name];
    if (typeof original !== 'function') throw new TypeError('no ' + name);
    object[name] = function () {
      return wrapper.call(this, original, arguments);
    };
  }
  function copyOf(project) {
    return JSON.parse(JSON.stringify(project));
  }
  // As text in which the order of keys does not show: VIA's is not that of a file.
  function workOf(project) {
    return JSON.stringify([project.metadata, project.attribute], function (key, value) {
      if (!value || typeof value !== 'object' || Array.isArray(value)) return value;
      var ordered = {};
      Object.keys(value).sort().forEach(function (one) { ordered[one] = value[one]; });
      return ordered;
    });
  }
  function work() {
    return workOf(via.d.store);
  }
  function ticked() {
    var boxes = Object.keys(via.d.store.metadata).filter(isBox);
    return boxes.filter(isTicked).length + ' of ' + boxes.length;
  }
  function clock(ms) {
    var then = new Date(ms);
    var time = then.toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'});
    var today = then.toDateString() === new Date().toDateString();
    return today ? time : then.toLocaleDateString() + ' ' + time;
  }

  // ---------------------------------------------------------------- what VIA draws

  optionally('colour per person', function () {
    around(_via_file_annotator.prototype, '_creg_draw', function (draw, values) {
      var mid = values[0];
      var conf = this.conf;
      var own = [conf.REGION_BOUNDARY_COLOR, conf.SEL_REGION_BOUNDARY_COLOR,
                 conf.SEL_REGION_LINE_WIDTH];
      var colour = colourOf(personOf(mid));
      conf.REGION_BOUNDARY_COLOR = colour;
      conf.SEL_REGION_BOUNDARY_COLOR = colour;
      conf.SEL_REGION_LINE_WIDTH = 4;
      // Dashed until something is ticked: what is left to do is seen at a glance.
      this.rshapectx.setLineDash(isTicked(mid) ? [] : [7, 5]);
      if (this.selected_mid_list.includes(mid)) {
        document.documentElement.style.setProperty('--avaflow-person', colour);
      }
      try {
        return draw.apply(this, values);
      } finally {
        this.rshapectx.setLineDash([]);
        conf.REGION_BOUNDARY_COLOR = own[0];
        conf.SEL_REGION_BOUNDARY_COLOR = own[1];
        conf.SEL_REGION_LINE_WIDTH = own[2];
      }
    });
  });

  // VIA writes a number above its box, which is outside the image for a box at its edge.
  optionally('numbers of boxes at the edge', function () {
    around(_via_file_annotator.prototype, '_creg_draw_label', function (draw, values) {
      var mid = values[0];
      var own = this.creg[mid];
      var canvas = this.rshapectx.canvas;
      var shown = own.slice();
      shown[1] = Math.max(0, Math.min(own[1], canvas.width - LABEL_WIDTH_PX));
      shown[2] = Math.max(LABEL_HEIGHT_PX, Math.min(own[2], canvas.height));
      this.creg[mid] = shown;
      try {
        return draw.apply(this, values);
      } finally {
        this.creg[mid] = own;
      }
    });
  });

  // After every change VIA draws all boxes of the image again.
  optionally('counting after each change', function () {
    around(_via_file_annotator.prototype, '_creg_draw_all', function (draw, values) {
      try {
        return draw.apply(this, values);
      } finally {
        changed();
      }
    });
  });

  // VIA's wheel chooses another attribute to stand above the boxes. With one of options it
  // stops drawing at the first box that has none or two, and the page is dead.
  optionally('the number above each box', function () {
    around(_via_file_annotator.prototype, '_rinput_wheel_handler', function () {});
  });

  // ---------------------------------------------------------------- drawing at once

  // While a box is selected, VIA takes a drag on the free image for a click that lets the
  // box go; and it never draws from within another box, where people overlap. Within the
  // selected box a drag moves it, unless a key says that it draws.
  optionally('drawing at once', function () {
    var annotator = _via_file_annotator.prototype;
    var STATE = _VIA_RINPUT_STATE;
    ['_creg_is_on_sel_region_cp', '_is_point_inside_existing_regions', '_creg_select_none',
     '_smetadata_hide', '_state_set'].forEach(function (name) {
      if (typeof annotator[name] !== 'function') throw new TypeError('no ' + name);
    });
    function letGo(self) {
      self._creg_select_none();
      self._smetadata_hide();
      self.user_input_pts = [];
      self._state_set(STATE.IDLE);
      self._creg_draw_all();
    }
    around(annotator, '_rinput_mousedown_handler', function (down, values) {
      var event = values[0];
      this.conf.CONTROL_POINT_CLICK_TOL = HANDLE_PX;
      if (this.state_id === STATE.REGION_SELECTED && !event.shiftKey) {
        var handle = this._creg_is_on_sel_region_cp(event.offsetX, event.offsetY, HANDLE_PX);
        var under = this._is_point_inside_existing_regions(event.offsetX, event.offsetY);
        var anew = event.ctrlKey || event.altKey;
        if (anew || (handle[0] === -1 && under.length === 0)) letGo(this);
      }
      this.avaflow_pressed = [event.offsetX, event.offsetY];
      return down.apply(this, values);
    });
    around(annotator, '_rinput_mousemove_handler', function (move, values) {
      var event = values[0];
      var from = this.avaflow_pressed;
      if (this.state_id === STATE.REGION_SELECT_OR_DRAW_POSSIBLE && from && event.buttons === 1 &&
          Math.abs(event.offsetX - from[0]) > SLIP_PX &&
          Math.abs(event.offsetY - from[1]) > SLIP_PX) {
        letGo(this);
        this.user_input_pts = from.slice();
        this._state_set(STATE.REGION_DRAW_ONGOING);
      }
      return move.apply(this, values);
    });
  });

  // A click on the free image that shakes is no box.
  optionally('leaving out slips of the mouse', function () {
    around(_via_file_annotator.prototype, '_is_user_input_pts_equal', function (equal, values) {
      var points = this.user_input_pts;
      if (this.state_id === _VIA_RINPUT_STATE.REGION_DRAW_ONGOING && points.length === 4) {
        return Math.abs(points[2] - points[0]) < SLIP_PX ||
               Math.abs(points[3] - points[1]) < SLIP_PX;
      }
      return equal.apply(this, values);
    });
  });

  // A drawn box is selected, so that it can be ticked without another click.
  optionally('ticking what was drawn', function () {
    around(_via_file_annotator.prototype, '_metadata_add', function (add, values) {
      var self = this;
      return add.apply(this, values).then(function (mid) {
        if (via.d.store.metadata[mid] && self.creg[mid]) {
          self._creg_select_one(mid);
          self._smetadata_show();
          self._state_set(_VIA_RINPUT_STATE.REGION_SELECTED);
          self._creg_draw_all();
        }
        return mid;
      });
    });
  });

  // A click on an option's name ticks it, and a second click on a chosen one of
  // "one of these" takes it back, which VIA has no way to do.
  var chosen = null;
  function inputOf(target) {
    if (target.closest && target.closest('.avaflow_hint')) return null;
    var label = target.closest ? target.closest('#smetadata_container label') : null;
    if (label && !label.control && label.previousElementSibling) {
      return label.previousElementSibling;
    }
    return null;
  }
  document.addEventListener('mousedown', function (event) {
    var input = inputOf(event.target) || event.target;
    chosen = input.type === 'radio' && input.checked ? input : null;
  }, true);
  document.addEventListener('click', function (event) {
    var input = inputOf(event.target);
    if (chosen && (event.target === chosen || input === chosen)) {
      var radio = chosen;
      chosen = null;
      // After the click, during which the browser keeps it chosen.
      setTimeout(function () {
        var mid = radio.dataset.mid;
        radio.checked = false;
        via.d.metadata_update_av(via.d.store.metadata[mid].vid, mid, radio.dataset.aid, '');
      }, 0);
    } else if (input) {
      input.click();
    }
  }, true);

  // ---------------------------------------------------------------- suggestions

  // What the workflow suggests of each track, from the script beside the page, if there is one:
  // a hint beside an option, which counts for nothing until somebody clicks it.
  var suggested = window.AVAFLOW_SUGGESTIONS || {};
  var isOurs = suggested.format === 'avaflow suggestions' && suggested.version === 1 &&
               suggested.clip === clip;
  var spansOf = {};
  if (isOurs) suggested.persons.forEach(function (one) { spansOf[one.track] = one.spans; });

  // Names as they stand in a project: VIA sets them as html.
  function escaped(name) {
    return name.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
      .replace(/"/g, '&quot;').replace(/'/g, '&#x27;');
  }
  // The second of a box's image, whose name ends in its frame, counted from 1.
  function secondOf(mid) {
    var store = via.d.store;
    var view = store.view[store.metadata[mid].vid];
    var named = /_(\d{6})\.\w+$/.exec(store.file[view.fid_list[0]].fname);
    return named ? (Number(named[1]) - 1) / suggested.fps : -1;
  }
  // Hints of a box by attribute and option, of what is not ticked.
  function hintsOf(mid) {
    var entry = via.d.store.metadata[mid];
    var own = entry && entry.avaflow;
    var spans = own && spansOf[own.track];
    if (!spans) return [];
    var second = secondOf(mid);
    var attributes = via.d.store.attribute;
    return spans.filter(function (span) {
      return span.from <= second && second < span.to;
    }).map(function (span) {
      var aid = Object.keys(attributes).filter(function (one) {
        return attributes[one].aname === escaped(span.attribute);
      })[0];
      var options = aid ? attributes[aid].options : {};
      var oid = Object.keys(options).filter(function (one) {
        return options[one] === escaped(span.option);
      })[0];
      return {span: span, aid: aid, oid: oid, mid: mid};
    }).filter(function (hint) {
      if (hint.oid === undefined) return false;
      var value = entry.av[hint.aid] || '';
      // Of "one of these" something is said already.
      if (isSingle(hint.aid)) return value === '';
      return value.split(',').indexOf(hint.oid) < 0;
    });
  }
  var RADIO_TYPE = 3;
  function isSingle(aid) {
    return via.d.store.attribute[aid].type === RADIO_TYPE;
  }
  function takeHint(hint) {
    var entry = via.d.store.metadata[hint.mid];
    var value = entry.av[hint.aid] || '';
    var taken = isSingle(hint.aid) || value === '' ? hint.oid : value + ',' + hint.oid;
    var told = Array.isArray(entry.avaflow.accepted) ? entry.avaflow.accepted : [];
    entry.avaflow.accepted = told.concat([{
      attribute: hint.span.attribute, option: hint.span.option,
      probability: hint.span.probability, head: suggested.head
    }]);
    via.d.metadata_update_av(entry.vid, hint.mid, hint.aid, taken);
    inputs().forEach(function (input) {
      if (input.dataset.mid === hint.mid && input.dataset.aid === hint.aid &&
          input.value === hint.oid) input.checked = true;
    });
    showHints();
  }
  function inputs() {
    var found = document.querySelectorAll('#smetadata_container input[data-mid][data-aid]');
    return Array.prototype.slice.call(found);
  }
  var shown = '';
  function showHints() {
    var here = inputs();
    var hints = here.length ? hintsOf(here[0].dataset.mid) : [];
    var buttons = document.querySelectorAll('#smetadata_container .avaflow_hint');
    var state = JSON.stringify([here.length && here[0].dataset.mid, hints]);
    // What is put there is a change of the page too.
    if (state === shown && buttons.length === hints.length) return;
    shown = state;
    Array.prototype.forEach.call(buttons, function (button) { button.remove(); });
    hints.forEach(function (hint) {
      var input = here.filter(function (one) {
        return one.dataset.aid === hint.aid && one.value === hint.oid;
      })[0];
      var label = input && input.nextElementSibling;
      if (!label) return;
      var button = document.createElement('button');
      var share = Math.floor(100 * hint.span.probability) + ' %';
      button.type = 'button';
      button.className = 'avaflow_hint';
      button.textContent = share + '?';
      button.title = 'Suggested: ' + hint.span.option + ', ' + share + '. Click to tick it; A ' +
                     'ticks all that is sure of this box.';
      button.setAttribute('aria-label', 'Tick ' + hint.span.option + ', suggested, ' + share);
      button.addEventListener('click', function (event) {
        event.stopPropagation();
        event.preventDefault();
        takeHint(hint);
      });
      // Within the name: what lies beside it has no place in the columns.
      label.appendChild(button);
    });
  }
  optionally('suggestions', function () {
    if (!isOurs) return;
    if (typeof via.d.metadata_update_av !== 'function') throw new TypeError('no metadata_update_av');
    new MutationObserver(showHints).observe(document.getElementById('via_container'),
      {childList: true, subtree: true});
    window.addEventListener('keydown', function (event) {
      var typing = /^(text|textarea|search)$/.test(event.target.type || '');
      if (event.key !== 'a' || event.ctrlKey || event.altKey || event.metaKey || typing) return;
      var here = inputs();
      var box = document.getElementById('smetadata_container');
      if (!here.length || box.classList.contains('hide')) return;
      var all = hintsOf(here[0].dataset.mid);
      var sure = all.filter(function (hint) { return hint.span.sure; });
      // Where nothing sure is left, what is not.
      var hints = sure.length ? sure : all;
      if (!hints.length) return;
      event.stopPropagation();
      event.preventDefault();
      hints.forEach(takeHint);
    }, true);
  });

  // ---------------------------------------------------------------- panel

  var panel = document.createElement('aside');
  panel.id = 'avaflow_panel';
  panel.innerHTML =
    '<b></b><div class="count"></div><div class="notice" role="status"></div>' +
    '<details><summary>How to</summary><ul>' +
    '<li>Click a box, then tick at the right.</li>' +
    '<li>Drag a selected box, or one of its handles, to fix it; <kbd>Del</kbd> removes it.</li>' +
    '<li>Drag anywhere else to draw a person who has no box, also within other boxes; within ' +
    'the selected one hold <kbd>Ctrl</kbd>.</li>' +
    '<li>The number is the person: the same on every image.</li>' +
    '<li><kbd>n</kbd> next image, <kbd>p</kbd> previous.</li>' +
    '</ul></details><button type="button" class="save">Save</button>' +
    '<div class="state" role="status"></div>';
  function part(selector) {
    return panel.querySelector(selector);
  }
  part('b').textContent = clip;
  part('.save').addEventListener('click', save);
  part('details').open = window.innerHeight >= 900 && !opened.from;
  function say(kind, text) {
    part('.state').className = 'state ' + kind;
    part('.state').textContent = text;
  }
  function notice(text, actions) {
    var place = part('.notice');
    place.textContent = text;
    Object.keys(actions || {}).forEach(function (name) {
      var button = document.createElement('button');
      button.type = 'button';
      button.textContent = name;
      button.addEventListener('click', actions[name]);
      place.appendChild(button);
    });
  }
  // The ticks of the selected box end where the panel begins.
  optionally('room for the ticks', function () {
    new ResizeObserver(function () {
      document.documentElement.style.setProperty('--avaflow-panel', panel.offsetHeight + 'px');
    }).observe(panel);
  });

  // ---------------------------------------------------------------- saving

  var baseline = '';  // the work as it was opened or saved last
  var waiting = 0;
  var untouched = '';  // what the panel says until something is changed

  // VIA names a saved project by the date; the workflow finds it by the clip.
  function save() {
    var named = String(via.d.store.project.pname);
    var file = (/^[A-Za-z0-9-]+$/.test(named) ? named : clip) + '_finish.json';
    var link = document.createElement('a');
    var content = new Blob([JSON.stringify(via.d.store)], {type: 'application/json'});
    link.href = URL.createObjectURL(content);
    link.download = file;
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 60000);
    baseline = work();
    keepDraft(true);
    notice('');
    untouched = 'Saved, ' + ticked() + ' boxes ticked, at ' + clock(Date.now()) + ' as ' + file + '.';
    say('done', untouched);
    part('.save').textContent = 'Saved';
    setTimeout(function () { part('.save').textContent = 'Save'; }, 2500);
    return Promise.resolve();
  }
  optionally('saving under the clip\'s name', function () {
    via.d.project_save = save;
  });

  window.addEventListener('beforeunload', function (event) {
    if (baseline !== '' && work() !== baseline) {
      event.preventDefault();
      event.returnValue = '';
    }
  });

  function changed() {
    clearTimeout(waiting);
    waiting = setTimeout(account, DRAFT_DELAY_MS);
    part('.count').textContent = ticked() + ' boxes ticked';
    if (isOurs) showHints();
  }
  function account() {
    waiting = 0;
    if (baseline === '') return;
    part('.count').textContent = ticked() + ' boxes ticked';
    if (work() === baseline) {
      say(untouched.indexOf('Saved') === 0 ? 'done' : '', untouched);
      if (lastDraft) keepDraft(untouched.indexOf('Saved') === 0);
    } else if (keepDraft(false)) {
      say('open', 'Not saved yet; a draft is kept in this browser.');
    } else {
      say('open', 'Not saved yet, and this browser keeps no draft: save often.');
    }
  }

  // ---------------------------------------------------------------- drafts

  // One draft for each project that this page was made from: when the page is made anew, what
  // was begun before is still there. All pages opened from disk share one storage, so the
  // page's own address is part of the name.
  var PREFIX = 'avaflow draft ' + location.pathname + ' ' + clip + ' ';
  var OWN = PREFIX + (opened.digest || '');
  var lastDraft = '';

  function readDraft(key) {
    try {
      var draft = JSON.parse(localStorage.getItem(key));
      var store = draft.store;
      var whole = store.project.pname === clip && store.metadata && store.attribute &&
                  store.view && store.file && store.config.ui;
      return whole ? draft : null;
    } catch (error) {
      return null;
    }
  }
  function forget(key) {
    try {
      localStorage.removeItem(key);
    } catch (error) {
      // No storage, no draft.
    }
  }
  function keepDraft(isSaved) {
    // Of another project, opened by VIA's own button, no draft is kept under this one's name.
    if (via.d.store.project.pname !== clip) return false;
    var now = work() + isSaved;
    if (now === lastDraft) return true;
    try {
      var draft = {time: Date.now(), saved: isSaved, store: via.d.store};
      localStorage.setItem(OWN, JSON.stringify(draft));
      lastDraft = now;
      return true;
    } catch (error) {
      return false;
    }
  }
  function earlierDrafts() {
    var found = [];
    try {
      for (var i = 0; i < localStorage.length; i += 1) {
        var key = localStorage.key(i);
        if (key.indexOf(PREFIX) === 0 && key !== OWN) found.push(key);
      }
    } catch (error) {
      return [];
    }
    return found.map(function (key) {
      return {key: key, draft: readDraft(key)};
    }).filter(function (one) {
      if (one.draft && workOf(one.draft.store) !== workOf(VIA_PROJECT)) return true;
      forget(one.key);  // it became what is opened here
      return false;
    }).sort(function (a, b) { return b.draft.time - a.draft.time; });
  }
  function told(draft) {
    return draft.saved ? 'what you saved at ' + clock(draft.time)
                       : 'your draft of ' + clock(draft.time);
  }
  function drop() {
    if (!window.confirm('Drop this draft? The clip opens as ' + (opened.from || 'it was made') +
                        ' again.')) return;
    forget(OWN);
    lastDraft = '';
    open(VIA_PROJECT, '');
  }
  function offerEarlier() {
    var earlier = earlierDrafts()[0];
    if (!earlier) return;
    notice('The clip was made anew since ' + told(earlier.draft) + '.', {
      'Open that': function () {
        open(earlier.draft.store, told(earlier.draft));
        if (keepDraft(earlier.draft.saved)) forget(earlier.key);
      },
      'Drop it': function () {
        if (!window.confirm('Drop ' + told(earlier.draft) + '?')) return;
        forget(earlier.key);
        notice('');
        offerEarlier();
      }
    });
  }
  // Two tabs of one clip would write over each other's draft.
  window.addEventListener('storage', function (event) {
    if (event.key === OWN && event.newValue) {
      notice('This clip is also open in another tab: close one of the two.');
    }
  });
  window.addEventListener('pagehide', function () {
    if (waiting) account();
  });

  // ---------------------------------------------------------------- opening

  function open(project, from) {
    // A copy, so that what is edited is not the project as it was delivered.
    return via.d.project_load_json(copyOf(project)).then(function () {
      baseline = work();
      part('.count').textContent = ticked() + ' boxes ticked';
      if (from) {
        notice('Opened: ' + from + '.', {'Drop it': drop});
        untouched = from.indexOf('what you saved') === 0 ? 'Saved.' : 'Not saved yet.';
      } else {
        notice(opened.trouble ? 'The finished project is not opened. ' + opened.trouble : '');
        untouched = opened.from ? 'As in ' + opened.from + '.' : 'Nothing is changed yet.';
      }
      say('', untouched);
    });
  }

  document.body.appendChild(panel);
  // VIA's page of tips, which covers the image.
  optionally('closing the page of tips', function () {
    if (typeof _via_util_page_hide === 'function') _via_util_page_hide();
    ['via_page_container', '_via_info_page_container'].forEach(function (id) {
      var page = document.getElementById(id);
      if (page) page.style.display = 'none';
    });
  });
  var kept = readDraft(OWN);
  if (kept && workOf(kept.store) !== workOf(VIA_PROJECT)) {
    open(kept.store, told(kept));
    lastDraft = workOf(kept.store) + kept.saved;
  } else {
    open(VIA_PROJECT, '').then(offerEarlier);
  }
})();
