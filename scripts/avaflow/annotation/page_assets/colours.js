// Colours that people who see colours differently tell apart as well.
(function (avaflow) {
  'use strict';

  // Okabe and Ito's palette without black and with the lightest first, for video behind it.
  const PERSONS = ['#56b4e9', '#e69f00', '#f0e442', '#cc79a7', '#009e73', '#d55e00', '#0072b2'];
  // Paul Tol's light palette: fills that dark text is read on.
  const OPTIONS = ['#77aadd', '#ee8866', '#eedd88', '#ffaabb', '#99ddff', '#44bb99', '#bbcc33',
                   '#aaaa00', '#dddddd'];
  const DARK = '#10141a';
  const LIGHT = '#ffffff';
  // Relative luminance above which dark text has the greater contrast, by WCAG's formula.
  const DARK_TEXT_ABOVE = 0.18;

  function ofPerson(id) {
    return PERSONS[(id - 1 + PERSONS.length) % PERSONS.length];
  }

  // The line around a box's line: another one each time the colours begin again.
  function edgeOfPerson(id) {
    return Math.floor((id - 1) / PERSONS.length) % 2 ? 'rgba(255,255,255,.9)' : 'rgba(0,0,0,.7)';
  }

  function luminance(colour) {
    const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  }

  function textOn(colour) {
    return luminance(colour) > DARK_TEXT_ABOVE ? DARK : LIGHT;
  }

  // By attribute and option, in the order of the config.
  function ofOptions(attributes) {
    const colours = new Map();
    for (const {name, options} of attributes) {
      for (const option of options) {
        colours.set(JSON.stringify([name, option]), OPTIONS[colours.size % OPTIONS.length]);
      }
    }
    return (attribute, option) => colours.get(JSON.stringify([attribute, option])) || '#dddddd';
  }

  avaflow.colours = {ofPerson, edgeOfPerson, textOn, ofOptions, luminance, DARK};
})(window.avaflow = window.avaflow || {});
