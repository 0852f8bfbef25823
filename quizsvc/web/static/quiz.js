/* Questions: without this file a long form; with it one question a screen, saved as you go, safe offline. ES5. */
(function (d, w) {
  'use strict';
  var root = d.documentElement; root.className += ' js';  /* in <head>: nothing jumps */
  on(d, 'DOMContentLoaded', function () { try { start(); } catch (e) { root.className = root.className.replace(' js', ''); } });
  function on(target, name, f) { target.addEventListener(name, f); }
  function $(i) { return d.getElementById(i); }
  function all(s, e) { return [].slice.call((e || d).querySelectorAll(s)); }
  function start() {
    var f = $('paper'), set = f.dataset, line = $('save'), next = $('next'), back = $('back'), flag = $('flag'), box = $('check');
    var qs = all('fieldset.q'), dots = all('.steps i'), rows = all('#sum a'), gaps = all('#blanks a'), n = qs.length, key = 'paper:' + location.pathname;
    var seq = [], sent = [], flags = {}, cur, to, shown, depth = 0, seen, tries = 0, timer, busy, handing, over, asking, last, ends = performance.now() + set.left * 1000;
    function each(g) { for (var i = 0; i < n; i++) g(i); }
    function inputs(i) { return all('input', qs[i]); }
    function picked(i) { return inputs(i).filter(function (e) { return e.checked; }); }
    function values(i) { return picked(i).map(function (e) { return e.value; }); }
    function put(i, saved) { seq[i] = saved[0]; inputs(i).forEach(function (e) { e.checked = saved[1].indexOf(e.value) >= 0; }); }
    function text(e, t) { if (e.textContent != t) e.textContent = t; }
    function say(s, t) {  /* spoken only when something is wrong or right again */
      line.setAttribute('aria-live', /off|^note/.test(s + line.dataset.s) ? 'polite' : 'off');
      text(line, t); line.dataset.s = s;
    }
    function fail() { say('off', (handing ? '还没交上' : '暂时连不上') + '，答案在手机里，连上网自动' + (handing ? '交卷' : '上传')); }

    function dirty() { return seq.some(function (s, i) { return s > sent[i]; }); }
    function keep() {
      var o = {}; each(function (i) { if (seq[i] > sent[i]) o[i] = [seq[i], values(i)]; });
      try { if (over || !dirty()) localStorage.removeItem(key); else localStorage.setItem(key, JSON.stringify(o)); } catch (e) { }
    }
    function restore() {
      var o; try { o = JSON.parse(localStorage.getItem(key)); } catch (e) { }
      each(function (i) { seq[i] = sent[i] = +qs[i].dataset.n; if (o && o[i] && o[i][0] > seq[i]) put(i, o[i]); });
    }
    function gone() { if (over) location.replace(set.done); }
    function leave() { over = true; keep(); if (depth < 2) gone(); else { history.go(1 - depth); setTimeout(gone, 2000); } }  /* back never leads to the questions */

    function body() {
      var b = [];
      each(function (i) { if (handing || seq[i] > sent[i]) { b.push('n' + (i + 1) + '=' + (seq[i] || '')); values(i).forEach(function (v) { b.push('q' + (i + 1) + '=' + v); }); } });
      return b.join('&');
    }
    function ask(method, to, data, good, bad) {
      var x = new XMLHttpRequest(); x.open(method, to); x.timeout = 10000;
      x.setRequestHeader('X-Requested-With', 'quiz'); x.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded');
      x.onload = function () {
        if (x.status === 409) leave();
        else if (x.status === 403 && /另一台/.test(x.responseText)) { over = true; location.reload(); }
        else try { if (x.status > 299) throw 0; good(x); } catch (e) { bad(); }  /* not our reply */
      };
      x.onerror = x.ontimeout = bad; x.send(data);
    }
    function later(s) { clearTimeout(timer); timer = setTimeout(push, s * 1000); }
    function push() {
      clearTimeout(timer); if (over || busy) return;
      if (root.dataset.preview) return say('note', '预览不保存');
      if (!handing && !dirty()) { if (tries && navigator.onLine !== false) { tries = 0; say('ok', '答案已保存'); } return; }
      var was = seq.slice(), hand = handing; busy = true;
      if (!tries) say('wait', hand ? '正在交卷…' : '正在保存…');
      ask('POST', hand ? f.action : set.save, body(), function (x) {
        if (hand) { if (x.responseText !== set.done) throw 0; return leave(); }
        var o = x.status === 204 ? {} : JSON.parse(x.responseText), stale = false;
        busy = false; tries = 0;
        each(function (i) {
          if (was[i] > sent[i]) sent[i] = was[i];
          if (o[i + 1] && seq[i] === was[i]) { put(i, o[i + 1]); sent[i] = seq[i]; stale = true; }
        });
        keep();
        if (stale) { paint(); say('note', '另一处刚改过，已换成新的答案'); } else if (!dirty()) say('ok', '答案已保存');
        if (handing) push(); else if (dirty()) later(1);
      }, function () { busy = false; tries++; fail(); later(Math.min(30, Math.pow(2, tries)) + Math.random()); });
    }
    function hand() { if (handing) return; handing = true; keep(); paint(); push(); }

    function paint() {
      var check = cur === n, left = 0;
      each(function (i) {
        var own = picked(i), cells = rows[i].children;
        dots[i].className = i === cur ? 'c' : flags[i] ? 'f' : own[0] ? 'd' : '';
        text(cells[1], own.map(function (e) { return e.nextSibling.textContent; }).join('；'));
        cells[2].hidden = !flags[i]; cells[3].hidden = gaps[i].hidden = own[0]; if (!own[0]) left++;
      });
      flag.hidden = check; flag.setAttribute('aria-pressed', !!flags[cur]); text(flag, flags[cur] ? '已标记' : '标记');
      $('blanks').hidden = !left; text($('left-out'), left); next.setAttribute('aria-disabled', check && !!handing);
    }
    function show(e) {
      if (over) return;
      if (history.state) depth = history.state; else history.replaceState(++depth, '');
      var hash = location.hash, check = hash === '#check', at = hash.slice(2) - 1, page = box, title = '检查答案';
      cur = check ? n : qs[at] ? at : 0; seen = seen || check; shown = performance.now();
      to = seen || cur === n - 1 ? '#check' : '#q' + (cur + 2);
      each(function (i) { qs[i].className = i === cur ? 'q on' : 'q'; if (i === cur) page = qs[i]; });
      box.hidden = !check; text($('pos'), check ? title : cur + 1 + ' / ' + n);
      text(next, check ? '交卷' : to === '#check' ? title : '下一题');
      back.style.visibility = cur ? '' : 'hidden'; back.href = '#q' + cur; text(back, '‹ ' + (check ? '第 ' + n + ' 题' : '上一题'));
      d.title = (check ? title : '第 ' + (cur + 1) + ' 题（共 ' + n + ' 题）') + ' · 反诈知识测试';
      paint(); if (e || hash) all('h2[tabindex]', page)[0].focus({ preventScroll: true });
      w.scrollTo(0, 0);
    }
    function tick() {
      var s = Math.max(0, Math.ceil((ends - performance.now()) / 1000)), r = s % 60; text($('left'), (s - r) / 60 + ':' + (r < 10 ? '0' : '') + r);
      [300, 60].forEach(function (t) { if (s <= t && last > t) say('note', '还剩 ' + t / 60 + ' 分钟，到时自动交卷'); });
      last = s; if (!s && !handing) resync();
    }
    function resync() {  /* the teacher may have given more time */
      if (asking || over) return; asking = true;
      ask('GET', location.pathname, null, function (x) {
        var m = /data-left="(\d+)"/.exec(x.responseText); asking = false;
        if (m && +m[1]) ends = performance.now() + m[1] * 1000; else hand();
      }, function () { asking = false; if (ends <= performance.now()) hand(); });
    }

    restore(); show();
    on(f, 'change', function (e) {
      seq[e.target.name.slice(1) - 1]++; keep(); paint(); if (!tries) say('wait', '正在保存…'); later(1);
    });
    on(f, 'submit', function (e) { e.preventDefault(); });
    on(next, 'click', function () { if (cur < n) location.hash = to; else if (performance.now() - shown > 500) hand(); });  /* not by a double tap */
    on(flag, 'click', function () { flags[cur] = !flags[cur]; paint(); });
    on(w, 'hashchange', show); on(w, 'online', push); on(w, 'offline', function () { tries = tries || 1; fail(); });
    on(w, 'popstate', gone); on(w, 'pageshow', gone);
    on(d, 'visibilitychange', function () { if (d.hidden) push(); else if (last) resync(); });
    if (dirty()) later(0); if (set.left) setInterval(tick, 1000);
  }
})(document, window);
