"""Check that the documentation builds as a site with sound links, which loads nothing from other hosts."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
LINK = re.compile(r"\]\((?!https?:)([^)#]+)#?([^)]*)\)")
STYLE_ADDRESS = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation strictly: a broken link, an unlisted page or a wrong anchor fails."""
    folder = tmp_path_factory.mktemp("documentation")
    command = [sys.executable, "-m", "properdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        [*command, "--config-file", "mkdocs.yml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


class Resources(HTMLParser):
    """Collect the addresses that a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADED.get(tag, ""))
        if address:
            self.found.append(address)


def loaded_by(page: Path) -> list[str]:
    resources = Resources()
    resources.feed(page.read_text())
    return resources.found + STYLE_ADDRESS.findall(page.read_text())


def is_foreign(address: str) -> bool:
    return urlsplit(address).netloc != ""


def test_pages_load_nothing_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    addresses = {(page.name, address) for page in pages for address in loaded_by(page)}
    assert ("index.html", "site.css") in addresses
    assert not {(page, address) for page, address in addresses if is_foreign(address)}


def test_style_sheets_load_nothing_from_another_host(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    assert sheets
    addresses = {(sheet.name, each) for sheet in sheets for each in STYLE_ADDRESS.findall(sheet.read_text())}
    assert not {(sheet, address) for sheet, address in addresses if is_foreign(address)}


def test_diagrams_are_drawn_while_the_site_is_built(site: Path) -> None:
    page = (site / "architecture.html").read_text()
    assert "```" not in page
    assert "<svg" in page


def test_a_foreign_script_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<script src="https://cdn.example/a.js"></script><style>@import "//fonts.example/a.css"</style>')
    assert [each for each in loaded_by(page) if is_foreign(each)] == [
        "https://cdn.example/a.js",
        "//fonts.example/a.css",
    ]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_from_outside_the_site_hold(site: Path, name: str) -> None:
    links = LINK.findall((ROOT / name).read_text())
    assert links
    for path, heading in links:
        assert (ROOT / path).exists(), path
        if heading:
            page = site / Path(path).relative_to("docs").with_suffix(".html")
            assert f'id="{heading}"' in page.read_text(), f"{path}#{heading}"


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 90
    assert max(map(len, lines)) <= 120
