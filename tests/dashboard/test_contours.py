"""What is drawn over a contour is what openSMILE counted: value by value, for whole feature sets."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sound import analysis
from dashboard.sound.content import Contour
from dashboard.sound.levels import LEVELS, contour_of
from dashboard.sound.marks import Marks, marks
from dashboard.sound.service import SoundService
from msfl.audio import load
from msfl.errors import DataError
from msfl.features.grammar import parse, parse_or_unknown
from msfl.features.sets import FEATURE_SETS, smile

SECONDS = 1.1


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tone that glides and swells, with a pause, so that no statistic is trivial."""
    import soundfile

    rate = 16_000
    time = np.arange(int(SECONDS * rate)) / rate
    pitch = 150 + 60 * np.sin(2 * np.pi * 1.7 * time) + 40 * time
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    tone = sum(np.sin(n * phase) / n for n in range(1, 12)) * (0.3 + 0.2 * np.sin(2 * np.pi * 2.3 * time))
    tone[int(0.5 * rate) : int(0.62 * rate)] = 0
    noise = np.random.default_rng(1).normal(size=len(time))
    file = tmp_path_factory.mktemp("speech") / "glide.wav"
    soundfile.write(file, (0.3 * tone + 0.003 * noise).astype(np.float32), rate)
    return file


def drawn(file: Path, feature_set: str) -> dict[str, tuple[float, Marks, Contour]]:
    """Return what openSMILE wrote and what is drawn, by feature."""
    configuration = FEATURE_SETS[feature_set].opensmile
    written = smile(feature_set).process_signal(load(file).signal, 16_000).iloc[0]
    names = {name: contour_of(parse(name, feature_set), configuration) for name in written.index}
    found = analysis.contours(str(file), configuration, tuple({name for name in names.values() if name}))
    result = {}
    for name, value in written.items():
        contour = found[names[name] or ""]
        result[str(name)] = (float(value), marks(parse(str(name)).functional, contour), contour)
    return result


@pytest.mark.parametrize(
    ("feature_set", "least", "exact"),
    [
        ("IS09", 1.0, 2e-3),
        ("IS10", 0.99, 2e-3),
        ("emobase", 1.0, 2e-3),
        ("eGeMAPSv02", 0.8, 3e-2),  # a voice that runs to the last frame: one frame of a hundred may differ
    ],
)
def test_every_functional_that_is_drawn_is_the_one_that_opensmile_wrote(
    speech: Path, feature_set: str, least: float, exact: float
) -> None:
    found = drawn(speech, feature_set)
    valued = {name: one for name, one in found.items() if one[1].value is not None}
    assert len(valued) >= least * len(found)
    for name, (written, seen, contour) in valued.items():
        size = float(np.abs(contour.values[contour.counted]).mean())
        assert seen.value == pytest.approx(written, rel=exact, abs=exact / 10 * size + 1e-6), name


@pytest.mark.parametrize("feature_set", sorted(FEATURE_SETS))
def test_every_set_has_levels_and_every_feature_a_contour(feature_set: str) -> None:
    from msfl.features.sets import feature_names

    configuration = FEATURE_SETS[feature_set].opensmile
    known: set[str] = set()
    for level in LEVELS[configuration]:
        known |= analysis._columns(configuration, level.name)
    wanted = {contour_of(parse(name, feature_set), configuration) for name in feature_names(feature_set)}
    assert wanted <= known


def test_the_lines_stand_where_the_features_say(speech: Path) -> None:
    found = drawn(speech, "IS10")
    mean, seen, _ = found["F0final_sma_amean"]
    assert seen.lines[0].values == pytest.approx([mean, mean], rel=1e-5)
    slope, seen, contour = found["F0final_sma_linregc1"]
    line = seen.lines[0]
    assert np.diff(line.values) == pytest.approx(np.full(len(line.values) - 1, slope), rel=1e-3)
    assert len(line.times) == int(contour.counted.sum())
    start = found["F0final_sma_linregc2"]
    assert start[1].points[0].value == pytest.approx(start[0], rel=1e-3)
    low, high = found["F0final_sma_quartile1"][0], found["F0final_sma_quartile3"][0]
    assert found["F0final_sma_iqr1-3"][1].band == pytest.approx((low, high), rel=1e-5)
    place, seen, contour = found["pcm_loudness_sma_maxPos"]
    assert seen.points[0].time == pytest.approx(contour.times[int(place)])
    share, seen, contour = found["pcm_loudness_sma_upleveltime75"]
    assert seen.frames is not None
    assert seen.frames.sum() / contour.counted.sum() == pytest.approx(share, rel=1e-4)


def test_pitch_is_counted_in_voiced_frames_only_and_the_pause_has_none(speech: Path) -> None:
    contour = analysis.contours(str(speech), "IS10", ("F0final_sma",))["F0final_sma"]
    pause = (contour.times > 0.56) & (contour.times < 0.6)
    assert pause.sum() >= 3
    assert not contour.counted[pause].any()
    assert contour.counted.sum() > 50
    assert 90 < np.median(contour.values[contour.counted]) < 260
    assert np.diff(contour.times) == pytest.approx(np.full(len(contour.times) - 1, 0.01), abs=1e-4)


def test_the_picture_is_small_and_shows_the_tone_where_it_is(speech: Path) -> None:
    picture = analysis.picture(str(speech))
    rows, columns = picture.spectrogram.shape
    assert rows == 128
    assert columns <= 400
    assert picture.duration == pytest.approx(SECONDS)
    energy = picture.spectrogram.astype(float).mean(axis=1)
    assert energy[-20:].mean() > energy[:20].mean() + 25  # the last rows are the low frequencies
    times = np.linspace(0, SECONDS, columns)
    pause = picture.spectrogram[:, (times > 0.53) & (times < 0.6)].mean()
    assert pause < picture.spectrogram.mean() - 20
    assert picture.low.min() < 0 < picture.high.max()


def test_columns_of_another_origin_have_no_contour() -> None:
    assert contour_of(parse_or_unknown("my own column"), "IS10") is None
    assert contour_of(parse("F0final_sma_amean"), "own table") is None


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60), st.data())
def test_marks_never_fail_and_stay_within_the_contour(values: list[float], data: st.DataObject) -> None:
    x = np.array(values, dtype=np.float32)
    counted = np.array(data.draw(st.lists(st.booleans(), min_size=len(x), max_size=len(x))))
    contour = Contour("F0final_sma", np.arange(len(x), dtype=np.float32) / 100, x, counted, nonzero=True)
    names = [
        "amean",
        "linregc1",
        "qregc3",
        "iqr1-3",
        "maxPos",
        "stddev",
        "skewness",
        "centroid",
        "upleveltime75",
    ]
    for functional in [*names, "risetime", "percentile99.0", "numOnsets", "lpc3", "no such thing"]:
        seen = marks(functional, contour)
        for point in seen.points:
            assert contour.times[0] <= point.time <= contour.times[-1]
        if seen.frames is not None:
            assert not (seen.frames & ~counted).any()
        if functional in ("amean", "percentile99.0", "iqr1-3") and counted.any():
            assert seen.value is not None
            assert seen.value <= float(np.ptp(x)) + float(np.abs(x).max()) + 1e-3
        if not counted.any():
            assert seen.value is None


def test_the_service_answers_keeps_answers_and_survives_its_process(speech: Path, tmp_path: Path) -> None:
    service = SoundService()
    try:
        first = service.picture(speech)
        assert service.picture(speech) is first
        contour = service.contours(speech, "IS10", ("F0final_sma", "no_such_contour"))
        assert list(contour) == ["F0final_sma"]
        broken = tmp_path / "broken.wav"
        broken.write_bytes(b"RIFF....WAVE and then nothing")
        with pytest.raises(DataError, match=r"^'broken\.wav' is not an audio file"):
            service.picture(broken)
        with pytest.raises(DataError, match="cannot be read"):
            service.picture(tmp_path / "gone.wav")
        assert service._process is not None
        service._process.kill()
        service._process.join()
        again = service.contours(speech, "emobase", ("F0_sma",))
        assert "F0_sma" in again
    finally:
        service.close()
    assert service._process is None


def test_a_recording_that_is_too_long_is_refused_in_words(tmp_path: Path) -> None:
    import soundfile

    file = tmp_path / "long.wav"
    soundfile.write(file, np.zeros(int(16_000 * (analysis.LONGEST + 1)), dtype=np.float32), 16_000)
    with pytest.raises(DataError, match="lasts 121 s"):
        analysis.picture(str(file))
