"""What the network sees: 32 cepstra of the telephone band and 3 values of pitch, every 10 ms.

The same options go to Vosk as conf/mfcc.conf and conf/pitch.conf (Vosk 0.3.45 appends Kaldi's pitch when the latter is
there). The mel range ends at 3.7 kHz, so clean 16 kHz and telephone audio look alike. Pitch is the voicing, the log
pitch less its mean over the last 0.75 s, and its slope; 50 ms of look-ahead steady it. No dither, no noise: the same
samples always give the same features.
"""

import kaldi_native_fbank as knf
import numpy as np
from numpy.typing import NDArray

from asr.model.recipe.options import CEPSTRA, HIGH_HZ, LOW_HZ, PITCH_LOOKAHEAD, PITCH_STEP


def extract(samples: NDArray[np.float64]) -> NDArray[np.float32]:
    """Features (frames, DIM) of 16 kHz samples on the int16 scale."""
    wave = np.ascontiguousarray(samples, np.float32)
    mfcc = _mfcc(wave)
    pitch = _pitch(wave)
    frames = min(len(mfcc), len(pitch))
    return np.concatenate([mfcc[:frames], pitch[:frames]], axis=1)


def _mfcc(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    options = knf.MfccOptions()
    options.frame_opts.samp_freq = 16000
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = CEPSTRA
    options.mel_opts.low_freq = LOW_HZ
    options.mel_opts.high_freq = HIGH_HZ
    options.num_ceps = CEPSTRA
    options.use_energy = False
    computer = knf.OnlineMfcc(options)
    computer.accept_waveform(16000, wave)
    computer.input_finished()
    if computer.num_frames_ready == 0:
        return np.zeros((0, CEPSTRA), np.float32)
    return np.stack([computer.get_frame(i) for i in range(computer.num_frames_ready)])


def _pitch(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    options = knf.PitchExtractionOptions()
    options.samp_freq = 16000
    options.delta_pitch = PITCH_STEP
    process = knf.ProcessPitchOptions()
    process.delta_pitch_noise_stddev = 0.0
    process.normalization_right_context = PITCH_LOOKAHEAD
    return np.asarray(knf.compute_and_process_kaldi_pitch(options, process, wave), np.float32)
