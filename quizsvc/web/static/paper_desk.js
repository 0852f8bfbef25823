/* 组卷:改一步只换变了的部分,页面和题库都留在原处,手机只在变了时重画。没有脚本时每一步都是普通的表单和链接。 */
(function () {
  var busy = false, pressed, next, CONTROLS = "a[href],button";
  if (!document.getElementById("desk") || !window.DOMParser || !window.URLSearchParams || !Element.prototype.closest) return;
  function each(list, act) { Array.prototype.forEach.call(list, act); }
  function part(id, page) { return (page || document).getElementById(id); }
  function put(id, page) { part(id).parentNode.replaceChild(document.importNode(part(id, page), true), part(id)); }
  function homes(one) {
    for (var ids = []; one; one = one.parentElement) if (one.id) ids.push(one.id);
    return ids;
  }
  function look(page) {
    var glass = part("glass", page);
    return glass ? glass.getAttribute("src") + glass.getAttribute("sandbox") : "";
  }
  function swap(page, from) {
    var top = part("stock") && part("stock").scrollTop, open = [], desk = part("desk"), here, rows, row;
    row = from[0] && from[0].indexOf("item-") === 0 && part(from[0]);
    row = row ? Array.prototype.indexOf.call(row.parentNode.children, row) : -1;
    each(desk.querySelectorAll("details[open]"), function (one) { if (one.id) open.push(one.id); });
    each(document.querySelectorAll("#m>.toast"), function (one) { one.parentNode.removeChild(one); });
    each(page.querySelectorAll("#m>.toast"), function (one) { desk.parentNode.insertBefore(document.importNode(one, true), desk).className = "toast over"; });
    each(["head", "bank", "sheet"], function (id) { put(id, page); });
    if (look() !== look(page)) put("phone", page);
    each(open, function (id) { if (part(id)) part(id).open = true; });
    if (part("stock")) part("stock").scrollTop = from.indexOf("stock") < 0 && from.indexOf("sheet") < 0 && from.indexOf("phone") < 0 ? 0 : top;
    document.title = page.title;
    here = from.filter(function (id) { return part(id); })[0];
    rows = document.querySelector(".fixed2"); /* 换掉或移走的题:停在它原来的位置 */
    if (row >= 0 && here !== from[0] && rows) here = (rows.children[row] || rows.lastElementChild).id;
    if (!here) return;
    if (part(here).tabIndex < 0) part(here).setAttribute("tabindex", "-1");
    part(here).focus({ preventScroll: true });
  }
  function hold(control) { /* 按得快:上一步还没回来,记住按了什么,回来以后在新的页面上接着按 */
    var home = homes(control)[0];
    next = { home: home, place: Array.prototype.indexOf.call(part(home).querySelectorAll(CONTROLS), control), text: control.textContent };
  }
  function resume() {
    var held = next, home = held && part(held.home), control = home && home.querySelectorAll(CONTROLS)[held.place];
    next = null;
    if (control && control.textContent === held.text) control.click();
  }
  function load(method, address, body, from, otherwise) {
    var request = new XMLHttpRequest();
    if (busy) return;
    busy = true;
    request.open(method, address);
    if (body) request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.onloadend = function () {
      var page;
      busy = false;
      if (request.status !== 200) return otherwise();
      page = new DOMParser().parseFromString(request.responseText, "text/html");
      if (!part("desk", page)) return location.assign(request.responseURL);
      history.replaceState(null, "", request.responseURL);
      swap(page, from);
      resume();
    };
    request.send(body);
  }
  document.addEventListener("click", function (event) {
    var link = event.target.closest("#desk a[href]");
    pressed = event.target.closest("button");
    if (busy && pressed && pressed.form && pressed.form.hasAttribute("data-inside")) {
      event.preventDefault();
      return hold(pressed);
    }
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.pathname !== location.pathname) return;
    event.preventDefault();
    if (busy) return hold(link);
    load("GET", link.href, null, homes(link), function () { location.assign(link.href); });
  });
  document.addEventListener("submit", function (event) {
    var form = event.target, button = event.submitter || pressed, fields, address;
    if (!form.hasAttribute("data-inside") || (button && button.form !== form)) return;
    event.preventDefault();
    fields = new URLSearchParams(new FormData(form));
    address = (button && button.getAttribute("formaction")) || form.getAttribute("action");
    if (button && button.name) fields.append(button.name, button.value);
    if (form.method === "post") load("POST", address, fields.toString(), homes(button || form), function () { location.reload(); });
    else load("GET", address.split(/[?#]/)[0] + "?" + fields, null, homes(form), function () { form.submit(); });
  });
})();
