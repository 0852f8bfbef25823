/* Questions: without this file a long form; with it one question a screen, saved as you go, safe offline. ES5. */
(function (d, w) {
  'use strict';
  var root = d.documentElement; root.className += ' js';          /* in <head>, so that nothing jumps */
  d.addEventListener('DOMContentLoaded', function () { try { start(); } catch (e) { root.className = root.className.replace(' js', ''); } });
  function start() {
    var f = d.getElementById('paper'), qs = [].slice.call(d.querySelectorAll('fieldset.q')), dots = d.querySelectorAll('.steps i');
    var n = qs.length, key = 'paper:' + location.pathname, cur = 0, flags = {}, seq = [], sent = [], tries = 0, timer, handing = false, busy = false, over = false;
    var ends = f.dataset.left === undefined ? 0 : mono() + f.dataset.left * 1000;
    function $(i) { return d.getElementById(i); }
    function mono() { return w.performance && performance.now ? performance.now() : +new Date(); }
    function picked(i) { return [].filter.call(qs[i].querySelectorAll('input'), function (e) { return e.checked; }); }
    function values(i) { return picked(i).map(function (e) { return e.value; }); }
    function say(s, t) { if ($('save').textContent !== t) $('save').textContent = t; $('save').setAttribute('data-s', s); }
    function each(g) { for (var i = 0; i < n; i++) g(i); }

    function put(i, list) { [].forEach.call(qs[i].querySelectorAll('.opt input'), function (e) { e.checked = list.indexOf(e.value) >= 0; }); }
    function keep() { var o = {}; each(function (i) { if (seq[i] > sent[i]) o[i] = [seq[i], values(i)]; }); try { localStorage.setItem(key, JSON.stringify(o)); } catch (e) { } }
    function dirty() { var c = 0; each(function (i) { if (seq[i] > sent[i]) c++; }); return c; }
    function restore() {
      var o = {}; try { o = JSON.parse(localStorage.getItem(key) || '{}') || {}; } catch (e) { }
      each(function (i) { seq[i] = sent[i] = +qs[i].dataset.n; if (o[i] && o[i][0] > seq[i]) { seq[i] = o[i][0]; put(i, o[i][1]); } });
    }
    function leave() { over = true; try { localStorage.removeItem(key); } catch (e) { } location.replace(f.dataset.done); }

    function body(all) {
      var b = [];
      each(function (i) { if (all || seq[i] > sent[i]) { b.push('n' + (i + 1) + '=' + (seq[i] || '')); values(i).forEach(function (v) { b.push('q' + (i + 1) + '=' + v); }); } });
      return b.join('&');
    }
    function post(to, data, good) {
      var x = new XMLHttpRequest(); busy = true;
      function bad() { busy = false; say('off', handing ? '还没交上，答案在手机里，连上网自动交卷' : '暂时连不上，答案在手机里，会自动再试'); later(Math.min(30, Math.pow(2, ++tries)) + Math.random()); }
      x.open('POST', to); x.timeout = 10000; x.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded'); x.setRequestHeader('X-Requested-With', 'quiz');
      x.onload = function () {
        if (x.status < 300) { busy = false; tries = 0; good(x); }
        else if (x.status === 409 || x.status === 410) leave();
        else if (x.status === 403) { busy = false; over = true; say('off', '这次作答在另一台手机上，本机不再保存'); }
        else bad();
      };
      x.onerror = x.ontimeout = bad; x.send(data);
    }
    function later(s) { clearTimeout(timer); timer = setTimeout(push, s * 1000); }
    function push() {
      clearTimeout(timer);
      if (over || busy) return;
      if (!handing && !dirty()) { if (tries) { tries = 0; say('ok', '答案已保存'); } return; }
      if (navigator.onLine === false) return say('off', handing ? '还没交上，答案在手机里，连上网自动交卷' : '网络断开，答案在手机里，恢复后自动上传');
      if (handing) { say('wait', '正在交卷…'); return post(f.getAttribute('action'), body(true), leave); }
      var was = seq.slice(); say('wait', '正在保存…');
      post(f.dataset.save, body(false), function (x) {
        each(function (i) { if (was[i] > sent[i]) sent[i] = was[i]; });
        if (x.status === 200) {
          var o = JSON.parse(x.responseText), p;
          for (p in o) if (o.hasOwnProperty(p) && seq[p - 1] === was[p - 1]) { seq[p - 1] = sent[p - 1] = o[p][0]; put(p - 1, o[p][1]); }
          say('ok', '另一处刚改过，已换成新的答案'); paint();
        } else if (!dirty()) say('ok', '答案已保存');
        keep(); if (dirty()) later(1); else if (handing) push();
      });
    }

    function text(i) { return picked(i).map(function (e) { return e.nextSibling.textContent; }).join('；'); }
    function el(tag, cls, t) { var e = d.createElement(tag); if (cls) e.className = cls; if (t) e.textContent = t; return e; }
    function link(i, parts) { var a = el('a'); a.href = '#q' + (i + 1); parts.forEach(function (p) { a.appendChild(p); }); return a; }
    function review() {
      var sum = $('sum'), blanks = $('blanks'), list = []; sum.textContent = ''; blanks.textContent = '';
      each(function (i) {
        var li = el('li'), parts = [el('span', 'n', '' + (i + 1)), el('span', '', text(i))], u = el('u', '', '改');
        u.appendChild(el('span', 'vh', '第 ' + (i + 1) + ' 题的答案'));
        if (flags[i]) parts.push(el('span', 'tag gap', '已标记'));
        if (!picked(i).length) { list.push(i); parts.push(el('span', 'tag gap', '没作答')); }
        parts.push(u); li.appendChild(link(i, parts)); sum.appendChild(li);
      });
      if (!list.length) return;
      var box = el('div', 'err'); box.setAttribute('role', 'alert'); box.appendChild(el('h2', '', '还有 ' + list.length + ' 题没作答'));
      list.forEach(function (i) { box.appendChild(link(i, [el('span', '', '第 ' + (i + 1) + ' 题：' + qs[i].querySelector('h2').textContent.slice(0, 18))])); box.appendChild(el('br')); });
      blanks.appendChild(box);
    }
    function paint() {
      each(function (i) { dots[i].className = i === cur ? 'c' : flags[i] ? 'f' : picked(i).length ? 'd' : ''; });
      $('flag').setAttribute('aria-pressed', !!flags[cur]); $('flag').textContent = flags[cur] ? '已标记' : '标记';
    }
    function show() {
      var m = /^#q(\d+)$/.exec(location.hash), check = location.hash === '#check';
      cur = check ? n : m ? Math.max(1, Math.min(n, +m[1])) - 1 : 0;
      each(function (i) { qs[i].className = i === cur ? 'q on' : 'q'; });
      $('check').hidden = !check; $('check').className = check ? 'q on' : 'q'; if (check) review();
      $('pos').textContent = check ? '检查答案' : (cur + 1) + ' / ' + n;
      d.title = (check ? '检查答案' : '第 ' + (cur + 1) + ' 题（共 ' + n + ' 题）') + '· 反诈知识测试';
      $('back').style.visibility = cur ? '' : 'hidden'; $('back').href = '#q' + cur; $('flag').style.display = check ? 'none' : '';
      $('next').textContent = check ? '交卷' : cur === n - 1 ? '检查答案' : '下一题'; $('next').href = check || cur === n - 1 ? '#check' : '#q' + (cur + 2);
      w.scrollTo(0, 0); paint();
      if (m || check) (check ? $('check') : qs[cur]).querySelector('h2').focus({ preventScroll: true });
    }
    function hand() { if (handing) return; handing = true; $('next').setAttribute('aria-disabled', 'true'); keep(); push(); }
    function tick() {
      var s = Math.max(0, Math.floor((ends - mono()) / 1000)), r = s % 60; $('left').textContent = Math.floor(s / 60) + ':' + (r < 10 ? '0' : '') + r;
      if (s === 300 || s === 60) say('wait', '还剩 ' + s / 60 + ' 分钟，到时自动交卷'); if (!s) hand();
    }

    f.addEventListener('change', function (e) {
      var q = e.target; while (q && q.tagName !== 'FIELDSET') q = q.parentNode;
      var i = qs.indexOf(q); if (i < 0) return;
      seq[i]++; keep(); paint(); say('wait', '正在保存…'); later(1);
    });
    f.addEventListener('submit', function (e) { e.preventDefault(); });
    $('next').addEventListener('click', function (e) { if (location.hash === '#check') { e.preventDefault(); hand(); } });
    $('flag').addEventListener('click', function () { flags[cur] = !flags[cur]; paint(); });
    w.addEventListener('hashchange', show);
    w.addEventListener('online', function () { tries = 0; push(); }); w.addEventListener('offline', push);
    w.addEventListener('pageshow', function (e) { if (e.persisted) { busy = false; push(); } });
    d.addEventListener('visibilitychange', function () { if (d.hidden) push(); });
    restore(); show(); if (dirty()) later(0); if (ends) setInterval(tick, 1000);
  }
})(document, window);
