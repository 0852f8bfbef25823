/* The stage: keys and clicks follow the links that are there without script too. ES5. */
(function (d) {
  'use strict';
  var LATER = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, Enter: 1, ' ': 1 }, EARLIER = { ArrowLeft: 1, ArrowUp: 1, PageUp: 1, Backspace: 1 };
  function go(id) { var link = d.getElementById(id); if (link) location.href = link.href; return !!link; }
  d.addEventListener('keydown', function (e) {
    if (e.altKey || e.ctrlKey || e.metaKey || (e.target.tagName === 'A' && e.key === 'Enter')) return;
    if (LATER[e.key] ? go('after') : EARLIER[e.key] && go('before')) e.preventDefault();
  });
  d.addEventListener('click', function (e) { if (e.target.tagName !== 'A') go('after'); });
})(document);
