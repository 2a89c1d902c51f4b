"""Who has which clip open: a window holds it for as long as it says so every few seconds."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

HOLD_SECONDS = 60
"""A window that has said nothing for so long is closed, or its machine asleep."""

HEARTBEAT_SECONDS = 20
"""How often a window should speak: two calls may be lost before it loses its clip."""


class Window(NamedTuple):
    """A window of a browser, by its annotator (empty where nobody is named) and its own id."""

    annotator: str
    id: str


class Hold(NamedTuple):
    """A clip held by a window until a moment, in seconds of the clock that is asked."""

    window: Window
    until: float


class Holds:
    """The clips that are open. Every call is safe from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, Hold] = {}

    def take(self, clip: str, window: Window) -> Window | None:
        """Hold a clip for a window from now on, or go on holding it.

        Returns the window that has it, where that is another: then nothing changes.
        """
        with self._lock:
            holder = self._holder(clip)
            if holder not in (None, window):
                return holder
            self._held[clip] = Hold(window, self._clock() + HOLD_SECONDS)
            return None

    def give_back(self, clip: str, window: Window) -> None:
        """Free a clip, where this window holds it."""
        with self._lock:
            if self._holder(clip) == window:
                del self._held[clip]

    def holder(self, clip: str) -> Window | None:
        """The window that holds a clip; None where nobody does."""
        with self._lock:
            return self._holder(clip)

    def _holder(self, clip: str) -> Window | None:
        hold = self._held.get(clip)
        return hold.window if hold and self._clock() < hold.until else None
