"""Positions, clocks and gaps as vectors."""

import numpy as np
import pytest

from stim_lib import networks


class TestSinusoids:
    def test_formula(self):
        wave = np.asarray(networks.sinusoids(np.arange(5), 6))
        for p in range(5):
            for i in range(3):
                rate = p / 10_000 ** (2 * i / 6)
                assert np.allclose(wave[p, 2 * i : 2 * i + 2], [np.sin(rate), np.cos(rate)])

    def test_a_step_is_a_rotation(self):
        wave = np.asarray(networks.sinusoids(np.arange(20), 8))
        match = wave @ wave.T
        assert np.allclose(np.diag(match, 3), match[0, 3], atol=1e-4)

    @pytest.mark.parametrize("width", [0, 3])
    def test_width_is_even(self, width):
        with pytest.raises(ValueError, match="even"):
            networks.sinusoids([0.0], width)


class TestClock:
    def test_a_week_later_is_the_same(self):
        clock = np.array([[0.0, 10.5, 100.0]], "float32")
        first, second = (np.asarray(networks.clock_waves(c)) for c in (clock, clock + 168))
        assert first.shape == (1, 3, 10) and np.allclose(first, second, atol=1e-3)

    def test_six_on_monday(self):
        # A quarter of a day: the daily sine is 1, its cosine 0, the half-daily cosine -1.
        wave = np.asarray(networks.clock_waves([6.0]))[0]
        assert np.allclose(wave[[2, 7, 8]], [1, 0, -1], atol=1e-5)

    def test_layer_projects_the_waves(self):
        layer, clock = networks.ClockEncoding(4), np.array([[3.0, 50.0]])
        output = np.asarray(layer(clock))
        kernel, bias = layer.get_weights()
        assert np.allclose(
            output, np.asarray(networks.clock_waves(clock)) @ kernel + bias, atol=1e-5
        )
        assert networks.ClockEncoding.from_config(layer.get_config()).width == 4


class TestGap:
    def test_by_hand_and_blind_to_padding(self):
        valid = np.array([[False, True, True, True]])
        for filler in (0.0, 99.0):
            gaps = np.asarray(networks.log_gaps(np.array([[filler, 5.0, 6.0, 9.0]]), valid))
            assert np.allclose(gaps[0], [[0, 0], [0, 0], [np.log(2), 1], [np.log(4), 1]])

    def test_the_origin_of_time_does_not_matter(self):
        hours, valid = np.array([[1.0, 4.0, 6.0]]), np.ones((1, 3), bool)
        layer = networks.GapEncoding(3)
        assert np.allclose(layer(hours, valid=valid), layer(hours + 64, valid=valid))
        assert networks.GapEncoding.from_config(layer.get_config()).width == 3
