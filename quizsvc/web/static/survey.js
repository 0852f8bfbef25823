(function () {
  'use strict';
  var form = document.getElementById('survey'), done = document.getElementById('survey-done');
  var key = (form || done || document.body).getAttribute('data-key');

  function kept(text) {
    try {
      if (text === null) { sessionStorage.removeItem(key); }
      else if (text === undefined) { return JSON.parse(sessionStorage.getItem(key) || '[]'); }
      else { sessionStorage.setItem(key, text); }
    } catch (refused) { /* a browser that keeps nothing: the page works all the same */ }
    return [];
  }

  if (done) { kept(null); }
  if (!form) { return; }

  var questions = form.querySelectorAll('fieldset[data-if]');
  var sending = false;

  function chosen(index) {
    var boxes = questions[index].querySelectorAll('input:checked'), values = [], i;
    for (i = 0; i < boxes.length; i += 1) { values.push(boxes[i].value); }
    return values;
  }

  function holds(condition) {
    var parts = condition.split(':'), given, wanted, i;
    if (questions[parts[0]].hidden) { return false; }
    given = chosen(parts[0]);
    wanted = parts[1].split(',');
    for (i = 0; i < given.length; i += 1) {
      if (wanted.indexOf(given[i]) >= 0) { return true; }
    }
    return false;
  }

  function follow() {
    var shown = [], i, j, met, conditions;
    for (i = 0; i < questions.length; i += 1) {
      conditions = questions[i].getAttribute('data-if');
      conditions = conditions ? conditions.split(';') : [];
      met = true;
      for (j = 0; j < conditions.length; j += 1) { met = met && holds(conditions[j]); }
      questions[i].hidden = !met;
      questions[i].disabled = !met;
      if (met) { shown.push(i); }
    }
    form.elements.shown.value = shown.join(',');
  }

  function keep() {
    var said = [], fields = form.elements, i, one;
    for (i = 0; i < fields.length; i += 1) {
      one = fields[i];
      if (!one.name || one.type === 'hidden') { continue; }
      if (one.type === 'radio' || one.type === 'checkbox') {
        if (one.checked) { said.push([one.name, one.value]); }
      } else if (one.value) { said.push([one.name, one.value]); }
    }
    kept(JSON.stringify(said));
  }

  function bring_back() {
    var said = kept(), fields = form.elements, i, j, one;
    for (i = 0; i < said.length; i += 1) {
      for (j = 0; j < fields.length; j += 1) {
        one = fields[j];
        if (one.name !== said[i][0] || one.type === 'hidden') { continue; }
        if (one.type === 'radio' || one.type === 'checkbox') {
          if (one.value === said[i][1] && !one.disabled) { one.checked = true; }
        } else if (!one.value) { one.value = said[i][1]; }
      }
    }
  }

  if (form.getAttribute('data-fresh')) { bring_back(); }
  follow();
  form.addEventListener('change', function () { follow(); keep(); });
  form.addEventListener('input', keep);
  form.addEventListener('submit', function (event) {
    if (sending) { event.preventDefault(); return; }
    keep();
    sending = true;
    window.setTimeout(function () { sending = false; }, 8000);
  });
  window.addEventListener('pageshow', function () { sending = false; });
}());
