/* Seconds that are left, only shown: the server keeps the clock. ES5. */
(function (d, w) {
  'use strict';
  d.addEventListener('DOMContentLoaded', function () {
    var began = performance.now(), all = [].slice.call(d.querySelectorAll('[data-left]'));
    function two(n) { return (n < 10 ? '0' : '') + n; }
    function tick() {
      all.forEach(function (e) {
        var s = Math.max(0, Math.ceil(+e.getAttribute('data-left') - (performance.now() - began) / 1000));
        e.textContent = e.hasAttribute('data-minutes') ? Math.floor(s / 60) + ':' + two(s % 60) : s;
        if (s <= 5) e.className = 'n late';
      });
    }
    w.setInterval(tick, 250); tick();
    w.addEventListener('pageshow', function (e) { if (e.persisted) w.location.reload(); });  /* back shows the item that is on */
  });
})(document, window);
