// Runs inside the user's own VIA 3 page, after VIA has started. Opens the clip's project
// and adds what VIA lacks for this work. Each part that reaches into VIA stands alone and
// is left out if that part of VIA is not as expected, so that annotating always works.
(function () {
  'use strict';

  // Hues a golden angle apart: neighbouring person ids never look alike.
  var GOLDEN_ANGLE_DEG = 137.508;
  var NOBODY = '#ffffff';

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

  var saved = '';
  function work() {
    return JSON.stringify([via.d.store.metadata, via.d.store.attribute]);
  }

  optionally('colour per person', function () {
    var draw = _via_file_annotator.prototype._creg_draw;
    _via_file_annotator.prototype._creg_draw = function (mid) {
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
        return draw.call(this, mid);
      } finally {
        this.rshapectx.setLineDash([]);
        conf.REGION_BOUNDARY_COLOR = own[0];
        conf.SEL_REGION_BOUNDARY_COLOR = own[1];
        conf.SEL_REGION_LINE_WIDTH = own[2];
        count();
      }
    };
  });

  // VIA names a saved project by the date; the workflow finds it by the clip.
  function save() {
    var link = document.createElement('a');
    var content = new Blob([JSON.stringify(via.d.store)], {type: 'application/json'});
    link.href = URL.createObjectURL(content);
    link.download = VIA_PROJECT.project.pname + '_finish.json';
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 60000);
    saved = work();
    return Promise.resolve();
  }
  optionally('saving under the clip\'s name', function () {
    via.d.project_save = save;
  });

  window.addEventListener('beforeunload', function (event) {
    if (saved !== '' && work() !== saved) {
      event.preventDefault();
      event.returnValue = '';
    }
  });

  // A click on an option's name ticks it, and a second click on a chosen one of
  // "one of these" takes it back, which VIA has no way to do.
  var chosen = null;
  function inputOf(target) {
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

  var panel = document.createElement('aside');
  panel.id = 'avaflow_panel';
  panel.innerHTML =
    '<b></b><div></div><ul>' +
    '<li>Click a box, then tick at the right.</li>' +
    '<li>Drag a box or its edge to mend it; <kbd>Del</kbd> removes it.</li>' +
    '<li>Drag on the free picture to draw a person who has no box.</li>' +
    '<li>The number is the person: the same on every picture.</li>' +
    '<li><kbd>n</kbd> next picture, <kbd>p</kbd> previous.</li>' +
    '</ul><button type="button">Save</button>';
  panel.querySelector('b').textContent = VIA_PROJECT.project.pname;
  panel.querySelector('button').addEventListener('click', save);
  var counting = false;
  function count() {
    if (counting) return;
    counting = true;
    setTimeout(recount, 50);
  }
  function recount() {
    counting = false;
    var boxes = Object.keys(via.d.store.metadata).filter(isBox);
    panel.querySelector('div').textContent =
      boxes.filter(isTicked).length + ' of ' + boxes.length + ' boxes ticked';
  }
  document.body.appendChild(panel);

  // A copy, so that what is edited is not the project as it was delivered.
  via.d.project_load_json(JSON.parse(JSON.stringify(VIA_PROJECT))).then(function () {
    saved = work();
    count();
  });
})();
