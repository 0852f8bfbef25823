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
