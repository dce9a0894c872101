from pathlib import Path

from onbrand.artifact import Manifest, folder_hash, now, read_manifest, up_to_date, write_manifest


def test_a_manifest_is_current_only_for_its_own_settings_and_inputs(tmp_path: Path) -> None:
    manifest = Manifest(
        command="build", config_hash="c", inputs={"raw": "r"}, started_at=now(), finished_at=now()
    )
    write_manifest(tmp_path, manifest)
    assert up_to_date(tmp_path, "c", {"raw": "r"}) == manifest
    assert up_to_date(tmp_path, "d", {"raw": "r"}) is None
    assert up_to_date(tmp_path, "c", {"raw": "s"}) is None


def test_no_manifest_or_a_broken_one_means_not_made_yet(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    (tmp_path / "manifest.json").write_text("{")
    assert read_manifest(tmp_path) is None


def test_a_folder_hash_follows_names_and_bytes_not_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = folder_hash(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    assert folder_hash(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "b")
    assert folder_hash(tmp_path) != first
