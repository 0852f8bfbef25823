/* 复制按钮:先选中文字再复制;没有脚本时老师可以手动全选复制。 */
document.addEventListener("click", function (e) {
  var b = e.target, t = b.dataset && b.dataset.copy && document.getElementById(b.dataset.copy);
  if (!t) return;
  t.select();
  document.execCommand("copy");
  b.textContent = "已复制";
});
/* 显示密码:没有脚本时这个勾选框不出现。 */
Array.prototype.forEach.call(document.querySelectorAll("[data-shows]"), function (box) {
  box.parentNode.hidden = false;
  box.addEventListener("change", function () {
    box.getAttribute("data-shows").split(" ").forEach(function (id) {
      document.getElementById(id).type = box.checked ? "text" : "password";
    });
  });
});
/* 一次勾上一列:已经勾了“否”的不动。没有脚本时这个按钮不出现。 */
Array.prototype.forEach.call(document.querySelectorAll("[data-ticks]"), function (b) {
  b.hidden = false;
  b.addEventListener("click", function () {
    Array.prototype.forEach.call(b.form.querySelectorAll("[name=" + b.getAttribute("data-ticks") + "]"), function (box) {
      var no = b.form.querySelector("[name=no][value='" + box.value + "']");
      box.checked = !(no && no.checked);
    });
  });
});
/* 看板:每 20 秒(大屏 15 秒)问一次有没有变化(304 就不动),换上变了的部分;页面在后台时停。姓名只在打开页面时发一次,之后留在原处。没有脚本时整页 60 秒刷新。 */
(function () {
  var box = document.querySelector("[data-live]"), busy = false, tag;
  if (!box || !window.DOMParser) return;
  tag = 'W/"' + box.getAttribute("data-tag") + '"';
  function each(list, act) { Array.prototype.forEach.call(list, act); }
  function swap(text) {
    var names = {}, open = document.getElementById("parents"), focus = document.activeElement && document.activeElement.id;
    open = open && open.open;
    each(box.querySelectorAll("[data-seat]"), function (cell) {
      names[cell.getAttribute("data-seat")] = cell.querySelector(".who").textContent;
    });
    each(new DOMParser().parseFromString(text, "text/html").querySelectorAll("[id^=live-]"), function (part) {
      var old = document.getElementById(part.id);
      if (!old) return;
      each(part.querySelectorAll("[data-seat]"), function (cell) {
        cell.querySelector(".who").textContent = names[cell.getAttribute("data-seat")] || "";
      });
      old.parentNode.replaceChild(document.importNode(part, true), old);
    });
    if (open) document.getElementById("parents").open = true;
    if (focus && (focus = document.getElementById(focus))) focus.focus();
  }
  function ask() {
    var reading = document.activeElement, request;
    if (busy || document.hidden || (reading && reading.tagName === "TEXTAREA")) return;
    busy = true;
    request = new XMLHttpRequest();
    request.open("GET", box.getAttribute("data-live"));
    request.setRequestHeader("If-None-Match", tag);
    request.onloadend = function () {
      var time = request.getResponseHeader("X-As-Of");
      busy = false;
      if (request.status === 200 && !time) return location.reload();
      if (request.status === 200) {
        tag = request.getResponseHeader("ETag");
        swap(request.responseText);
      }
      if (time) each(document.querySelectorAll("[data-as-of]"), function (one) { one.textContent = time; });
    };
    request.send();
  }
  setInterval(ask, 1000 * (box.getAttribute("data-every") || 20));
  document.addEventListener("visibilitychange", ask);
})();
