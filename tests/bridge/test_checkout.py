"""A checkout is recognised, gets AGIR's files and patches, and is as it was after their removal."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agir_plugin.bridge import checkout
from agir_plugin.bridge.patches import Patch, find_patches, insert, read_patch, shipped_patches, take_out
from agir_plugin.errors import HostError, UsageError

UPSTREAM = os.environ.get("MOTIONGPT_ROOT")
needs_upstream = pytest.mark.skipif(not UPSTREAM, reason="needs MOTIONGPT_ROOT, a checkout of upstream MotionGPT")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A checkout of another version: the names that AGIR builds on, in a git repository."""
    root = tmp_path / "MotionGPT"
    for file, names in checkout.CAPABILITIES.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        classes: dict[str, list[str]] = {}
        lines = []
        for name in names:
            owner, _, method = name.rpartition(".")
            (classes.setdefault(owner, []).append(method) if owner else lines.append(f"def {name}(): ...\n"))
        if "BASEDataModule" in names:
            lines = ["class BASEDataModule: ...\n"]
        lines += [f"class {c}:\n" + "".join(f"    def {m}(self): ...\n" for m in methods) for c, methods in classes.items()]
        path.write_text("".join(lines))
    (root / "configs").mkdir()
    (root / "configs" / "assets.yaml").write_text("FOLDER: experiments\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all")
    return root


def git(root: Path, *words: str) -> str:
    """Output of a git command in a folder."""
    return subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True).stdout


def content(root: Path) -> dict[str, str]:
    """Hash of every file below a folder but git's own."""
    files = (path for path in root.rglob("*") if path.is_file() and ".git" not in path.relative_to(root).parts[:1])
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_another_version_is_known_by_what_it_can_do(other: Path) -> None:
    found = checkout.recognise(other)
    assert (found.kind, found.missing, found.usable) == ("upstream, changed", (), True)
    assert found.commit == git(other, "rev-parse", "HEAD").strip()
    (other / "mGPT" / "archs" / "mgpt_vq.py").write_text("class VQVae:\n    def encode(self): ...\n")
    found = checkout.recognise(other)
    assert found.missing == ("mGPT/archs/mgpt_vq.py: VQVae.decode",) and not found.usable
    with pytest.raises(HostError, match=r"lacks what AGIR builds on \(mGPT/archs/mgpt_vq.py: VQVae.decode\)"):
        checkout.install(other)
    assert not (other / "agir").exists()


def test_our_host_and_a_folder_of_something_else_are_told_apart(tmp_path: Path) -> None:
    host = Path(__file__).parents[2] / "third_party" / "motiongpt"
    assert checkout.recognise(host).kind == "host"
    assert checkout.recognise(tmp_path).kind == "not MotionGPT"
    with pytest.raises(HostError, match="finds the shipped configurations by itself"):
        checkout.install(host)
    with pytest.raises(HostError, match="expected a MotionGPT checkout"):
        checkout.install(tmp_path)


def test_what_is_installed_is_removed_again(other: Path) -> None:
    before = content(other)
    change = checkout.install(other)
    assert "configs/agir_stage1.yaml" in change.written and (other / "configs" / "agir_stage2.yaml").is_file()
    templates = json.loads((other / "agir" / "templates" / "template_instructions.json").read_text("utf8"))
    assert sum(len(subtask["input"]) for group in templates.values() for subtask in group.values()) == 200
    assert set(checkout.installed(other).values()) == {"as installed"}
    (other / "mGPT" / "__pycache__").mkdir()
    (other / "mGPT" / "__pycache__" / "a.pyc").write_bytes(b"x")
    change = checkout.remove(other)
    assert not change.kept
    assert content(other) == before and git(other, "status", "--porcelain") == ""
    assert not [path for path in other.iterdir() if path.name in (*checkout.LOCAL_FOLDERS, "agir")]


def test_runs_stay_and_git_does_not_show_them(other: Path) -> None:
    checkout.install(other)
    run = other / "experiments" / "model" / "AGIR_vq" / "last.ckpt"
    run.parent.mkdir(parents=True)
    run.write_bytes(b"weights")
    change = checkout.remove(other)
    assert change.kept == ("experiments",) and run.read_bytes() == b"weights"
    assert git(other, "status", "--porcelain") == ""


def test_byte_code_that_was_there_before_stays(other: Path) -> None:
    cache = other / "mGPT" / "__pycache__"
    cache.mkdir()
    (cache / "a.pyc").write_bytes(b"x")
    checkout.install(other)
    checkout.remove(other)
    assert (cache / "a.pyc").is_file()


def test_a_changed_configuration_is_kept_unless_told_otherwise(other: Path) -> None:
    checkout.install(other)
    mine = other / "configs" / "agir_stage1.yaml"
    mine.write_text("NAME: mine\n")
    assert checkout.install(other).kept == ("configs/agir_stage1.yaml",)
    assert mine.read_text() == "NAME: mine\n"
    assert checkout.installed(other)["configs/agir_stage1.yaml"] == "changed since"
    assert checkout.remove(other).kept == ("configs/agir_stage1.yaml",)
    assert mine.is_file()


def test_discarding_changes_removes_them_too(other: Path) -> None:
    before = content(other)
    checkout.install(other)
    (other / "configs" / "agir_stage1.yaml").write_text("NAME: mine\n")
    assert not checkout.remove(other, discard_changes=True).kept
    assert content(other) == before


def test_a_file_in_the_way_is_not_overwritten(other: Path) -> None:
    (other / "configs" / "agir_vq.yaml").write_text("NAME: theirs\n")
    with pytest.raises(HostError, match=r"agir_vq.yaml: is in the way and not AGIR's"):
        checkout.install(other)
    assert (other / "configs" / "agir_vq.yaml").read_text() == "NAME: theirs\n" and not (other / "agir").exists()


def test_installing_again_after_an_interruption_completes_it(other: Path) -> None:
    checkout.install(other)
    (other / "configs" / "agir_vq.yaml").unlink()
    assert checkout.installed(other)["configs/agir_vq.yaml"] == "missing"
    checkout.install(other)
    assert set(checkout.installed(other).values()) == {"as installed"}


def test_a_damaged_record_and_nothing_to_remove_are_told(other: Path) -> None:
    with pytest.raises(HostError, match="nothing of AGIR is installed there"):
        checkout.remove(other)
    checkout.install(other)
    (other / "agir" / "installed.json").write_text('{"files"')
    with pytest.raises(HostError, match="expected the record of an installation as JSON"):
        checkout.installed(other)
    (other / "agir" / "installed.json").write_text("{}")
    with pytest.raises(HostError, match=r"it lacks caches, files"):
        checkout.installed(other)


def test_a_patch_for_another_text_is_refused_before_anything_is_written(other: Path) -> None:
    with pytest.raises(HostError, match="not the file that the patch debug-from-yaml was made for"):
        checkout.install(other, ("debug-from-yaml",))
    assert not (other / "agir").exists()


def patch(*insertions: tuple[int, str]) -> Patch:
    """A patch with these insertions."""
    return Patch("p", "fault", "use", "until", "a.py", "0" * 64, insertions)


def test_lines_are_put_where_the_patch_says() -> None:
    assert insert("1\n2\n3\n", [patch((1, "a\n")), patch((3, "b\nc\n"))]) == "1\na\n2\n3\nb\nc\n"


@given(
    lines=st.lists(st.text("ab", max_size=3), min_size=1, max_size=12),
    places=st.lists(st.integers(0, 12), min_size=1, max_size=5, unique=True),
)
def test_what_was_put_in_comes_out_again(lines: list[str], places: list[int]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    patches = [patch((min(place, len(lines)), f"new {place}\n")) for place in places]
    assert take_out(insert(text, patches), patches) == text


def test_a_text_that_was_changed_in_the_patch_is_noticed() -> None:
    assert take_out("1\nx\n2\n", [patch((1, "a\n"))]) is None


def test_every_shipped_patch_only_inserts_and_says_why() -> None:
    found = shipped_patches()
    assert {item.name for item in found} == {"debug-from-yaml", "key-value-settings", "resume-without-wandb"}
    assert all(item.fault and item.use and item.until and item.insertions for item in found)
    assert find_patches(["all"]) == found
    with pytest.raises(UsageError, match="did you mean 'debug-from-yaml'"):
        find_patches(["debug-from-yml"])


def test_a_diff_that_takes_lines_away_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.patch"
    text = (Path(__file__).parents[2] / "patches" / "debug-from-yaml.patch").read_text("utf8")
    path.write_text(text + "-gone\n")
    with pytest.raises(HostError, match="expected a diff that only inserts"):
        read_patch(path)


@needs_upstream
def test_upstream_is_recognised_patched_and_left_as_it_was(tmp_path: Path) -> None:
    root = tmp_path / "MotionGPT"
    git(Path(str(UPSTREAM)), "clone", "-q", str(UPSTREAM), str(root))
    before = content(root)
    assert checkout.recognise(root).kind == "upstream"
    checkout.install(root, ("key-value-settings",))
    checkout.install(root, ("all",))
    assert checkout.recognise(root).kind == "upstream"
    assert set(checkout.patched(root)) == {item.name for item in shipped_patches()}
    ours = (root / "mGPT" / "config.py").read_bytes()
    checkout.remove(root)
    assert content(root) == before and git(root, "status", "--porcelain") == ""
    for item in sorted(shipped_patches(), key=lambda item: -item.insertions[0][0]):
        file = Path(__file__).parents[2] / "patches" / f"{item.name}.patch"
        git(root, "apply", "--unidiff-zero", "--check", str(file))
        git(root, "apply", "--unidiff-zero", str(file))
    assert (root / "mGPT" / "config.py").read_bytes() == ours
    shutil.rmtree(root)
