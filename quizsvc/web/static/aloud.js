/* Reads the parts of a page aloud, one by one, where the browser has a Chinese voice; nothing is shown where not. ES5. */
(function (d, w) {
  'use strict';
  var synth = w.speechSynthesis, at = -1, parts = [], button, place;
  if (!synth || !w.SpeechSynthesisUtterance) return;
  function chinese(v) { return /^(zh|cmn)/i.test(v.lang); }
  function voice() {
    var all = synth.getVoices().filter(chinese), own = all.filter(function (v) { return /^zh.?cn|^cmn/i.test(v.lang); });
    return own[0] || all[0];
  }
  function mark(i) {
    parts.forEach(function (e, n) { e.classList[n === i ? 'add' : 'remove']('now'); });
    button.textContent = i < 0 ? place.getAttribute('data-label') : '停';
    button.setAttribute('aria-pressed', i >= 0);
  }
  function stop() { at = -1; synth.cancel(); mark(-1); }
  function say(i) {
    var u, mine = i;
    if (i >= parts.length) return stop();
    at = i; mark(i);
    u = new w.SpeechSynthesisUtterance(parts[i].innerText);
    u.lang = 'zh-CN'; u.voice = voice(); u.rate = 0.9;
    u.onend = function () { if (at === mine) say(mine + 1); };  /* not after a stop */
    u.onerror = function () { if (at === mine) stop(); };
    parts[i].scrollIntoView({ block: 'center' });
    synth.speak(u);
  }
  function find() {  /* what is on the screen now: questions come and go */
    parts = [].slice.call(d.querySelectorAll(place.getAttribute('data-aloud')));
    return parts.length;
  }
  function quiet() { if (at >= 0) stop(); }
  function offer() {
    if (button || !place || !voice() || !find()) return;
    button = d.createElement('button'); button.type = 'button'; button.className = 'btn alt';
    button.addEventListener('click', function () { if (at < 0 && find()) { synth.cancel(); say(0); } else stop(); });
    mark(-1); place.appendChild(button); place.hidden = false;
  }
  function begin() {
    place = d.querySelector('[data-aloud]'); offer();
    if ('onvoiceschanged' in synth) synth.onvoiceschanged = offer;
    w.addEventListener('pagehide', quiet); w.addEventListener('hashchange', quiet);
  }
  if (d.readyState === 'complete') begin(); else d.addEventListener('DOMContentLoaded', begin);  /* after quiz.js */
})(document, window);
