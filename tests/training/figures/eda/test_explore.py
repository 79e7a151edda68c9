import html
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from training.__main__ import main
from training.figures.eda import explore
from training.figures.report import ReportFigure, Section, write_report

FIGURES = {"class-balance", "samples", "mean-faces", "light-by-split", "light-by-class", "strangest"}


def eda(source: Path, out: Path, *more: str, cache: Path | None = None) -> list[str]:
    return ["eda", "--data", str(source), "--cache", str(cache or source.parent / "cache"), "--out", str(out), *more]


@pytest.fixture(scope="module")
def plain_report(csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("eda") / "plain"
    assert main(eda(csv, out)) == 0
    return out


def test_reports_on_a_file_with_votes(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report"
    assert main(eda(csv, out, "--votes", str(csv.parent / "votes.csv"))) == 0
    assert f"Wrote {out / 'report.html'}" in capsys.readouterr().out
    page = html.unescape((out / "report.html").read_text())
    assert "FER+'s majority is FER-2013's label in 95.7% of all faces" in page  # 3 of 70 have no majority
    assert {"agreement", "most-divided"} | FIGURES <= {file.stem for file in out.glob("*.png")}


def test_the_page_needs_no_other_file(plain_report: Path) -> None:
    page = (plain_report / "report.html").read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("data:image/png;base64,") == len(list(plain_report.glob("*.png"))) >= len(FIGURES)


def test_without_votes_the_section_on_agreement_is_missing(plain_report: Path) -> None:
    assert not (plain_report / "agreement.png").exists()
    page = (plain_report / "report.html").read_text()
    assert "Agreement" not in page
    assert "none its own" in page  # the neighbours show which labels are probably wrong


def test_reports_on_folders_that_lack_classes_and_splits(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for index, name in enumerate(["happy", "happy", "sad"]):
        folder = tmp_path / "faces" / name
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{index}.png"), random.integers(0, 256, (48, 48)).astype(np.uint8))
    assert main(eda(tmp_path / "faces", tmp_path / "report", cache=tmp_path / "cache")) == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Without any face: angry, disgust, fear, surprise, neutral." in page
    assert "There are none." in page


def test_shows_copies_on_both_sides_of_a_split(tmp_path: Path) -> None:
    photo = np.random.default_rng(1).integers(0, 128, (48, 48)).astype(np.uint8)
    for split, face in (("train", photo), ("test", photo + 90)):
        folder = tmp_path / "faces" / split / "happy"
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "0.png"), face)
    assert main(eda(tmp_path / "faces", tmp_path / "report", cache=tmp_path / "cache")) == 0
    assert (tmp_path / "report" / "copies-across.png").exists()
    assert not (tmp_path / "report" / "copies-within.png").exists()
    assert "more than once: 1, in 2 faces" in (tmp_path / "report" / "report.html").read_text()


def test_a_data_set_may_have_one_face(tmp_path: Path) -> None:
    folder = tmp_path / "faces" / "happy"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "0.png"), np.eye(48, dtype=np.uint8) * 255)
    assert main(eda(tmp_path / "faces", tmp_path / "report", cache=tmp_path / "cache")) == 0


def test_an_interrupted_report_leaves_the_earlier_one(
    csv: Path, plain_report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in plain_report.iterdir()}

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(explore, "describe_copies", interrupted)
    assert main(eda(csv, plain_report)) == 130
    assert "No report was written." in capsys.readouterr().err
    assert {file.name: file.stat().st_mtime_ns for file in plain_report.iterdir()} == before


def test_a_report_that_cannot_be_written_says_so(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no folder")
    assert main(eda(csv, tmp_path / "file")) == 1
    assert "The report cannot be written" in capsys.readouterr().err


def test_missing_votes_are_named(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(csv, tmp_path / "fer2013.csv")
    assert main(eda(tmp_path / "fer2013.csv", tmp_path / "report", "--votes", str(tmp_path / "none.csv"))) == 1
    assert "Name a fer2013new.csv" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("arguments", [["eda", "--out", "report"], ["eda", "--data", "fer2013.csv"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2
    assert "required" in capsys.readouterr().err


def test_help_lists_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["eda", "--help"])
    assert exited.value.code == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--data", "--votes", "--cache", "--out"))


def test_only_the_figures_of_the_earlier_report_are_removed(tmp_path: Path) -> None:
    def section(name: str) -> Section:
        return Section("Figures", figures=[ReportFigure(name, Figure(), "Nothing")])

    out = tmp_path / "report"
    write_report(out, "Earlier", "", [section("gone"), section("changed"), section("kept")])
    (out / "holiday.png").write_bytes(b"somebody's photo")
    (out / "changed.png").write_bytes(b"drawn over by somebody")
    write_report(out, "Later", "", [section("kept"), section("new")])
    names = {file.name for file in out.iterdir()}
    assert names == {"report.html", "kept.png", "new.png", "holiday.png", "changed.png"}
