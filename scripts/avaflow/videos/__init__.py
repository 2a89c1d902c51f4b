"""Videos and what is cut from them: clips, frames, keyframes, segments."""
