"""The browser's assets: one hash for all, cached for ever, and nothing served but what was read at start."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from ppl.web.http.answers import Answer, MethodNotAllowed, NotFound
from ppl.web.http.assets import STATIC, Assets
from ppl.web.http.rendering import TEMPLATES
from ppl.web.http.visit import Visit

SCRIPT = b'export const answer="' + b"x" * 500 + b'";'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "viewer").mkdir()
    (tmp_path / "app.css").write_bytes(b"body { margin: 0 }" * 50)
    (tmp_path / "viewer" / "main.js").write_bytes(SCRIPT)
    (tmp_path / "tiny.json").write_bytes(b"1")
    (tmp_path / "README").write_bytes(b"not for browsers")
    return tmp_path


def get(assets: Assets, path: str, method: str = "GET", encoding: str = "") -> Answer:
    headers = {"accept-encoding": encoding} if encoding else {}
    return assets.answer(Visit(method, path, path, {}, headers, b"", "", False, False))


def test_scripts_are_served_without_comments_and_blanks_and_with_all_of_their_texts(tmp_path: Path) -> None:
    script = (
        b'/** What\n * it is. */\nexport const a = "// b  c"; // c\n  // d\n  const e = /** @type {string} */ (f);\n'
    )
    script += b"const g = `// ${ e }  /* no comment */\n  h`, i = /[/] *\\/\\/ '/;\n"
    (tmp_path / "main.js").write_bytes(script)
    assets = Assets(tmp_path)
    expected = b'export const a="// b  c";const e=(f);const g=`// ${ e }  /* no comment */\n  h`,i=/[/] *\\/\\/ \'/;'
    assert get(assets, assets.url("main.js")).body == expected


def test_an_asset_is_served_with_its_type_and_may_be_kept_for_ever(directory: Path) -> None:
    assets = Assets(directory)
    answer = get(assets, assets.url("viewer/main.js"))
    assert answer.body == SCRIPT
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert dict(answer.headers) == {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }


@pytest.mark.parametrize("encoding", ["gzip", "deflate, gzip, br", "GZIP;q=0.5", "br, *"])
def test_an_asset_is_gzipped_for_who_takes_that(directory: Path, encoding: str) -> None:
    assets = Assets(directory)
    answer = get(assets, assets.url("viewer/main.js"), encoding=encoding)
    assert dict(answer.headers)["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == SCRIPT
    assert len(answer.body) < len(SCRIPT)


@pytest.mark.parametrize("encoding", ["", "br", "gzip;q=0", "gzip;q=0.000", "identity", "xgzip"])
def test_an_asset_is_plain_for_who_does_not(directory: Path, encoding: str) -> None:
    assets = Assets(directory)
    assert get(assets, assets.url("viewer/main.js"), encoding=encoding).body == SCRIPT


def test_what_gzip_makes_longer_stays_plain(directory: Path) -> None:
    assets = Assets(directory)
    assert get(assets, assets.url("tiny.json"), encoding="gzip").body == b"1"


def test_one_hash_covers_every_byte_and_every_name(directory: Path) -> None:
    version = Assets(directory).version
    assert Assets(directory).version == version
    (directory / "viewer" / "main.js").write_bytes(SCRIPT + b"!")
    changed = Assets(directory).version
    (directory / "viewer" / "main.js").rename(directory / "viewer" / "other.js")
    assert len({version, changed, Assets(directory).version}) == 3


@pytest.mark.parametrize(
    "name",
    [
        "",
        "viewer",
        "viewer/",
        "README",
        "nothing.js",
        "../assets.py",
        "..%2fassets.py",
        "viewer/../app.css",
        "//app.css",
        "/etc/passwd",
        "app.css/",
        "app.css%00.js",
    ],
)
def test_nothing_else_is_served(directory: Path, name: str) -> None:
    assets = Assets(directory)
    with pytest.raises(NotFound):
        get(assets, assets.url(name))


@pytest.mark.parametrize("path", ["/static/", "/static/app.css", "/static/0123456789abcdef/app.css"])
def test_nothing_is_served_without_the_hash_of_today(directory: Path, path: str) -> None:
    with pytest.raises(NotFound):
        get(Assets(directory), path)


def test_an_asset_can_only_be_read(directory: Path) -> None:
    assets = Assets(directory)
    assert get(assets, assets.url("app.css"), "HEAD").status == 200
    with pytest.raises(MethodNotAllowed):
        get(assets, assets.url("app.css"), "POST")


def test_every_asset_that_a_template_names_exists() -> None:
    named = {
        name
        for template in TEMPLATES.glob("*.html")
        for name in re.findall(r"asset\('([^']+)'\)", template.read_text("utf-8"))
    }
    assert "app.css" in named
    assert named <= Assets().names


def test_every_module_that_a_module_imports_exists() -> None:
    names = Assets().names
    statement = re.compile(r"""(?:^|\n)\s*(?:import|export)[^'";]*['"](\.{1,2}/[^'"]+)['"]""")
    for path in STATIC.rglob("*.js"):
        for relative in statement.findall(path.read_text("utf-8")):
            target = (path.parent / relative).resolve().relative_to(STATIC.resolve()).as_posix()
            assert target in names, f"{path.name} imports {relative}"
