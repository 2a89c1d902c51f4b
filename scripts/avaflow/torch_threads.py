"""How torch's threads wait for each other on a processor."""

import os


def let_threads_sleep() -> None:
    """Make idle OpenMP threads sleep instead of spin; must run before torch is first imported.

    Spinning gains nothing measurable on a free machine. On a busy one it takes the cores
    away from the threads that are waited for: on two cores with other work, two threads
    took 19 to 29 s for what one did in 6 s, and asleep 4 to 6 s; a YOLO11n detected
    twice as fast. A policy that the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
