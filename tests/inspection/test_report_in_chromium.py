"""The report in a real browser: no console error, sorting works, nothing overflows.

Skipped where there is no Chromium. A page beside the report shows it in frames of the widths
that are tried, and writes what it finds there.
"""

import json
import re
import shutil
import subprocess

import pytest

from .given import FLOWERS, of_flowers, of_numbers, of_sixty

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "chrome-headless-shell")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")

LOOK = """
<!DOCTYPE html><meta charset="utf-8"><body><script>
const page = PAGE;
const found = {};
async function look(width) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:900px;border:0`;
  const loaded = new Promise((done) => { frame.onload = done; });
  frame.srcdoc = page;
  document.body.append(frame);
  await loaded;
  const doc = frame.contentDocument, root = doc.documentElement;
  const boxed = (e) => e.closest(".scroll") !== null;
  const wide = [...doc.body.querySelectorAll("*")].filter((e) => !boxed(e)
    && !e.classList.contains("skip") && e.getBoundingClientRect().right > width + 1);
  const table = doc.querySelector("table.sortable");
  const heads = [...table.tHead.rows[0].cells];
  const column = (i) => [...table.tBodies[0].rows].map((row) => row.cells[i].textContent);
  const states = () => heads.map((head) => head.getAttribute("aria-sort"));
  const by = {};
  for (const i of [0, 1, 3]) {
    heads[i].querySelector("button").focus();
    const focused = doc.activeElement === heads[i].querySelector("button");
    heads[i].querySelector("button").click();
    const first = [column(i), states()];
    heads[i].querySelector("button").click();
    by[i] = [first, [column(i), states()], focused];
  }
  found[width] = {
    overflow: root.scrollWidth - root.clientWidth,
    wide: wide.map((e) => e.tagName + " " + e.textContent.slice(0, 40)),
    by,
    ink: frame.contentWindow.getComputedStyle(doc.body).color,
  };
}
(async () => {
  for (const width of [360, 1440]) await look(width);
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = "FOUND" + JSON.stringify(found) + "END";
  document.body.replaceChildren(out);
})();
</script></body>
"""


def look(report, folder):
    """Open a report in Chromium; what it found at each width, and what the console said."""
    # "<" is written as an escape, lest the page ends the script that holds it.
    text = json.dumps(report.read_text("utf-8")).replace("<", "\\u003c")
    page = folder / "look.html"
    page.write_text(LOOK.replace("PAGE", text, 1), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1600,1000"]
    options += ["--virtual-time-budget=20000", "--enable-logging=stderr", "--dump-dom"]
    options += [f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [CHROMIUM, *options, page.as_uri()], capture_output=True, text=True, timeout=120
    )
    said = re.search(r"FOUND(.*)END", done.stdout, re.S)
    assert said, done.stdout[-2000:] + done.stderr[-2000:]
    plain = said.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(plain), console


def numbers(cells):
    return [float(c.replace("−", "-").replace(",", "")) for c in cells if c != "–"]


@pytest.mark.parametrize("stack", [of_numbers, of_flowers, of_sixty])
def test_page(stack, tmp_path):
    report = tmp_path / "report.html"
    args = FLOWERS if stack is of_flowers else ()
    stack().report(report, *(part[::2] for part in args))
    found, console = look(report, tmp_path)
    assert console == []
    for width in ("360", "1440"):
        assert found[width]["overflow"] <= 0
        assert found[width]["wide"] == []
        (names, up), (again, down), focused = found[width]["by"]["0"]
        assert focused
        assert names == sorted(again) or len(names) > 3
        assert names == again[::-1]
        assert (up[0], down[0]) == ("ascending", "descending")
        assert set(up[1:]) == {"none"}
        (losses, _), (falling, _), _ = found[width]["by"]["1"]
        assert numbers(losses) == sorted(numbers(losses))
        assert numbers(falling) == sorted(numbers(losses), reverse=True)
