/* A field to sign with a finger: the strokes become a path of whole numbers in a box of 300 by 100. ES5. */
(function (d, w) {
  'use strict';
  var W = 300, H = 100, NEAR = 9, MOST = 8000, SCALE = 2;
  function begin() {
    var box = d.querySelector('[data-sign]'), field = box && box.querySelector('input'), pad, pen, clear, stroke = null, last;
    if (!field || !d.createElement('canvas').getContext) return;
    pad = d.createElement('canvas'); pad.className = 'pad'; pad.width = W * SCALE; pad.height = H * SCALE;
    pad.setAttribute('role', 'img'); pad.setAttribute('aria-label', '手写签名的地方，用手指写');
    clear = d.createElement('button'); clear.type = 'button'; clear.className = 'btn alt'; clear.textContent = '擦掉重写';
    box.appendChild(pad); box.appendChild(clear); box.hidden = false;
    pen = pad.getContext('2d'); pen.scale(SCALE, SCALE); pen.lineWidth = 3; pen.lineCap = pen.lineJoin = 'round';

    function draw(x, y, on) { pen.strokeStyle = w.getComputedStyle(pad).color; pen.beginPath(); pen.moveTo(on[0], on[1]); pen.lineTo(x, y); pen.stroke(); }
    function shown() {
      var at = [0, 0];
      pen.clearRect(0, 0, W, H);
      (field.value.match(/[ML]\d+ \d+/g) || []).forEach(function (one) {
        var to = one.slice(1).split(' ').map(Number);
        if (one.charAt(0) === 'L') draw(to[0], to[1], at);
        at = to;
      });
    }
    function point(e) {
      var r = pad.getBoundingClientRect(), t = e.touches && e.touches[0] || e;
      function within(n, most) { return Math.max(0, Math.min(most, Math.round(n))); }
      return [within((t.clientX - r.left) / r.width * W, W), within((t.clientY - r.top) / r.height * H, H)];
    }
    function down(e) { e.preventDefault(); last = point(e); stroke = 'M' + last.join(' '); }
    function move(e) {
      var to, x, y;
      if (stroke === null) return;
      e.preventDefault(); to = point(e); x = to[0] - last[0]; y = to[1] - last[1];
      if (x * x + y * y < NEAR || field.value.length + stroke.length > MOST) return;
      draw(to[0], to[1], last); last = to; stroke += 'L' + to.join(' ');
    }
    function up() { if (stroke && stroke.indexOf('L') > 0) field.value += stroke; stroke = null; }
    [['touchstart', down], ['touchmove', move], ['mousedown', down]].forEach(function (one) { pad.addEventListener(one[0], one[1], { passive: false }); });
    d.addEventListener('mousemove', move); ['mouseup', 'touchend', 'touchcancel'].forEach(function (name) { d.addEventListener(name, up); });
    clear.addEventListener('click', function () { field.value = ''; stroke = null; shown(); });
    w.addEventListener('pageshow', shown); shown();
  }
  if (d.readyState === 'loading') d.addEventListener('DOMContentLoaded', begin); else begin();
})(document, window);
