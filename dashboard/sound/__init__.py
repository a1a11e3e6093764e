"""Sound for the eye: waveform, spectrogram and openSMILE's contours, computed in a process of its own."""
