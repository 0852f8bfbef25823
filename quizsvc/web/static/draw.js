/* Checks a draw in the reader's browser: own SHA-256, own way to the result. It sorts nothing: it walks the published
   order once and looks that the lots rise and that every id stands in the list. docs/algorithms/draw.md has the formula. ES5. */
(function (d, w) {
  'use strict';
  var SLICE = 1500, K = [], H0 = [];

  (function constants() {  /* the first 32 bits of the fractional parts of cube and square roots of primes */
    var n = 2, prime, i;
    function part(x) { return ((x - Math.floor(x)) * 4294967296) | 0; }
    while (K.length < 64) {
      prime = true;
      for (i = 2; i * i <= n; i++) if (n % i === 0) { prime = false; break; }
      if (prime) { if (H0.length < 8) H0.push(part(Math.sqrt(n))); K.push(part(Math.pow(n, 1 / 3))); }
      n++;
    }
  })();

  function Sha() { this.h = H0.slice(); this.w = new Int32Array(64); this.b = new Uint8Array(64); this.n = 0; this.all = 0; }
  Sha.prototype.block = function (p, at) {
    var v = this.w, h = this.h, a = h[0], b = h[1], c = h[2], e = h[3], f = h[4], g = h[5], i = h[6], j = h[7], t, x, y, s, u;
    for (t = 0; t < 16; t++, at += 4) v[t] = p[at] << 24 | p[at + 1] << 16 | p[at + 2] << 8 | p[at + 3];
    for (; t < 64; t++) {
      x = v[t - 15]; y = v[t - 2];
      v[t] = v[t - 16] + v[t - 7] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10) | 0;
    }
    for (t = 0; t < 64; t++) {
      s = j + ((f >>> 6 | f << 26) ^ (f >>> 11 | f << 21) ^ (f >>> 25 | f << 7)) + (f & g ^ ~f & i) + K[t] + v[t] | 0;
      u = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
      j = i; i = g; g = f; f = e + s | 0; e = c; c = b; b = a; a = s + u | 0;
    }
    h[0] = h[0] + a | 0; h[1] = h[1] + b | 0; h[2] = h[2] + c | 0; h[3] = h[3] + e | 0;
    h[4] = h[4] + f | 0; h[5] = h[5] + g | 0; h[6] = h[6] + i | 0; h[7] = h[7] + j | 0;
  };
  Sha.prototype.add = function (text) {
    var s = unescape(encodeURIComponent(text)), i;
    for (i = 0; i < s.length; i++) { this.b[this.n++] = s.charCodeAt(i); if (this.n === 64) { this.block(this.b, 0); this.n = 0; } }
    this.all += s.length;
    return this;
  };
  Sha.prototype.copy = function () { var o = new Sha(); o.h = this.h.slice(); o.b.set(this.b); o.n = this.n; o.all = this.all; return o; };
  Sha.prototype.words = function () {
    var bits = this.all * 8, i;
    this.b[this.n++] = 128;
    if (this.n > 56) { while (this.n < 64) this.b[this.n++] = 0; this.block(this.b, 0); this.n = 0; }
    while (this.n < 56) this.b[this.n++] = 0;
    for (i = 0; i < 4; i++) { this.b[56 + i] = Math.floor(bits / 4294967296) >>> (24 - 8 * i); this.b[60 + i] = bits >>> (24 - 8 * i); }
    this.block(this.b, 0);
    return this.h;
  };
  Sha.prototype.hex = function () { return this.words().map(function (x) { return ('0000000' + (x >>> 0).toString(16)).slice(-8); }).join(''); };
  function sha(text) { return new Sha().add(text).hex(); }
  function less(one, other) { for (var i = 0; i < 8; i++) if (one[i] !== other[i]) return one[i] >>> 0 < other[i] >>> 0; return false; }
  function lines(text) { var all = text.split('\n'); return all.pop() === '' ? all : null; }
  function holds(sorted, one) {
    var low = 0, high = sorted.length, mid;
    while (low < high) { mid = low + high >> 1; if (sorted[mid] < one) low = mid + 1; else high = mid; }
    return sorted[low] === one;
  }

  /* Files by name -> `say(what, same)` for each thing looked at, `done(all the same)` at the end; `far(0..1)` on the way. */
  function check(files, say, done, far) {
    var sound = true, f, list, order, won, rules, seed;
    function tell(what, same) { sound = sound && !!same; say(what, !!same); }
    function slices(count, each, then) {  /* a phone must stay usable: a few milliseconds at a time */
      var i = 0;
      (function some() {
        for (var end = Math.min(count, i + SLICE); i < end; i++) if (each(i) === false) { then(false); return; }
        if (far && count) far(i / count);
        if (i < count) w.setTimeout(some, 0); else then(true);
      })();
    }
    try {
      f = JSON.parse(files['draw.json']); won = JSON.parse(files['winners.json']);
      rules = files['rules.json'] === undefined ? null : JSON.parse(files['rules.json']);
    } catch (e) { tell('文件读得出来', false); done(false); return; }
    list = lines(files['entries.txt']); order = lines(files['order.txt']);
    if (!list || !order || !list.length || !won || won.length === undefined) { tell('文件读得出来', false); done(false); return; }
    var hash = new Sha();
    slices(list.length, function (i) {
      hash.add((i ? '\n' : '') + list[i]);
      return /^[!-~]+$/.test(list[i]) && (!i || list[i - 1] < list[i]);
    }, function (sorted) {
      tell('名单排好序、没有重复', sorted);
      tell('名单指纹', sorted && hash.hex() === f.list_hash);
      if (rules) tell('规则指纹', sha(files['rules.json']) === f.rules_hash);
      seed = sha([f.draw_id, f.rules_hash, f.list_hash, f.public_value].join('|'));
      tell('种子', seed === f.seed);
      rising(sorted);
    });
    function rising(sorted) {
      var head = new Sha().add(seed + '|'), before = null;
      if (order.length !== list.length || !sorted) { tell('抽出的顺序', false); waves(); return; }
      slices(order.length, function (i) {
        var lot = head.copy().add(order[i]).words(), up = !before || less(before, lot);
        before = lot;
        return up && holds(list, order[i]);
      }, function (same) { tell('抽出的顺序', same); waves(); });
    }
    function waves() {
      var of = {}, bound = /\.w([0-9a-f]{32})$/.exec(f.draw_id), text = files['waves.txt'], most = 1;
      if (!bound && text === undefined) { prizes(of, 1); return; }
      var rows = text === undefined ? null : lines(text);
      var same = !!(bound && rows && rows.length === list.length && sha(text).slice(0, 32) === bound[1]);
      for (var i = 0; same && i < rows.length; i++) {
        var pair = rows[i].split(' '), wave = +pair[1];
        same = pair.length === 2 && pair[0] === list[i] && wave >= 1 && wave <= 100 && Math.floor(wave) === wave;
        of[pair[0]] = wave; most = Math.max(most, wave);
      }
      tell('分批', same);
      prizes(of, most);
    }
    function prizes(of, most) {
      var expected = [], walked = [], wave, i, n;
      var many = rules ? rules.tiers.reduce(function (sum, tier) { return tier.by === 'draw' ? sum + tier.number : sum; }, 0) : won.length;
      for (wave = 1; wave <= most && walked.length < many; wave++)
        for (i = 0; i < order.length && walked.length < many; i++) if ((of[order[i]] || 1) === wave) walked.push(order[i]);
      if (rules) rules.tiers.forEach(function (tier) {
        if (tier.by === 'draw') for (n = 1; n <= tier.number; n++) expected.push([tier.name, n]);
      });
      var same = won.length === walked.length && won.every(function (one, place) {
        return one.entry_id === walked[place] && one.place === place + 1 && (!rules || (one.tier === expected[place][0] && one.number === expected[place][1]));
      });
      tell('中奖的人', same);
      done(sound);
    }
  }
  w.quizsvcDraw = { check: check, sha: sha };

  function start() {
    var box = d.getElementById('verify'); if (!box) return;
    var button = box.querySelector('button'), list = box.querySelector('ul'), base = box.getAttribute('data-base');
    d.documentElement.className += ' js';
    function say(what, same) {
      var line = d.createElement('li');
      line.className = same === undefined ? '' : same ? 'same' : 'other';
      line.textContent = (same === undefined ? '' : same ? '一致：' : '不一致：') + what;
      list.appendChild(line);
      return line;
    }
    function fetched(names, files, then) {
      if (!names.length) { then(files); return; }
      var name = names[0], ask = new XMLHttpRequest();
      ask.open('GET', base + name);
      ask.onload = function () {
        if (ask.status !== 200) { failed(); return; }
        files[name] = ask.responseText;
        var waves = name === 'draw.json' && /"draw_id": *"[^"]*\.w[0-9a-f]{32}"/.test(ask.responseText) ? ['waves.txt'] : [];
        fetched(names.slice(1).concat(waves), files, then);
      };
      ask.onerror = failed;
      ask.send();
    }
    function failed() { list.textContent = ''; say('没有下载完，请检查网络，再试一次。'); button.disabled = false; }
    button.addEventListener('click', function () {
      var line, began = Date.now();
      button.disabled = true; list.textContent = '';
      line = say('正在下载…');
      fetched(['draw.json', 'rules.json', 'winners.json', 'entries.txt', 'order.txt'], {}, function (files) {
        line.textContent = '正在验算…';
        check(files, say, function (sound) {
          line.textContent = sound ? '可以验证：全部一致，用时 ' + Math.ceil((Date.now() - began) / 1000) + ' 秒。' : '有不一致的地方。请截图，向主办方提出。';
          line.className = sound ? 'same' : 'other';
          button.disabled = false; button.textContent = '再验算一遍';
        }, function (part) { line.textContent = '正在验算… ' + Math.floor(part * 100) + '%'; });
      });
    });
  }
  if (d.readyState === 'loading') d.addEventListener('DOMContentLoaded', start); else start();
})(document, window);
