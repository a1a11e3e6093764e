"""One test per promise of the dashboard's safety."""

import base64
import gzip
import io
import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dashboard.audio import audio_url, find_recording
from dashboard.data import Data, keyed
from dashboard.security import Door, Password, make_password
from dashboard.tables import to_csv
from msfl.errors import UsageError
from msfl.runs import Run, open_run

HEAVY = ("tensorflow", "keras", "shap", "numba", "opensmile", "librosa", "sklearn")


def upload(client: Any, *files: tuple[bytes, str], headers: dict[str, str] | None = None) -> Any:
    sent = {"recordings": [(io.BytesIO(content), name) for content, name in files]}
    return client.post(
        "/try_it/upload", data=sent, headers={"X-Msfl": "upload"} if headers is None else headers
    )


# -- who may ask --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("host", ["localhost:8050", "127.0.0.1:8050", "[::1]:8050", "LOCALHOST"])
def test_this_machine_is_let_in_by_its_names(client: Any, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example:8050", "192.168.1.7", "", "localhost.evil.example", "[::1"])
def test_another_name_for_this_machine_is_refused(client: Any, host: str) -> None:
    for path in ("/", "/_dash-layout", "/assets/msfl.css", "/audio/tiny/tiny/de0a0"):
        assert client.get(path, headers={"Host": host}).status_code == 421


def test_on_a_network_addresses_are_let_in_and_foreign_names_are_not() -> None:
    door = Door("0.0.0.0")
    assert door.knows("192.168.1.7:8050")
    assert door.knows(socket.gethostname())
    assert not door.knows("evil.example")


def test_a_page_of_somebody_else_cannot_post_here(client: Any) -> None:
    assert (
        client.post("/_dash-update-component", json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        == 403
    )
    assert upload(client, (b"x", "a.wav"), headers={}).status_code == 403
    visited = client.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert visited.status_code == 200


def basic(password: str, user: str = "anyone") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_a_password_is_asked_for_everywhere_and_kept_as_a_salted_hash(
    make_client: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "password.json"
    file.write_text(make_password("Grüße, 世界"), encoding="utf-8")
    assert "Grüße" not in file.read_text(encoding="utf-8")
    assert make_password("Grüße, 世界") != make_password("Grüße, 世界")
    client = make_client(Door("127.0.0.1", Password(file)))
    for path in (
        "/",
        "/_dash-layout",
        "/assets/msfl.css",
        "/audio/tiny/tiny/de0a0",
        "/table/overview/scores.csv",
    ):
        refused = client.get(path)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic")
        assert client.get(path, headers=basic("Grüße, 世界")).status_code == 200
    for headers in (basic("wrong"), basic(""), {"Authorization": "Basic !!"}, {"Authorization": "Bearer x"}):
        assert client.get("/", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "content", ["", "{}", '{"kind": "msfl password", "n": 2, "r": 8, "p": 1, "salt": "", "hash": ""}']
)
def test_a_file_that_is_no_password_file_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "password.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="no password file"):
        Password(file)


# -- what the browser may do --------------------------------------------------------------------------------
def test_every_answer_carries_the_policy_and_no_page_has_an_inline_script(client: Any) -> None:
    page = client.get("/")
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page.text, flags=re.S)
    assert len(scripts) > 5
    inline = [body for tag, body in scripts if "src=" not in tag and 'type="application/json"' not in tag]
    assert inline == []
    assert not re.findall(r"\son\w+=", page.text)
    for path in ("/", "/nothing", "/assets/msfl.js", "/audio/tiny/none", "/_dash-layout"):
        headers = client.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["script-src"] == "'self'"
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_everything_that_a_page_needs_is_here(client: Any) -> None:
    page = client.get("/")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) > 5
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)
    assert all(client.get(address).status_code == 200 for address in addresses)
    assert "https:" not in page.text


def test_answers_are_packed_and_files_that_last_are_kept(client: Any) -> None:
    plain = client.get("/_dash-layout")
    packed = client.get("/_dash-layout", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.data)) == plain.json
    assert packed.headers["Cache-Control"] == "no-store"
    address = re.findall(r'src="(/_dash-component-suites/[^"]+)"', client.get("/").text)[0]
    assert "immutable" in client.get(address).headers["Cache-Control"]


def test_no_file_of_a_page_is_larger_than_a_megabyte(client: Any) -> None:
    addresses = set(re.findall(r'(?:src|href)="([^"]+)"', client.get("/").text))
    drawing = [address for address in addresses if "plotly" in address]
    assert len(drawing) == 1
    assert drawing[0] in client.get("/assets/msfl.js").text
    sizes = {one: len(client.get(one, headers={"Accept-Encoding": "gzip"}).data) for one in addresses}
    assert max(sizes.values()) < 2**20
    assert sum(sizes.values()) < 1.5 * 2**20


# -- recordings ---------------------------------------------------------------------------------------------
def test_a_recording_is_sent_by_its_id_whole_or_in_part(client: Any, data: Data) -> None:
    run = data.runs["tiny"]
    content = Path(run.utterances.at["tiny/de0a0", "file"]).read_bytes()
    url = audio_url(run, "tiny/de0a0")
    whole = client.get(url)
    assert (whole.status_code, whole.mimetype, whole.data) == (200, "audio/wav", content)
    part = client.get(url, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    assert client.get(url, headers={"Range": "bytes=999999999-"}).status_code == 416


@pytest.mark.parametrize(
    "path",
    [
        "/audio/tiny/../../../../etc/passwd",
        "/audio/tiny/%2e%2e/%2e%2e/etc/passwd",
        "/audio/tiny//etc/passwd",
        "/audio/tiny/tiny/de0a0.wav",
        "/audio/tiny/tiny/de0a0%00",
        "/audio/../tiny/de0a0",
        "/audio/other/tiny/de0a0",
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/try_it/recording/../../etc/passwd/0",
        "/table/overview/../../x.csv",
    ],
)
def test_no_path_from_the_browser_opens_a_file(client: Any, path: str) -> None:
    answer = client.get(path)
    assert (
        answer.status_code in (404, 308) or b"react-entry-point" in answer.data
    )  # Dash's own page for the rest


def with_file(run_folder: Path, tmp_path: Path, stored: str) -> Data:
    """A copy of the run whose first utterance names another file."""
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    table = pd.read_parquet(copy / "utterances.parquet")
    table.loc[0, "file"] = stored
    table.to_parquet(copy / "utterances.parquet", index=False)
    return Data(keyed([open_run(copy)]))


def test_a_foreign_run_folder_cannot_make_the_server_read_out_other_files(
    run_folder: Path, tmp_path: Path, make_client: Callable[..., Any]
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    data = with_file(run_folder, tmp_path, str(secret))
    utterance = str(data.runs["tiny"].utterances.index[0])
    answer = make_client(data=data).get(audio_url(data.runs["tiny"], utterance))
    assert answer.status_code == 404
    assert b"secret" not in answer.data


def test_a_recording_that_is_gone_is_a_sentence_and_the_root_finds_it(
    run_folder: Path, tmp_path: Path, make_client: Callable[..., Any], tiny: Run
) -> None:
    data = with_file(run_folder, tmp_path, "/elsewhere/corpora/wav/a.wav")
    run = data.runs["tiny"]
    first = str(run.utterances.index[0])
    answer = make_client(data=data).get(audio_url(run, first))
    assert answer.status_code == 404
    assert "--audio-root" in answer.text
    root = tmp_path / "moved"
    (root / "wav").mkdir(parents=True)
    source = Path(tiny.utterances["file"].iloc[1])
    shutil.copy(source, root / "wav" / "a.wav")
    assert find_recording(run, first, root)[0] == root / "wav" / "a.wav"
    assert find_recording(run, str(run.utterances.index[1]), root) == (None, "audio.not_in_root")


def test_a_link_out_of_the_root_is_not_followed(run_folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.wav"
    outside.write_bytes(b"RIFF")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.wav").symlink_to(outside)
    for stored in ("/x/a.wav", "../outside.wav", "/x/../outside.wav"):
        data = with_file(run_folder, tmp_path / stored.replace("/", "_"), stored)
        run = data.runs["tiny"]
        assert find_recording(run, str(run.utterances.index[0]), root) == (None, "audio.not_in_root")


# -- uploads ------------------------------------------------------------------------------------------------
def test_uploads_are_bounded_in_size_number_and_kind(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard import workshop

    monkeypatch.setattr(workshop, "LARGEST_FILE", 1000)
    assert "larger than" in upload(client, (b"x" * 1001, "a.wav")).json["error"]
    assert "too many" in upload(client, *[(b"x", f"{n}.wav") for n in range(11)]).json["error"]
    assert "no recording" in upload(client, (b"x", "a.exe")).json["error"]
    assert "empty" in upload(client, (b"", "a.wav")).json["error"]
    assert "No recording" in upload(client).json["error"]
    service = client.application.config["MSFL_DATA"].services["try_it"]
    assert not list(service.folder.iterdir())


def test_a_request_that_is_too_large_is_cut_off(client: Any) -> None:
    assert client.application.config["MAX_CONTENT_LENGTH"] <= 64 * 2**20
    client.application.config["MAX_CONTENT_LENGTH"] = 10_000
    answer = upload(client, (b"x" * 20_000, "a.wav"))
    assert answer.status_code == 413


def test_an_uploaded_name_is_only_shown(client: Any) -> None:
    sent = upload(client, (b"abc", "../../etc/<b>passwd</b>.wav")).json
    assert sent["names"] == ["b>.wav"]
    service = client.application.config["MSFL_DATA"].services["try_it"]
    place = service.place(sent["token"])
    assert [file.name for file in place.recordings.iterdir()] == ["01.wav"]
    assert client.get(f"/try_it/recording/{sent['token']}/0").data == b"abc"
    assert client.get(f"/try_it/recording/{sent['token']}/1").status_code == 404
    assert client.get(f"/try_it/recording/{'A' * 32}/0").status_code == 404
    assert service.delete(sent["token"])
    assert not place.folder.exists()
    assert client.get(f"/try_it/recording/{sent['token']}/0").status_code == 404


def test_uploads_are_gone_when_the_server_ends_and_when_it_was_killed(tmp_path: Path) -> None:
    code = (
        "import io, os, sys; from types import SimpleNamespace as S; from dashboard.workshop import Workshop;"
        "shop = Workshop(); shop.receive([S(filename='a.wav', stream=io.BytesIO(b'x'))]);"
        "print(shop.folder, flush=True); os._exit(1) if sys.argv[1] == 'killed' else None"
    )
    environment = {"TMPDIR": str(tmp_path), "PATH": "", "PYTHONPATH": str(Path(__file__).parents[2])}

    def start(how: str) -> Path:
        said = subprocess.run(
            [sys.executable, "-c", code, how], env=environment, capture_output=True, text=True, check=False
        )
        return Path(said.stdout.strip())

    killed = start("killed")
    assert killed.exists()
    ended = start("ended")
    assert not ended.exists()
    assert not killed.exists()


# -- run folders of others ----------------------------------------------------------------------------------
def test_the_server_never_imports_what_is_heavy(run_folder: Path) -> None:
    code = (
        "import sys; from dashboard.app import create_app; from dashboard.data import Data, keyed;"
        "from msfl.runs import open_run; from dashboard.pages import load_pages, close_pages;"
        "from dashboard.app import content; from dashboard.state import read_state;"
        "from dashboard.texts import texts_for;"
        "data = Data(keyed([open_run(sys.argv[1])])); create_app(data);"
        "from dashboard.later import fill; en = texts_for('en');"
        "views = [(p, read_state('/' + p.NAME, '', data)[0]) for p in load_pages()];"
        "[fill(content(p, view, data, en), p, view, data, en) for p, view in views];"
        "close_pages(data);"
        "print([name for name in sys.modules if name.split('.')[0] in sys.argv[2].split(',')])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(run_folder), ",".join(HEAVY)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert said.stdout.strip() == "[]"


def test_a_spreadsheet_runs_nothing_from_a_table() -> None:
    table = pd.DataFrame({"name": ["=HYPERLINK(1)", "+1", "fine", None], "value": [-1.0, 2.0, 3.0, 4.0]})
    lines = to_csv(table).decode("utf-8-sig").splitlines()
    assert lines[1:] == ["'=HYPERLINK(1),-1.0", "'+1,2.0", "fine,3.0", ",4.0"]


# -- the command --------------------------------------------------------------------------------------------
def command(*arguments: object, entered: str | None = None) -> Any:
    from click.testing import CliRunner

    from dashboard.commands.dashboard import dashboard

    return CliRunner().invoke(
        dashboard, [str(one) for one in arguments], input=entered, standalone_mode=False
    )


def test_a_network_needs_a_password_or_an_explicit_no(run_folder: Path) -> None:
    result = command(run_folder, "--host", "0.0.0.0")
    assert isinstance(result.exception, UsageError)
    assert "--password-file" in str(result.exception)
    assert "--no-password" in str(result.exception)


def test_a_password_file_is_made_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "password.json"
    result = command("--make-password", file, entered="long enough\nlong enough\n")
    assert result.exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    assert Password(file).allows(basic("long enough")["Authorization"])
    short = command("--make-password", tmp_path / "other", entered="short\nshort\n")
    assert isinstance(short.exception, UsageError)


def test_a_port_that_is_taken_is_a_sentence(run_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = command(run_folder, "--port", port, "--no-browser")
    assert isinstance(result.exception, UsageError)
    assert f"Port {port} is taken" in str(result.exception)


def test_a_damaged_run_is_left_out_and_ctrl_c_ends_the_rest_cleanly(run_folder: Path, tmp_path: Path) -> None:
    import signal
    import urllib.request

    damaged = tmp_path / "damaged"
    shutil.copytree(run_folder, damaged)
    (damaged / "utterances.parquet").write_bytes(b"nothing")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from dashboard.commands.dashboard import dashboard; dashboard()"
    arguments = [str(damaged), str(run_folder), "--port", str(port), "--no-browser"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        assert f"http://localhost:{port}/" in process.stdout.readline()
        with urllib.request.urlopen(f"http://localhost:{port}/", timeout=30) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Stopped." in said
    assert "utterances.parquet is damaged" in complaints
    assert "Traceback" not in complaints
