/* 题目编辑:一边写一边看手机上的样子。没有脚本时用“看手机上的样子”按钮,在新页面打开。 */
(function () {
  var box = document.querySelector(".phone"), form = document.querySelector("[data-preview]");
  var told = document.getElementById("told"), timer, asked = 0, root, template;
  if (!box) return;
  template = box.querySelector("template"); /* 老浏览器不认 shadowrootmode,在这里补上 */
  if (template && box.attachShadow) {
    box.attachShadow({ mode: "open" }).appendChild(template.content);
    box.removeChild(template);
  }
  root = box.shadowRoot;
  if (!form || !root || !window.fetch || !window.DOMParser) return;
  document.getElementById("look").hidden = true;
  function show(text) {
    var page = new DOMParser().parseFromString(text, "text/html"), list = page.querySelector("#sentences ul");
    root.getElementById("shown").replaceChildren(document.importNode(page.getElementById("shown"), true));
    told.replaceChildren();
    if (list) told.appendChild(document.importNode(list, true));
  }
  function ask() {
    var mine = ++asked;
    fetch(form.getAttribute("data-preview"), { method: "POST", body: new FormData(form), credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : ""; })
      .then(function (text) { if (text && mine === asked) show(text); })
      .catch(function () {}); /* 断网时留着上一次的样子,保存时再说 */
  }
  form.addEventListener("input", function () {
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  });
  if (form.elements.opened.value !== "0") ask(); /* 空白的新题先不挑错 */
})();
