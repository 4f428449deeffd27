"""The features' options, told alike to the training (features.py) and to Vosk (conf/mfcc.conf, conf/pitch.conf)."""

CEPSTRA = 32
DIM = CEPSTRA + 3
LOW_HZ, HIGH_HZ = 120, 3700
PITCH_LOOKAHEAD = 5
PITCH_STEP = 0.01

MFCC_CONF = f"""--use-energy=false
--sample-frequency=16000
--allow-upsample=true
--num-mel-bins={CEPSTRA}
--num-ceps={CEPSTRA}
--low-freq={LOW_HZ}
--high-freq={HIGH_HZ}
--dither=0
"""
PITCH_CONF = f"""--sample-frequency=16000
--delta-pitch={PITCH_STEP}
--delta-pitch-noise-stddev=0
--normalization-right-context={PITCH_LOOKAHEAD}
"""
